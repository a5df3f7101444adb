// SPDX-License-Identifier: BSD-3-Clause
// A chart as this package draws it: its SVG is parsed and copied, known elements and attributes alone.

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = new Set(["svg", "g", "path", "polyline", "line", "rect", "circle", "text", "tspan", "title"]);
const LOOKS = new Set([
  "width", "height", "viewBox", "role", "aria-label", "font-family", "font-size", "d", "points", "x", "y", "x1", "y1",
  "x2", "y2", "cx", "cy", "r", "fill", "stroke", "fill-opacity", "stroke-opacity", "opacity", "stroke-width",
  "stroke-dasharray", "text-anchor", "transform",
]);
const STYLE = /^(fill|stroke|max-width):\s*[\w#%.(),\s-]+;?$/;

function copied(source) {
  if (source.namespaceURI !== SVG || !SHAPES.has(source.localName)) return null;
  const node = document.createElementNS(SVG, source.localName);
  for (const { name, value } of source.attributes) {
    if (LOOKS.has(name)) node.setAttribute(name, value);
    else if (name === "style" && STYLE.test(value)) node.style.cssText = value;
  }
  for (const child of source.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) node.append(child.data);
    else if (child.nodeType === Node.ELEMENT_NODE) {
      const made = copied(child);
      if (made) node.append(made);
    }
  }
  return node;
}

function picture(text) {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  return copied(parsed) ?? document.createTextNode("This chart cannot be drawn.");
}
