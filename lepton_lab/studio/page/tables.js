// SPDX-License-Identifier: BSD-3-Clause
// Tables: of facts, of rows to choose from, of confusions.

function scrolling(node, words, tall = false) {
  const kind = tall ? "scroll lepton-studio-tall" : "scroll";
  return add(make("div", kind, { tabindex: "0", role: "region", "aria-label": words }), node);
}

function tableBlock(block, page) {
  const root = make("div", "block");
  const caption = make("caption", "title", {}, block.title || block.columns[0]);
  const head = make("tr");
  if (block.pick) head.append(add(make("th"), make("span", "hidden", {}, "chosen")));
  block.columns.forEach((name, i) => head.append(make("th", block.right[i] ? "right" : "", { scope: "col" }, name)));
  const body = make("tbody");
  const group = unique();
  block.rows.forEach((cells, index) => body.append(tableRow(block, cells, index, group, page)));
  const table = add(make("table", "table"), caption, add(make("thead"), head), body);
  root.append(scrolling(table, block.title || block.columns[0], block.tall));
  if (block.note) root.append(make("div", "help", {}, block.note));
  const rest = ({ picked, ...others }) => JSON.stringify(others);
  const same = rest(block);
  root.update = (now) => {
    if (rest(now) !== same) return false;
    for (const input of body.querySelectorAll("input")) input.checked = input.value === now.picked;
    return true;
  };
  return root;
}

function tableRow(block, cells, index, group, page) {
  const row = make("tr");
  const shown = cells.map((text, i) => make(i ? "td" : "th", block.right[i] ? "right" : "", i ? {} : { scope: "row" }, text));
  if (block.pick) {
    const value = block.names[index];
    const input = make("input", "", { type: "radio", name: group, value, "aria-label": cells[0], "data-focus": `pick=${value}` });
    input.checked = value === block.picked;
    input.addEventListener("change", () => page.box.now({ do: "set", step: page.step(), field: block.pick, value }));
    row.append(add(make("td"), input));
    row.classList.add("lepton-studio-pick");
    row.addEventListener("click", (event) => { if (event.target !== input) input.click(); });
  }
  return add(row, ...shown);
}

function factsBlock(block) {
  const root = make("div", "block");
  if (block.title) root.append(make("h3", "title", {}, block.title));
  const list = make("dl", "facts");
  for (const [name, value] of block.rows) {
    list.append(add(make("div"), make("dt", "", {}, name), make("dd", "", {}, value)));
  }
  return add(root, list);
}

function matrixBlock(block, page) {
  const caption = make("caption", "title", {}, block.title);
  const head = add(make("tr"), make("td"));
  for (const name of block.names) head.append(make("th", "", { scope: "col" }, name));
  const body = make("tbody");
  block.counts.forEach((counts, i) => {
    const all = counts.reduce((a, b) => a + b, 0) || 1;
    const row = add(make("tr"), make("th", "", { scope: "row" }, block.names[i]));
    counts.forEach((count, j) => {
      const cell = make("td", i === j ? "hit" : "miss", {}, count ? String(count) : "");
      cell.style.setProperty("--share", `${Math.round((100 * count) / all)}%`);
      const value = `${block.classes[i]},${block.classes[j]}`;
      // The list of cells below the matrix does the same for the keyboard.
      if (count) cell.addEventListener("click", () => page.box.now({ do: "set", step: page.step(), field: "cell", value }));
      cell.title = `${block.names[i]} taken for ${block.names[j]}: ${count}`;
      row.append(cell);
    });
    body.append(row);
  });
  const table = add(make("table", "matrix"), caption, add(make("thead"), head), body);
  return add(make("div", "block"), scrolling(table, block.title));
}
