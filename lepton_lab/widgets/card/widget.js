// SPDX-License-Identifier: BSD-3-Clause
// The run view as an anywidget: states come from the model, which the page never writes to.
import { mount } from "../card.js";
import { decode } from "./decode.js";
import { sendOrder } from "./kernel.js";
import { fromBytes, library, offer, search, shelf } from "./plotly.js";

function initialize({ model }) {
  const page = shelf();
  model.on("msg:custom", (content, buffers) => {
    if (content?.kind !== "plotly") return;
    page.coming = true;
    offer(() => fromBytes(buffers[0]));
  });
  page.trial ??= search().then(() => { page.tried = true; });
}

function render({ model, el }) {
  const page = shelf();
  const run = () => decode(model.get("state")).run;
  const order = (action, values) => sendOrder(model, { action, run: run(), values });
  const view = mount(el, {
    plotly: library(),
    order,
    start: (command, step) => order("branch", { step }),
  });
  let asked = false;
  const show = () => {
    const bytes = model.get("state");
    if (!bytes?.byteLength) return;
    const state = decode(bytes);
    view.update(state);
    if (page.found || page.coming || !page.tried || state.sent || asked) return;
    asked = true;
    model.send({ kind: "need-plotly" });
  };
  const predictions = () => view.samples(model.get("samples") ?? [], model.get("pictures") ?? []);
  model.on("change:state", show);
  model.on("change:samples", predictions);
  page.trial.then(show);
  show();
  predictions();
  return () => {
    model.off("change:state", show);
    model.off("change:samples", predictions);
    view.dispose();
  };
}

export default { initialize, render };
