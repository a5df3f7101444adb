// SPDX-License-Identifier: BSD-3-Clause
// Plotly.js, once per page, whoever brings it: plotly's own renderer, our extension over HTTP, or the kernel.

const PAGE = Symbol.for("lepton-lab.plotly");

// A promise of the library, the function that keeps it, and how far the search is.
export function shelf() {
  if (!globalThis[PAGE]) {
    const made = { queue: Promise.resolve() };
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

// Try a way to the library: `load` resolves to it, or to null. One way is tried after the other, so that nothing is
// loaded where it is there already, or on its way.
export function offer(load) {
  const page = shelf();
  const tried = page.queue.then(async () => {
    if (page.found) return page.promise;
    const found = await Promise.resolve().then(load).catch(() => null);
    if (found) page.give(found);
    return found;
  });
  page.queue = tried;
  return tried;
}

// Our extension knows where the server has the library, for a page that has none.
export function served(load) {
  shelf().load = load;
}

// Try every way that needs no kernel.
export async function search() {
  return (await offer(fromJupyterLab)) ?? offer(shelf().load ?? (() => null));
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
