// SPDX-License-Identifier: BSD-3-Clause
// Plotly.js, once per page, whoever brings it: our extension over HTTP, plotly's own renderer, or the kernel.

const PAGE = Symbol.for("lepton-lab.plotly");

// A promise of the library, the function that keeps it, and how far the search is.
export function shelf() {
  if (!globalThis[PAGE]) {
    const made = {};
    made.promise = new Promise((resolve) => {
      made.give = (library) => {
        made.found = true;
        resolve(library);
      };
    });
    globalThis[PAGE] = made;
  }
  return globalThis[PAGE];
}

// The library as soon as somebody has it.
export function library() {
  return shelf().promise;
}

// Try a way to the library: `load` resolves to it, or to null. Nothing is loaded where it is there already.
export async function offer(load) {
  const page = shelf();
  if (page.found) return page.promise;
  const found = await Promise.resolve().then(load).catch(() => null);
  if (found && !page.found) page.give(found);
  return found ? page.promise : null;
}

// JupyterLab and Notebook 7 load plotly's renderer on demand; its first drawing brings the library.
export async function fromJupyterLab() {
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

// The library as the kernel sends it, compressed.
export async function fromBytes(buffer) {
  const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"));
  const source = await new Response(stream).text();
  const parts = ["const module = { exports: {} };\n", source, "\nexport default module.exports;"];
  const address = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
  const before = globalThis.Plotly;
  const found = (await import(/* webpackIgnore: true */ address)).default;
  globalThis.Plotly = before;
  URL.revokeObjectURL(address);
  return found;
}
