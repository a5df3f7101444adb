// SPDX-License-Identifier: BSD-3-Clause
// Plotly.js from the server, loaded when the first chart needs it, once per page.
import { library, offer } from '../../lepton_lab/widgets/card.js';

/** The part of Plotly.js that we call. */
export interface Plotly {
  react(node: HTMLElement, data: object[], layout: object, config?: object): Promise<unknown>;
  purge(node: HTMLElement): void;
  Plots: { resize(node: HTMLElement): void };
}

/** Plotly.js; `address` is where the server has it. */
export function plotly(address: string): Promise<Plotly> {
  void offer(() => loaded(address));
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
