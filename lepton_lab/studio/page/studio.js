// SPDX-License-Identifier: BSD-3-Clause
// The page of the Studio: it draws one value, `view`, and sends what is done. Nothing is decided here.

function skeleton(el, id) {
  const root = make("section", "root", { "aria-label": "Lepton Studio", "data-lm-suppress-shortcuts": "true" });
  const head = make("header", "head");
  const parts = { root };
  head.append(make("h2", "name", {}, "Lepton Studio"), (parts.device = make("span", "device")));
  parts.tabs = make("div", "tabs", { role: "tablist", "aria-label": "Steps" });
  parts.select = make("select", "input", { id: `${id}-select`, "data-focus": "step" });
  const narrow = add(make("div", "narrow"), make("label", "label", { for: `${id}-select` }, "Step"), parts.select);
  parts.busy = make("div", "busy", { role: "progressbar", "aria-label": "Work under way" });
  parts.busyWords = make("span");
  parts.busy.append(make("span", "spinner", { "aria-hidden": "true" }), parts.busyWords);
  parts.panel = make("div", "panel", { role: "tabpanel", id: `${id}-panel`, tabindex: "-1" });
  parts.code = codeStrip(id);
  parts.say = make("div", "hidden", { role: "status", "aria-live": "polite" });
  add(el, add(root, head, parts.tabs, narrow, parts.busy, parts.panel, parts.code.root, parts.say));
  return parts;
}

// Ask our JupyterLab extension for a cell with this code below the one that shows `node`; where there is no
// extension nobody answers. Without code it is only asked whether it could.
function answered(node, code) {
  const event = new CustomEvent("lepton-lab:insert-cell", { bubbles: true, composed: true, cancelable: true, detail: { code } });
  return !node.dispatchEvent(event);
}

// What a button says for a moment.
function said(button, words) {
  button.usual ??= button.textContent;
  put(button, words);
  setTimeout(() => put(button, button.usual), 1500);
}

function codeStrip(id) {
  const root = make("div", "code");
  const row = make("div", "buttons");
  const toggle = make("button", "button", { type: "button", "aria-expanded": "false", "aria-controls": `${id}-code`, "data-focus": "code", title: "Alt+Shift+C" }, "⟨/⟩ Show code");
  const body = make("div", "listing", { id: `${id}-code`, hidden: "" });
  const language = make("select", "input", { "aria-label": "Language of the code", "data-focus": "language" });
  options(language, [["magic", "magic"], ["python", "Python"]]);
  const copy = make("button", "button", { type: "button", "data-focus": "copy" }, "Copy");
  const text = make("pre", "", { tabindex: "0", "aria-label": "Code of this step" });
  toggle.addEventListener("click", () => {
    body.hidden = !body.hidden;
    toggle.setAttribute("aria-expanded", String(!body.hidden));
    put(toggle, body.hidden ? "⟨/⟩ Show code" : "⟨/⟩ Hide code");
  });
  const insert = make("button", "button", { type: "button", "data-focus": "insert", hidden: "" }, "Insert cell");
  toggle.addEventListener("click", () => { insert.hidden = !answered(root, ""); });
  insert.addEventListener("click", () => said(insert, answered(root, text.textContent) ? "Inserted below" : "Not inserted"));
  copy.addEventListener("click", async () => {
    // A page that is not served over HTTPS has no clipboard; the selection copies there.
    if (navigator.clipboard) await navigator.clipboard.writeText(text.textContent);
    else {
      getSelection().selectAllChildren(text);
      document.execCommand("copy");
    }
    said(copy, "Copied");
  });
  add(root, add(row, toggle), add(body, add(make("div", "buttons"), language, copy, insert), text));
  return { root, toggle, language, text };
}

