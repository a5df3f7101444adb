// SPDX-License-Identifier: BSD-3-Clause
// What a panel is made of: one function per kind of block.

function buttonNode(item, page) {
  const kind = item.primary ? "button lepton-studio-primary" : "button";
  const node = make("button", kind, { type: "button", "data-focus": `do-${item.action}` }, item.words);
  if (item.title) node.title = item.title;
  // The kernel decides: what was typed a moment ago may allow what this button does not know of yet.
  node.addEventListener("click", () => page.box.now({ do: "press", step: page.step(), action: item.action }));
  if (item.off || (page.busy() && !item.action.startsWith("go:"))) {
    node.setAttribute("aria-disabled", "true");
    node.title = item.off || "Something is under way.";
  }
  return node;
}

function buttonsBlock(block, page) {
  const root = make("div", "buttons");
  root.append(...block.buttons.map((item) => buttonNode(item, page)));
  return root;
}

function noteBlock(block, page) {
  const root = make("p", `note lepton-studio-${block.tone || "plain"}`, {}, block.words);
  if (!block.go) return root;
  const go = make("button", "link", { type: "button", "data-focus": `go-${block.go}` }, `Go to ${page.title(block.go)}`);
  go.addEventListener("click", () => page.box.now({ do: "open", step: block.go }));
  return add(root, " ", go);
}

function errorBlock(block) {
  const root = make("div", "error", { role: "alert" });
  block.lines.forEach((line, i) => root.append(make(i ? "div" : "b", "", {}, line)));
  return root;
}

function barsBlock(block) {
  const root = add(make("div", "block"), make("h3", "title", {}, block.title));
  const most = Math.max(1, ...block.rows.map(([, train, held]) => train + held));
  const list = make("ul", "bars");
  for (const [name, train, held] of block.rows) {
    const track = make("span", "bar", { "aria-hidden": "true" });
    for (const [kind, count] of [["trained", train], ["held", held]]) {
      const part = make("span", kind);
      part.style.width = `${(100 * count) / most}%`;
      track.append(part);
    }
    const said = held ? `${train} + ${held} held out` : String(train);
    list.append(add(make("li"), make("span", "name", {}, name), track, make("span", "count", {}, said)));
  }
  root.append(list);
  return block.note ? add(root, make("div", "help", {}, block.note)) : root;
}

function galleryBlock(block) {
  const root = add(make("div", "block"), make("h3", "title", {}, block.title));
  const list = make("ul", "gallery");
  for (const [address, caption] of block.items) {
    const image = address.startsWith("data:image/") ? make("img", "", { src: address, alt: "" }) : make("span", "lost", {}, "no picture");
    list.append(add(make("li"), image, make("span", "", {}, caption)));
  }
  return add(root, list);
}

function findingsBlock(block) {
  const root = add(make("div", "block"), make("h3", "title", {}, block.title));
  const signs = { error: "✗", warning: "!", info: "·" };
  const list = make("ul", "findings");
  for (const [severity, what, todo, examples] of block.items) {
    const row = make("li", severity);
    row.append(make("span", "sign", { "aria-hidden": "true" }, signs[severity] ?? "·"));
    const words = add(make("div"), make("b", "", {}, what), make("div", "", {}, todo));
    if (examples) words.append(make("div", "help", {}, examples));
    list.append(add(row, words));
  }
  return add(root, list);
}

function chartBlock(block) {
  const chart = picture(block.svg);
  return add(make("div", "block"), scrolling(chart, chart.getAttribute?.("aria-label") ?? "Chart"));
}

function runBlock(block, page) {
  const root = make("div", "run", { "data-child": "card" });
  page.child(root);
  return root;
}

function cleanBlock(block, page) {
  const root = make("div", "run", { "data-child": "clean" });
  page.child(root);
  return root;
}

function groupBlock(block, page) {
  const root = make("div", "group");
  root.update = (now) => {
    const items = now.blocks.map((item) => (item.kind === "buttons" ? { ...item, busy: now.busy } : item));
    reconcile(root, items, (item) => drawBlock(item, page));
    return true;
  };
  root.update(block);
  return root;
}

const DRAW = {
  fields: fieldsBlock, buttons: buttonsBlock, note: noteBlock, error: errorBlock, bars: barsBlock, gallery: galleryBlock,
  findings: findingsBlock, chart: chartBlock, run: runBlock, clean: cleanBlock, table: tableBlock, facts: factsBlock, matrix: matrixBlock,
  upload: uploadBlock, group: groupBlock,
};

function drawBlock(block, page) {
  return (DRAW[block.kind] ?? noteBlock)(block, page);
}
