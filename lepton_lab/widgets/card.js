// SPDX-License-Identifier: BSD-3-Clause
// The live card of a run. It draws one value, `state`, whole each time, and writes nothing back. Every
// text reaches the page as textContent, or escaped where Plotly takes it: names are data.

const COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"];
const DASHES = ["solid", "dash", "dot", "dashdot"];
const GAP = 65535;
const PAGE = Symbol.for("lepton-lab.plotly");

// Plotly, once per page: a promise of it, the function that keeps the promise, and how far the search is.
function shelf() {
  if (!globalThis[PAGE]) {
    const made = {};
    made.promise = new Promise((resolve) => { made.give = resolve; });
    globalThis[PAGE] = made;
  }
  return globalThis[PAGE];
}

// JupyterLab and Notebook 7 load plotly's renderer on demand; its first drawing brings the library.
async function fromJupyterLab() {
  const container = globalThis._JUPYTERLAB?.["jupyterlab-plotly"];
  if (!container?.get) return null;
  const { RenderedPlotly, MIME_TYPE } = (await container.get("./mimeExtension"))();
  if (!RenderedPlotly.Plotly) {
    const renderer = new RenderedPlotly({ mimeType: MIME_TYPE });
    const empty = { data: [], layout: { width: 100, height: 100 } };
    await renderer.renderModel({ data: { [MIME_TYPE]: empty }, setData() {} });
    renderer.dispose();
  }
  return RenderedPlotly.Plotly?.react ? RenderedPlotly.Plotly : null;
}

async function fromBytes(buffer) {
  const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"));
  const source = await new Response(stream).text();
  const parts = ["const module = { exports: {} };\n", source, "\nexport default module.exports;"];
  const address = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
  const before = globalThis.Plotly;
  const library = (await import(address)).default;
  globalThis.Plotly = before;
  URL.revokeObjectURL(address);
  return library;
}