function drawTabs(parts, view, id, open) {
  reconcile(parts.tabs, view.steps, (step) => {
    const tab = make("button", "tab", { type: "button", role: "tab", id: `${id}-${step.key}`, "aria-controls": `${id}-panel`, "data-focus": `tab-${step.key}` });
    const sign = make("span", "sign", { "aria-hidden": "true" });
    const words = make("span", "words");
    tab.append(sign, make("span", "step", {}, step.title), words);
    tab.addEventListener("click", () => open(step.key));
    tab.update = (now) => {
      put(sign, now.sign);
      put(words, now.words);
      tab.dataset.mark = now.mark;
      return true;
    };
    tab.update(step);
    return tab;
  });
  for (const tab of parts.tabs.children) {
    const chosen = tab.key === view.open;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
  options(parts.select, view.steps.map((step) => [step.key, `${step.sign} ${step.title}: ${step.words}`]));
  parts.select.value = view.open;
  parts.panel.setAttribute("aria-labelledby", `${id}-${view.open}`);
}

// Arrows, Home and End go round the tabs; the tab that is reached is opened.
function arrows(event, tabs, open) {
  const all = [...tabs.children];
  const at = all.indexOf(event.target.closest("[role=tab]"));
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  const tab = all[(to + all.length) % all.length];
  tab.focus();
  open(tab.key);
}

function shortcuts(event, parts) {
  if (!event.altKey || !event.shiftKey) return;
  const pressed = { KeyP: "[data-action=pause]", KeyS: "[data-action=stop]" }[event.code];
  const node = event.code === "KeyC" ? parts.code.toggle : pressed && parts.panel.querySelector(pressed);
  if (!node) return;
  event.preventDefault();
  node.click();
}

// The run's live card and the grid of suspects: widgets of their own, which live in the kernel like this one.
async function showChild(model, root) {
  const id = model.get(root.dataset.child);
  if (!id || root.shown === id) return;
  root.shown = id;
  try {
    const child = await model.widget_manager.get_model(id);
    const view = await model.widget_manager.create_view(child);
    root.gone?.();
    root.gone = () => view.remove();
    root.replaceChildren(view.el);
  } catch {
    put(root, "This cannot be shown here. In the kernel it goes on.");
  }
}

function render({ model, el }) {
  const id = unique();
  const parts = skeleton(el, id);
  const post = messenger(model);
  let view = model.get("view");
  const page = {
    post,
    box: outbox((message) => post.send(message)),
    step: () => view.open,
    busy: () => Boolean(view.busy),
    title: (key) => view.steps.find((step) => step.key === key)?.title ?? key,
    child: (root) => showChild(model, root),
  };
  const open = (step) => page.box.now({ do: "open", step });
  parts.tabs.addEventListener("keydown", (event) => arrows(event, parts.tabs, open));
  parts.select.addEventListener("change", () => open(parts.select.value));
  parts.code.language.addEventListener("change", () => page.box.now({ do: "language", value: parts.code.language.value }));
  parts.root.addEventListener("keydown", (event) => {
    shortcuts(event, parts);
    if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
  });

  const draw = () => {
    const before = view?.open;
    view = model.get("view");
    if (!view?.steps) return;
    keepingFocus(parts.root, () => {
      put(parts.device, view.device);
      drawTabs(parts, view, id, open);
      parts.busy.hidden = !view.busy;
      put(parts.busyWords, view.busy ? `${view.busy.words}…` : "");
      parts.busy.setAttribute("aria-valuetext", view.busy?.words ?? "idle");
      // A panel of another step begins anew; buttons know whether something is under way.
      const keyed = view.panel.map((block) => ({
        ...block, key: `${view.open}/${block.key}`, ...(["buttons", "group"].includes(block.kind) ? { busy: Boolean(view.busy) } : {}),
      }));
      reconcile(parts.panel, keyed, (block) => drawBlock(block, page));
      put(parts.code.text, view.code);
      parts.code.language.value = view.language;
      put(parts.say, view.say);
    });
    // A long step may have been left at its end.
    if (before && before !== view.open && parts.root.getBoundingClientRect().top < 0) parts.root.scrollIntoView({ block: "start" });
  };
  const children = () => {
    for (const root of parts.panel.querySelectorAll("[data-child]")) showChild(model, root);
  };
  model.on("change:view", draw);
  model.on("change:card", children);
  model.on("change:clean", children);
  draw();
  return () => {
    model.off("change:view", draw);
    model.off("change:card", children);
    model.off("change:clean", children);
    post.close();
    parts.root.remove();
  };
}

export default { render };
