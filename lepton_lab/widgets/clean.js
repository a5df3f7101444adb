// SPDX-License-Identifier: BSD-3-Clause
// The grid of suspects. The kernel decides everything; here are only the cell that has the focus and the
// class chosen for it. Every text reaches the page as textContent: names are data.

function make(tag, name = "", attributes = {}, text = "") {
  const node = document.createElement(tag);
  if (name) node.className = `lepton-clean-${name}`;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== "") node.textContent = text;
  return node;
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Choices of a select, [value, words] each; drawn again only when they change.
function choose(select, choices, value) {
  const text = JSON.stringify(choices);
  if (select.drawn !== text) {
    select.replaceChildren(...choices.map(([key, words]) => make("option", "", { value: String(key) }, words)));
    select.drawn = text;
  }
  if (select.value !== String(value)) select.value = String(value);
}

function labelled(words, name = words) {
  const label = make("label", "field");
  const select = make("select", "select", { "aria-label": name });
  label.append(make("span", "", {}, words), select);
  return [label, select];
}

function button(words, key, press) {
  const node = make("button", "button", { type: "button" }, words);
  if (key) {
    node.setAttribute("aria-keyshortcuts", key);
    node.append(make("kbd", "key", { "aria-hidden": "true" }, key));
  }
  node.addEventListener("click", () => node.getAttribute("aria-disabled") !== "true" && press());
  return node;
}

const off = (node, isOff) => node.setAttribute("aria-disabled", String(Boolean(isOff)));

function verdict(item, classes) {
  if (item.action === "relabel") return `${classes[item.label]} → ${classes[item.now]}`;
  if (item.action === "drop") return `${classes[item.label]} · dropped`;
  if (item.action === "keep") return `${classes[item.label]} ✓ kept`;
  return item.suggested >= 0 ? `${classes[item.label]} (${classes[item.suggested]}?)` : classes[item.label];
}

function drawCell(cell, item, view, address) {
  const source = (address || "").startsWith("data:image/") ? address : "";
  if (cell.image.getAttribute("src") !== source) source ? cell.image.setAttribute("src", source) : cell.image.removeAttribute("src");
  cell.image.hidden = Boolean(item.text);
  cell.text.hidden = !item.text;
  put(cell.text, item.text);
  put(cell.words, verdict(item, view.classes));
  cell.root.dataset.action = item.action;
  cell.root.title = item.name;
  cell.root.setAttribute("aria-label", `${verdict(item, view.classes)}. ${item.name}, ${item.side}. ${item.reasons.join(" ")}`);
}

function scoreRow([words, value, low, high]) {
  const row = make("div", "share");
  const track = make("span", "track", { "aria-hidden": "true" });
  const range = make("span", "range");
  const point = make("span", "point");
  range.style.left = `${100 * low}%`;
  range.style.width = `${100 * (high - low)}%`;
  point.style.left = `${100 * value}%`;
  track.append(range, point);
  row.append(make("span", "words", {}, words), track, make("span", "number", {}, `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`));
  return row;
}

