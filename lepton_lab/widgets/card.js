// SPDX-License-Identifier: BSD-3-Clause
// The view of a run. It draws one value, the state, whole each time: in a live widget, in a saved notebook, in
// a tab of its own. What is around it decides where states come from and where orders go.
import { branching } from "./card/branch.js";
import { charts } from "./card/charts.js";
import { element, list, put } from "./card/dom.js";
import { orders } from "./card/orders.js";
import { strip } from "./card/samples.js";
export { decode, decodeText } from "./card/decode.js";
export { library, offer, search, served } from "./card/plotly.js";

const SHARE = 4;

function skeleton(el) {
  const root = element(el, "section", "card", { "aria-label": "Training run", "data-lm-suppress-shortcuts": "true" });
  const head = element(root, "div", "head");
  const limits = { role: "progressbar", "aria-label": "Training progress", "aria-valuemin": 0, "aria-valuemax": 100 };
  const parts = { root };
  parts.headline = element(head, "span", "headline");
  parts.progress = element(head, "span", "progress");
  parts.track = element(root, "div", "track", limits);
  parts.fill = element(parts.track, "div", "fill");
  parts.controls = element(root, "div", "controls");
  parts.about = element(root, "div", "about");
  parts.facts = element(root, "ul", "facts");
  parts.charts = element(root, "div", "charts");
  parts.samples = element(root, "div", "strip");
  parts.alerts = element(root, "ul", "alerts");
  parts.say = element(root, "div", "say", { role: "status", "aria-live": "polite" });
  return parts;
}

function write(parts, state) {
  parts.root.dataset.state = state.state;
  put(parts.headline, state.headline);
  put(parts.progress, state.progress);
  put(parts.about, state.about ?? "");
  put(parts.say, state.say);
  parts.track.setAttribute("aria-valuenow", Math.floor(state.fraction * 100));
  parts.track.setAttribute("aria-valuetext", state.progress || "0 %");
  parts.fill.style.width = `${state.fraction * 100}%`;
  list(parts.facts, state.facts, ([label, value]) => [["span", label], ["b", value]]);
  const icons = { info: "ℹ", warning: "⚠", error: "✗" };
  list(parts.alerts, state.alerts ?? [], ([level, message, hint]) =>
    [["span", [icons[level] ?? "ℹ", `${level}:`, message, hint].join(" ")]]);
}

// Options: `plotly`, a promise of Plotly.js; `order(action, values)`, without which the run is only looked at;
// `start(command, step)`, which begins a branch.
export function mount(el, { plotly, order = null, start = null }) {
  const parts = skeleton(el);
  const branch = branching(parts.controls, start);
  const row = orders(parts.controls, order, branch.open);
  const plots = charts(parts.charts, (step) => branch.open(step, row.branch));
  const samples = strip(parts.samples);
  let Plotly = null;
  let state = null;
  let over = false;
  let width = 0;
  let waiting = 0;
  let rested = 0;

  // A page that is slow draws less often: at most a fifth of its time goes into charts.
  const draw = () => {
    clearTimeout(waiting);
    if (over || !Plotly || !state || document.hidden || !parts.root.offsetWidth) return;
    const begun = performance.now();
    if (begun < rested) {
      waiting = setTimeout(draw, rested - begun);
      return;
    }
    plots.draw(Plotly, state);
    rested = performance.now() + SHARE * (performance.now() - begun);
  };
  parts.controls.prepend(row.branch.parentElement);
  // Its height changes with what is written; only another width is worth drawing for.
  const watch = new ResizeObserver(() => {
    if (parts.root.offsetWidth === width) return;
    width = parts.root.offsetWidth;
    draw();
    if (Plotly && width) plots.resize();
  });
  const looks = new MutationObserver(draw);
  watch.observe(parts.root);
  looks.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "class"] });
  document.addEventListener("visibilitychange", draw);
  plotly.then((library) => {
    Plotly = library;
    draw();
  });

  return {
    update(now) {
      state = now;
      write(parts, state);
      row.update(state);
      branch.update(state);
      draw();
    },
    samples,
    // Who only looked on may find a way to the run later.
    obey(way) {
      row.obey(way);
      if (state) row.update(state);
    },
    dispose() {
      over = true;
      clearTimeout(waiting);
      watch.disconnect();
      looks.disconnect();
      document.removeEventListener("visibilitychange", draw);
      if (Plotly) plots.dispose();
      parts.root.remove();
    },
  };
}
