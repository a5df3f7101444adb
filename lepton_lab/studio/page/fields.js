// SPDX-License-Identifier: BSD-3-Clause
// Controls: native ones, each with its label, its help, what `auto` stands for, and its error.

const TYPING = 250;

// What was typed and not sent yet; a button sends it first.
function outbox(send) {
  const waiting = new Map();
  const flush = (key) => {
    for (const [name, [timer, message]] of waiting) {
      if (key !== undefined && name !== key) continue;
      clearTimeout(timer);
      waiting.delete(name);
      send(message);
    }
  };
  return {
    flush,
    later(key, message) {
      clearTimeout(waiting.get(key)?.[0]);
      waiting.set(key, [setTimeout(() => flush(key), TYPING), message]);
    },
    now(message) {
      flush();
      send(message);
    },
  };
}

function options(node, choices) {
  const text = JSON.stringify(choices);
  if (node.choices === text) return;
  node.choices = text;
  node.replaceChildren(...choices.map(([value, words]) => {
    const one = make("option", "", { value }, words);
    return one;
  }));
}

function suggest(box, input, words) {
  if (!words.length) return;
  const id = input.getAttribute("list") ?? unique();
  input.setAttribute("list", id);
  let list = box.querySelector("datalist");
  if (!list) box.append((list = make("datalist", "", { id })));
  options(list, words.map((word) => [word, ""]));
}

function radios(field, change) {
  const group = make("fieldset", "radios");
  const name = unique();
  group.append(make("legend", "label", {}, field.label));
  const box = make("div", "choices");
  group.append(box);
  group.set = (now) => {
    reconcile(box, now.choices.map(([key, words]) => ({ key, words })), ({ key, words }) => {
      const input = make("input", "", { type: "radio", name, value: key, "data-focus": `${now.name}=${key}` });
      input.addEventListener("change", () => change(key));
      return add(make("label", "choice"), input, make("span", "", {}, words));
    });
    for (const one of box.querySelectorAll("input")) one.checked = one.value === now.value;
  };
  return group;
}

function control(field, page) {
  const { name, type } = field;
  // A field may belong to another step than the one that shows it.
  const message = (value) => ({ do: "set", step: field.step ?? page.step(), field: name, value });
  const id = unique();
  const attributes = { id, "data-focus": name, "aria-describedby": `${id}-help ${id}-error` };
  if (type === "select") {
    const node = make("select", "input", attributes);
    node.addEventListener("change", () => page.box.now(message(node.value)));
    node.set = (now) => { options(node, now.choices); node.value = now.value; };
    return node;
  }
  if (type === "check") {
    const node = make("input", "check", { ...attributes, type: "checkbox" });
    node.addEventListener("change", () => page.box.now(message(node.checked)));
    node.set = (now) => { node.checked = now.value; };
    return node;
  }
  const node = make("input", "input", { ...attributes, type: type === "search" ? "search" : "text", autocomplete: "off", spellcheck: "false" });
  node.addEventListener("input", () => page.box.later(name, message(node.value)));
  node.addEventListener("change", () => page.box.flush(name));
  // What is being typed is newer than what the kernel says.
  node.set = (now) => { if (node !== node.getRootNode().activeElement) node.value = now.value; };
  return node;
}

function fieldNode(field, page) {
  const box = make("div", `field lepton-studio-${field.type}${field.wide ? " lepton-studio-wide" : ""}`);
  const change = (value) => page.box.now({ do: "set", step: page.step(), field: field.name, value });
  const input = field.type === "radio" ? radios(field, change) : control(field, page);
  const help = make("div", "help", { id: `${input.id}-help` });
  const wrong = make("div", "wrong", { id: `${input.id}-error`, role: "alert" });
  if (field.type === "radio") box.append(input);
  else {
    const label = make("label", "label", { for: input.id }, field.label);
    if (field.type === "check") box.append(input, label);
    else box.append(label, input);
  }
  box.append(help, wrong);
  box.update = (now) => {
    input.set(now);
    if (now.suggestions.length && ["text", "path", "search"].includes(field.type)) suggest(box, input, now.suggestions);
    put(help, now.hint || now.help);
    help.classList.toggle("lepton-studio-auto", Boolean(now.hint));
    reconcile(wrong, now.error.map((words, key) => ({ key, words })), ({ words }) => make("div", "", {}, words));
    input.setAttribute("aria-invalid", String(now.error.length > 0));
    return true;
  };
  box.update(field);
  return box;
}

function fieldsBlock(block, page) {
  const root = make(block.folded ? "details" : "div", "fields");
  if (block.folded) root.append(make("summary", "summary", { "data-focus": `fold-${block.key}` }, block.title));
  const grid = make("div", "grid");
  root.append(grid);
  root.update = (now) => {
    const keyed = now.fields.map((field) => ({ ...field, key: field.name }));
    reconcile(grid, keyed, (field) => fieldNode(field, page));
    return true;
  };
  root.update(block);
  return root;
}
