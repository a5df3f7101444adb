// SPDX-License-Identifier: BSD-3-Clause
// The row of buttons, and the learning-rate field. `order(action, values)` sends; it resolves to false when
// the order waits until the kernel is free. What was ordered is said at once, and again by the run's state.
// Without `order` the run is only looked at, and only a branch can begin from it.
import { button, element, enable, put } from "./dom.js";

const SAID = {
  pause: "Pausing after this step…", resume: "Going on…", stop: "Stopping after this step…",
  checkpoint: "Saving a checkpoint after this step…", evaluate: "Evaluating after this step…",
  set: "New learning rate from the next step on…",
};
const TAKES = {
  starting: ["stop"], running: ["pause", "stop", "checkpoint", "evaluate", "set"],
  paused: ["pause", "stop", "checkpoint", "evaluate", "set"],
};

export function orders(parent, order, openBranch) {
  const row = element(parent, "div", "actions", { role: "group", "aria-label": "Actions" });
  let shown = null;
  let answered = null;
  let allowed = [];

  async function give(action, values = {}) {
    if (!allowed.includes(action === "resume" ? "pause" : action)) return;
    put(note, SAID[action]);
    answered = shown?.orders;
    try {
      if ((await order(action, values)) === false) put(note, "The kernel is busy: this happens when its cell ends.");
    } catch (error) {
      put(note, `The order could not be sent: ${error.message ?? error}`);
    }
  }

  const pause = button(row, "pause", "Pause", () => give(shown.state === "paused" ? "resume" : "pause"));
  const stop = button(row, "stop", "Stop", () => give("stop"));
  stop.dataset.icon = "stop";
  const buttons = [
    pause,
    stop,
    button(row, "checkpoint", "Checkpoint", () => give("checkpoint")),
    button(row, "evaluate", "Evaluate now", () => give("evaluate")),
  ];
  const form = element(row, "span", "rate");
  const name = element(form, "label", "rate-label", {}, "Learning rate ");
  const field = element(name, "input", "field", { type: "text", inputmode: "decimal", size: "7", autocomplete: "off" });
  buttons.push(button(form, "set", "Set", setRate));
  field.addEventListener("keydown", (event) => event.key === "Enter" && setRate());

  function setRate() {
    const rate = Number(field.value.trim().replace(",", "."));
    const right = field.value.trim() !== "" && rate > 0 && Number.isFinite(rate);
    field.setAttribute("aria-invalid", String(!right));
    if (right) {
      give("set", { learning_rate: rate });
      field.value = "";
      return;
    }
    answered = null;
    put(note, "A learning rate is a number above zero, such as 3e-4.");
  }

  const branch = button(row, "branch", "Branch…", () => openBranch(shown.step, branch));
  branch.setAttribute("aria-expanded", "false");
  const note = element(row, "span", "note", { role: "status", "aria-live": "polite" });

  return {
    branch,
    obey(way) {
      order = way;
    },
    update(state) {
      if (answered !== null && state.orders !== answered) {
        answered = null;
        put(note, "");
      }
      shown = state;
      allowed = TAKES[state.state] ?? [];
      const over = !order || !["starting", "running", "stopping", "paused"].includes(state.state);
      for (const node of [...buttons, form]) node.hidden = over;
      if (over) put(note, "");
      pause.dataset.icon = state.state === "paused" ? "resume" : "pause";
      put(pause, state.state === "paused" ? "Resume" : "Pause");
      for (const node of buttons) enable(node, allowed.includes(node.dataset.action));
      field.placeholder = state.facts.find(([label]) => label === "learning rate")?.[1] ?? "";
      branch.hidden = !state.kept?.length;
      row.hidden = over && branch.hidden;
    },
  };
}
