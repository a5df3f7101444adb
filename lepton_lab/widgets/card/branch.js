// SPDX-License-Identifier: BSD-3-Clause
// "Branch from here": the nearest kept checkpoint, the command to copy, and a button that starts it.
import { button, element, put } from "./dom.js";

export function command(run, step) {
  return `lab.run(${JSON.stringify(run)}).branch(step=${step})`;
}

// The kept step that is nearest to `step`; the earlier one of two.
export function nearest(kept, step) {
  return kept.reduce((best, one) => (Math.abs(one - step) < Math.abs(best - step) ? one : best));
}

// `start(command, step)` begins the branch; without it the command can only be copied.
export function branching(parent, start) {
  const box = element(parent, "div", "branch", { role: "group", "aria-label": "Branch from a checkpoint" });
  box.hidden = true;
  const line = element(box, "label", "branch-line");
  const words = element(line, "span", "branch-words");
  const select = element(line, "select", "field");
  const code = element(box, "code", "code");
  const row = element(box, "div", "actions");
  const note = element(row, "span", "note", { role: "status", "aria-live": "polite" });
  let state = null;
  let opener = null;

  const chosen = () => Number(select.value);
  const show = () => put(code, command(state.run, chosen()));
  select.addEventListener("change", show);

  async function copy() {
    try {
      await navigator.clipboard.writeText(code.textContent);
      put(note, "Copied.");
    } catch {
      getSelection().selectAllChildren(code);
      put(note, "Selected: copy it with the keyboard.");
    }
  }

  async function begin() {
    put(note, "Starting…");
    try {
      await start(code.textContent, chosen());
      put(note, `A branch from step ${chosen()} was started; it waits until this run is over.`);
    } catch (error) {
      put(note, `It could not be started: ${error.message ?? error}`);
    }
  }

  function close() {
    box.hidden = true;
    opener?.setAttribute("aria-expanded", "false");
    opener?.focus();
  }

  const buttons = [button(row, "copy", "Copy", copy)];
  if (start) buttons.push(button(row, "start", "Start it", begin));
  buttons.push(button(row, "close", "Close", close));
  row.append(note);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });

  return {
    update(now) { state = now; },
    // Offer the kept checkpoint nearest to a step.
    open(step, from) {
      if (!state?.kept?.length) return;
      opener = from;
      const near = nearest(state.kept, step);
      select.replaceChildren(...state.kept.map((one) => new Option(`step ${one}`, one, one === near, one === near)));
      put(words, near === step ? "Branch from" : `Branch near step ${step} from the checkpoint at `);
      put(note, "");
      show();
      box.hidden = false;
      opener?.setAttribute("aria-expanded", "true");
      select.focus({ preventScroll: false });
    },
  };
}
