// SPDX-License-Identifier: BSD-3-Clause
// Elements of the Studio. Every text reaches the page as textContent: names are data.

function make(tag, name = "", attributes = {}, text = "") {
  const node = document.createElement(tag);
  if (name) node.className = `lepton-studio-${name}`;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== "") node.textContent = text;
  return node;
}

function add(parent, ...children) {
  parent.append(...children);
  return parent;
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let numbers = 0;
const unique = () => `lepton-studio-${(numbers += 1)}`;

// Children of `root` by key: what is the same stays, so that focus and typed text stay with it.
// `draw(item)` makes a node; a node that has `update(item)` is asked to change itself first, one that has
// `gone()` is told when it is taken away.
function reconcile(root, items, draw) {
  const kept = new Map([...root.children].map((node) => [node.key, node]));
  const wanted = new Set(items.map((item) => item.key));
  for (const [key, node] of kept) if (!wanted.has(key)) {
    node.gone?.();
    node.remove();
  }
  items.forEach((item, index) => {
    const text = JSON.stringify(item);
    let node = kept.get(item.key);
    if (!node || (node.drawn !== text && !node.update?.(item))) {
      const fresh = draw(item);
      fresh.key = item.key;
      node?.gone?.();
      node?.replaceWith(fresh);
      node = fresh;
    }
    node.drawn = text;
    if (root.children[index] !== node) root.insertBefore(node, root.children[index] ?? null);
  });
}

// Run `change`, then give the focus back to the control that had it, when it was drawn anew.
function keepingFocus(root, change) {
  const page = root.getRootNode();
  const held = root.contains(page.activeElement) ? page.activeElement : null;
  change();
  if (!held || held.isConnected) return;
  const name = held.dataset.focus;
  const again = name && root.querySelector(`[data-focus="${CSS.escape(name)}"]`);
  (again || root.querySelector("[role=tabpanel]"))?.focus();
}
