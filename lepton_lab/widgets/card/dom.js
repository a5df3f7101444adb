// SPDX-License-Identifier: BSD-3-Clause
// Elements of the card. Every text reaches the page as textContent: names are data.

export function element(parent, tag, name, attributes = {}, text = "") {
  const node = document.createElement(tag);
  node.className = `lepton-${name}`;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  parent.append(node);
  return node;
}

// Touch the page only when a text changes, so that a screen reader is not told twice.
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// As many <li> as there are items; `cells` gives the tag and the text of each part of one.
export function list(parent, items, cells) {
  while (parent.childElementCount > items.length) parent.lastElementChild.remove();
  items.forEach((item, index) => {
    const row = parent.children[index] ?? parent.appendChild(document.createElement("li"));
    cells(item).forEach(([kind, text], position) => {
      put(row.children[position] ?? row.appendChild(document.createElement(kind)), text);
    });
  });
}

// A button that keeps the focus while it cannot be used.
export function button(parent, name, text, act) {
  const node = element(parent, "button", "button", { type: "button", "data-action": name }, text);
  node.addEventListener("click", () => {
    if (node.getAttribute("aria-disabled") !== "true") act();
  });
  return node;
}

export function enable(node, enabled) {
  if (enabled) node.removeAttribute("aria-disabled");
  else node.setAttribute("aria-disabled", "true");
}
