// SPDX-License-Identifier: BSD-3-Clause
// The charts of a run, one per panel. Zoom and hover outlive an update; names are escaped, because Plotly
// reads a little HTML in its texts.
import { element } from "./dom.js";

const COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"];
const ON_DARK = ["#56B4E9", "#E69F00", "#2CC295", "#E29AC4"];
const DASHES = ["solid", "dash", "dot", "dashdot"];
// The panels that matter less are lower.
const HEIGHTS = { learning_rate: 150, throughput: 150, memory: 150 };
const HEIGHT = 190;
const DOUBLE_CLICK = 350;

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

// The colours of the page around the card.
function theme(node) {
  const style = getComputedStyle(node);
  const [red, green, blue] = (style.color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  const dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 128;
  const variable = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return {
    ink: style.color,
    colors: dark ? ON_DARK : COLORS,
    grid: variable("--jp-border-color2", "rgba(127,127,127,0.3)"),
    paper: variable("--jp-layout-color0", dark ? "#111111" : "#ffffff"),
  };
}

export function figure(panel, { ink, grid, paper, colors }) {
  const data = panel.curves.map(({ name, style, marked, x, y }) => ({
    type: "scatter", x, y, name: escaped(name), mode: marked ? "lines+markers" : "lines",
    line: { color: colors[style % 4], dash: DASHES[style % 4], width: 1.75 }, marker: { size: 5 },
    hovertemplate: "%{fullData.name}, step %{x:d}: %{y:.4~g}<extra></extra>",
  }));
  if (panel.crosses) {
    data.push({
      type: "scatter", mode: "markers", name: "not a number", showlegend: false, hovertemplate: "step %{x:d}: not a number<extra></extra>",
      x: panel.crosses.map(([x]) => x), y: panel.crosses.map(([, y]) => y),
      marker: { symbol: "x", size: 9, color: colors[1] },
    });
  }
  const axis = { gridcolor: grid, linecolor: grid, zeroline: false, automargin: true };
  const layout = {
    height: HEIGHTS[panel.key] ?? HEIGHT, margin: { l: 44, r: 8, t: 26, b: 24 }, font: { color: ink, size: 11 }, uirevision: "kept",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest", dragmode: "zoom",
    hoverlabel: { bgcolor: paper, bordercolor: grid, font: { color: ink } },
    title: { text: `${escaped(panel.title)} by step`, font: { size: 12 }, x: 0, xref: "paper", y: 0.98, yanchor: "top" },
    showlegend: panel.curves.length > 1,
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1, yanchor: "bottom" },
    xaxis: { ...axis, nticks: 5 },
    yaxis: {
      ...axis, nticks: 4, rangemode: ["throughput", "memory"].includes(panel.key) ? "tozero" : "normal",
      exponentformat: panel.key === "learning_rate" ? "power" : "SI",
    },
  };
  return [data, layout, { displayModeBar: false, responsive: false, doubleClick: "reset+autosize" }];
}

// What a screen reader says of a chart.
export function label(panel) {
  const last = (curve) => curve.y.findLast((value) => value !== null);
  const ends = panel.curves.map((curve) => `${curve.name} ${last(curve)?.toPrecision(3) ?? "not a number"}`);
  return `Chart of ${panel.title} by step; latest ${ends.join(", ")}`;
}

// `pick` is told the step of a point that was clicked.
export function charts(parent, pick) {
  const plots = new Map();
  let library = null;
  let waiting = 0;

  // A click may be the first half of the double click that ends a zoom.
  function listen(node) {
    node.on("plotly_click", ({ points }) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => pick(Math.round(points[0].x)), DOUBLE_CLICK);
    });
    node.on("plotly_doubleclick", () => clearTimeout(waiting));
  }

  function plot(panel) {
    const node = element(parent, "div", "chart", { role: "img", "data-panel": panel.key });
    plots.set(panel.key, node);
    return node;
  }

  function draw(Plotly, state) {
    library = Plotly;
    const colors = theme(parent);
    const keys = new Set(state.panels.map((panel) => panel.key));
    for (const [key, node] of plots) {
      if (!keys.has(key)) {
        Plotly.purge(node);
        node.remove();
        plots.delete(key);
      }
    }
    state.panels.forEach((panel, index) => {
      const known = plots.get(panel.key);
      const node = known ?? plot(panel);
      if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
      node.setAttribute("aria-label", label(panel));
      Plotly.react(node, ...figure(panel, colors));
      if (!known) listen(node);
    });
  }

  return {
    draw,
    resize: () => plots.forEach((node) => node.offsetWidth && library.Plots.resize(node)),
    dispose() {
      clearTimeout(waiting);
      plots.forEach((node) => library.purge(node));
    },
  };
}