function render({ model, el }) {
  const root = make("section", "root", { "aria-label": "Cleaning", "data-lm-suppress-shortcuts": "true" });
  const title = make("h2", "title");
  const score = make("div", "score");
  const note = make("p", "note");
  const filters = make("div", "line");
  const [kindField, kind] = labelled("Reason");
  const [labelField, label] = labelled("Class");
  const [stateField, state] = labelled("Show");
  const count = make("span", "quiet");
  filters.append(kindField, labelField, stateField, count);
  const list = make("ul", "grid", { role: "listbox", "aria-label": "Suspects" });
  const empty = make("p", "note", {}, "Nothing to show with this filter.");
  const detail = make("div", "detail");
  const actions = make("div", "line", { role: "group", "aria-label": "Decide" });
  const pager = make("div", "line");
  const say = make("p", "note", { role: "status", "aria-live": "polite" });
  let at = 0;
  let chosen = null; // the class that the person chose for the sample with this key
  let chosenFor = -1;

  const view = () => model.get("view");
  const current = () => view().items?.[at];
  const send = (message) => model.send(message);
  const filter = () => send({ do: "filter", kind: kind.value, label: Number(label.value), state: state.value });
  for (const select of [kind, label, state]) select.addEventListener("change", filter);

  const [asField, as] = labelled("as", "Relabel as");
  as.addEventListener("change", () => {
    chosen = Number(as.value);
    chosenFor = current()?.key;
  });
  const decide = (action) => {
    const item = current();
    if (!item) return;
    const target = Number(as.value);
    if (action === "relabel" && target === item.label) {
      as.focus(); // no class is suggested: choose one first
      return;
    }
    send(action === "relabel" ? { do: action, key: item.key, label: target } : { do: action, key: item.key });
    // With another filter the decided sample goes away and the next one comes into its place.
    if (state.value === "all" && at < view().items.length - 1) move(at + 1, list.contains(el.getRootNode().activeElement));
  };
  const keys = { r: () => decide("relabel"), d: () => decide("drop"), k: () => decide("keep"), z: () => send({ do: "undo" }) };
  const relabel = button("Relabel", "R", keys.r);
  const drop = button("Drop", "D", keys.d);
  const keep = button("Keep", "K", keys.k);
  const undo = button("Undo", "Z", keys.z);
  actions.append(relabel, asField, drop, keep, undo);
  const turn = (by) => {
    at = 0;
    chosen = null;
    send({ do: "page", page: view().page + by });
  };
  const before = button("Previous", "", () => turn(-1));
  const after = button("Next", "", () => turn(1));
  const place = make("span", "quiet");
  pager.append(before, place, after);
  root.append(title, score, note, filters, list, empty, actions, detail, pager, say);

  const cells = [];
  function cell(index) {
    while (cells.length <= index) {
      const number = cells.length;
      const one = { root: make("li", "cell", { role: "option" }), image: make("img", "image", { alt: "" }), text: make("span", "text"), words: make("span", "caption") };
      one.image.addEventListener("load", () => one.image.classList.toggle("lepton-clean-tiny", one.image.naturalWidth <= 48));
      one.root.append(one.image, one.text, one.words);
      one.root.addEventListener("click", () => move(number, true));
      cells.push(one);
    }
    return cells[index];
  }

  function move(index, focus) {
    at = Math.max(0, Math.min(index, (view().items?.length || 1) - 1));
    chosen = null;
    select(focus);
  }

  function select(focus) {
    const { items, classes } = view();
    cells.forEach(({ root: node }, i) => {
      node.setAttribute("aria-selected", String(i === at));
      node.tabIndex = i === at ? 0 : -1;
    });
    const item = items[at];
    for (const node of [relabel, drop, keep]) off(node, !item);
    if (item) {
      const guess = item.action === "relabel" ? item.now : item.suggested >= 0 ? item.suggested : item.label;
      choose(as, classes.map((name, i) => [i, name]), chosen ?? guess);
      const lines = [make("b", "", {}, `${item.name} (${item.side}): ${verdict(item, classes)}`)];
      detail.replaceChildren(...lines, ...item.reasons.map((words) => make("div", "", {}, words)));
      if (focus) cells[at].root.focus();
    } else detail.replaceChildren();
  }

  function draw() {
    const now = view();
    const pictures = model.get("pictures");
    put(title, now.title);
    score.replaceChildren(...now.score.map(scoreRow));
    put(note, now.note);
    choose(kind, [["", `all (${now.suspects})`], ...now.kinds.map(([key, words, n]) => [key, `${words} (${n})`])], now.filter.kind);
    choose(label, [[-1, "all"], ...now.labels.map(([i, n]) => [i, `${now.classes[i]} (${n})`])], now.filter.label);
    choose(state, now.states, now.filter.state);
    put(count, `${now.total} of ${now.suspects} suspects · ${now.edits} edits in ${now.file}`);
    const held = list.contains(el.getRootNode().activeElement);
    now.items.forEach((item, i) => {
      const one = cell(i);
      drawCell(one, item, now, pictures[String(item.key)]);
      if (list.children[i] !== one.root) list.append(one.root);
    });
    while (list.children.length > now.items.length) list.lastChild.remove();
    list.classList.toggle("lepton-clean-texts", now.items.some((item) => item.text));
    empty.hidden = now.items.length > 0;
    list.hidden = now.items.length === 0;
    at = Math.max(0, Math.min(at, now.items.length - 1));
    if (now.items[at]?.key !== chosenFor) chosen = null;
    off(undo, !now.undo);
    off(before, now.page === 0);
    off(after, now.page >= now.pages - 1);
    put(place, `Page ${now.page + 1} of ${now.pages}`);
    pager.hidden = now.pages < 2;
    put(say, now.said);
    select(held);
  }

  const columns = () => {
    const top = cells[0]?.root.offsetTop;
    const second = cells.slice(0, view().items.length).findIndex((one) => one.root.offsetTop !== top);
    return second > 0 ? second : view().items.length;
  };
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
    const press = keys[event.key.toLowerCase()];
    if (event.key in steps) {
      const next = at + steps[event.key];
      if (next >= 0 && next < view().items.length) move(next, true);
    } else if (event.key === "Home") move(0, true);
    else if (event.key === "End") move(view().items.length - 1, true);
    else if (event.key === "PageDown" && view().page < view().pages - 1) turn(1);
    else if (event.key === "PageUp" && view().page > 0) turn(-1);
    else if (press) press();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  model.on("change:view", draw);
  model.on("change:pictures", draw);
  el.append(root);
  draw();
  return () => {
    model.off("change:view", draw);
    model.off("change:pictures", draw);
  };
}

export default { render };
