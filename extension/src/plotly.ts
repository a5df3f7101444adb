// SPDX-License-Identifier: BSD-3-Clause
// Plotly.js, found when the first chart needs it: plotly's own renderer brings it into most pages, and where it
// does not, the server has it. There is one copy per page, which our widgets share.
import { library, search, served } from '../../lepton_lab/widgets/card.js';

/** The part of Plotly.js that we call. */
export interface Plotly {
  react(node: HTMLElement, data: object[], layout: object, config?: object): Promise<unknown>;
  purge(node: HTMLElement): void;
  Plots: { resize(node: HTMLElement): void };
}

/** Plotly.js is at this address of the server, for all on the page who look for it. */
export function serve(address: string): void {
  served(() => loaded(address));
}

/** Plotly.js. */
export function plotly(): Promise<Plotly> {
  void search();
  return library() as Promise<Plotly>;
}

function loaded(address: string): Promise<unknown> {
  return new Promise(resolve => {
    const script = document.createElement('script');
    const done = () => resolve((globalThis as { Plotly?: unknown }).Plotly ?? null);
    script.addEventListener('load', done);
    script.addEventListener('error', () => resolve(null));
    script.src = address;
    document.head.append(script);
  });
}
