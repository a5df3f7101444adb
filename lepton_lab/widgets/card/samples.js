// SPDX-License-Identifier: BSD-3-Clause
// A strip of validation samples: what the model says of each now, right or wrong in words and not by colour alone.
import { element, put } from "./dom.js";

export function strip(parent) {
  const box = element(parent, "ul", "samples", { "aria-label": "Sample predictions" });
  box.hidden = true;
  const rows = [];

  function row() {
    const item = element(box, "li", "sample");
    const picture = element(item, "img", "picture", { alt: "" });
    const verdict = element(item, "span", "verdict");
    const truth = element(item, "span", "truth");
    rows.push({ item, picture, verdict, truth });
    return rows.at(-1);
  }

  // `pictures` are data URLs in the order of `samples`: [expected, predicted, probability, sample's place].
  return (samples, pictures) => {
    box.hidden = !samples.length;
    while (rows.length > samples.length) rows.pop().item.remove();
    samples.forEach(([expected, predicted, probability], index) => {
      const { item, picture, verdict, truth } = rows[index] ?? row();
      // A number has no probability, and is neither right nor wrong.
      const number = probability === null;
      const right = expected === predicted;
      item.dataset.right = number || right;
      const source = pictures[index] ?? "";
      picture.hidden = !source.startsWith("data:image/");
      if (!picture.hidden && picture.getAttribute("src") !== source) picture.src = source;
      if (number) {
        put(verdict, predicted);
        put(truth, expected && `it is ${expected}`);
        return;
      }
      put(verdict, `${right ? "✓" : "✗"} ${predicted} ${Math.round(probability * 100)} %`);
      put(truth, right ? "right" : `wrong, it is ${expected}`);
    });
  };
}