function decode(view) {
  const buffer = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const length = new DataView(buffer).getUint32(0, true);
  const state = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const codes = new Uint16Array(buffer, 4 + length);
  let at = 0;
  const take = (count, low, step) =>
    Array.from(codes.subarray(at, (at += count)), (code) => (code === GAP ? null : low + step * code));
  for (const panel of state.panels) {
    panel.curves = panel.curves.map(([name, style, marked, count, x0, dx, y0, dy]) => ({
      name, style, marked, x: take(count, x0, dx), y: take(count, y0, dy),
    }));
  }
  return state;
}

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function element(parent, tag, name, attributes = {}) {
  const node = document.createElement(tag);
  node.className = `lepton-${name}`;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent.append(node);
  return node;
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function skeleton(el) {
  const root = element(el, "section", "card", { "aria-label": "Training run" });
  const head = element(root, "div", "head");
  const parts = {
    root,
    headline: element(head, "span", "headline"),
    progress: element(head, "span", "progress"),
    // Pause, Stop and their kin belong in this row.
    actions: element(head, "div", "actions", { role: "group", "aria-label": "Actions" }),
  };
  const limits = { role: "progressbar", "aria-label": "Training progress", "aria-valuemin": 0, "aria-valuemax": 100 };
  parts.track = element(root, "div", "track", limits);
  parts.fill = element(parts.track, "div", "fill");
  parts.facts = element(root, "ul", "facts");
  parts.charts = element(root, "div", "charts");
  parts.alerts = element(root, "ul", "alerts");
  parts.say = element(root, "div", "say", { role: "status", "aria-live": "polite" });
  parts.plots = new Map();
  return parts;
}

function write(parts, state) {
  parts.root.dataset.state = state.state;
  put(parts.headline, state.headline);
  put(parts.progress, state.progress);
  put(parts.say, state.say);
  const percent = Math.floor(state.fraction * 100);
  parts.track.setAttribute("aria-valuenow", percent);
  parts.track.setAttribute("aria-valuetext", state.progress || "0 %");
  parts.fill.style.width = `${state.fraction * 100}%`;
  list(parts.facts, state.facts, ([label, value]) => [["span", label], ["b", value]]);
  const icons = { info: "ℹ", warning: "⚠", error: "✗" };
  list(parts.alerts, state.alerts ?? [], ([level, message, hint]) =>
    [["span", [icons[level] ?? "ℹ", `${level}:`, message, hint].join(" ")]]);
}

function list(parent, items, cells) {
  while (parent.childElementCount > items.length) parent.lastElementChild.remove();
  items.forEach((item, index) => {
    const row = parent.children[index] ?? parent.appendChild(document.createElement("li"));
    cells(item).forEach(([kind, text], position) => {
      put(row.children[position] ?? row.appendChild(document.createElement(kind)), text);
    });
  });
}

function theme(el) {
  const style = getComputedStyle(el);
  return {
    ink: style.color,
    grid: style.getPropertyValue("--jp-border-color2").trim() || "rgba(127,127,127,0.3)",
  };
}

function figure(panel, { ink, grid }) {
  const data = panel.curves.map(({ name, style, marked, x, y }) => ({
    type: "scatter", x, y, name: escaped(name), mode: marked ? "lines+markers" : "lines",
    line: { color: COLORS[style % 4], dash: DASHES[style % 4], width: 1.5 },
    hovertemplate: "step %{x}: %{y:.4~g}",
  }));
  if (panel.crosses) {
    data.push({
      type: "scatter", mode: "markers", name: "not a number", showlegend: false, hovertemplate: "step %{x}: not a number",
      x: panel.crosses.map(([x]) => x), y: panel.crosses.map(([, y]) => y),
      marker: { symbol: "x", size: 9, color: COLORS[1] },
    });
  }
  const axis = { gridcolor: grid, linecolor: grid, zeroline: false, automargin: true };
  const layout = {
    height: 190, margin: { l: 44, r: 8, t: 26, b: 28 }, font: { color: ink, size: 11 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest",
    title: { text: `${escaped(panel.title)} by step`, font: { size: 12 }, x: 0, xref: "paper", y: 0.98, yanchor: "top" },
    showlegend: panel.curves.length > 1,
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1, yanchor: "bottom" },
    xaxis: { ...axis, nticks: 5 },
    yaxis: {
      ...axis, nticks: 4, rangemode: panel.key === "throughput" ? "tozero" : "normal",
      exponentformat: panel.key === "learning_rate" ? "power" : "SI",
    },
  };
  return [data, layout, { displayModeBar: false, responsive: false }];
}

function label(panel) {
  const last = (curve) => curve.y.findLast((value) => value !== null);
  const ends = panel.curves.map((curve) => `${curve.name} ${last(curve)?.toPrecision(3) ?? "not a number"}`);
  return `Chart of ${panel.title} by step; latest ${ends.join(", ")}`;
}

function draw(Plotly, parts, state) {
  const colors = theme(parts.root);
  const keys = new Set(state.panels.map((panel) => panel.key));
  for (const [key, node] of parts.plots) {
    if (!keys.has(key)) {
      Plotly.purge(node);
      node.remove();
      parts.plots.delete(key);
    }
  }
  for (const panel of state.panels) {
    if (!parts.plots.has(panel.key)) {
      parts.plots.set(panel.key, element(parts.charts, "div", "chart", { role: "img" }));
    }
    const node = parts.plots.get(panel.key);
    parts.charts.append(node);
    node.setAttribute("aria-label", label(panel));
    Plotly.react(node, ...figure(panel, colors));
  }
}

function initialize({ model }) {
  const page = shelf();
  model.on("msg:custom", async (content, buffers) => {
    if (content?.kind === "plotly" && !page.found) {
      page.found = true;
      page.give(await fromBytes(buffers[0]));
    }
  });
  page.trial ??= fromJupyterLab().catch(() => null).then((library) => {
    page.tried = true;
    if (!library) return;
    page.found = true;
    page.give(library);
  });
}

function render({ model, el }) {
  const parts = skeleton(el);
  const page = shelf();
  let Plotly = null;
  let waiting = false;
  const show = () => {
    const bytes = model.get("state");
    if (!bytes?.byteLength) return;
    const state = decode(bytes);
    write(parts, state);
    if (Plotly && !document.hidden && el.offsetWidth) draw(Plotly, parts, state);
    if (!page.found && page.tried && !state.sent && !waiting) {
      waiting = true;
      model.send({ kind: "need-plotly" });
    }
  };
  model.on("change:state", show);
  document.addEventListener("visibilitychange", show);
  const watch = new ResizeObserver(() => {
    for (const node of parts.plots.values()) if (node.offsetWidth) Plotly.Plots.resize(node);
  });
  watch.observe(el);
  page.promise.then((library) => { Plotly = library; show(); });
  page.trial.then(show);
  show();
  return () => {
    model.off("change:state", show);
    document.removeEventListener("visibilitychange", show);
    watch.disconnect();
    if (Plotly) for (const node of parts.plots.values()) Plotly.purge(node);
  };
}

export default { initialize, render };
