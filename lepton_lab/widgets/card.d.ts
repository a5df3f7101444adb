// SPDX-License-Identifier: BSD-3-Clause
// What `card.js` gives to TypeScript.

export interface Curve {
  name: string;
  style: number;
  marked: number;
  x: number[];
  y: (number | null)[];
}

export interface Panel {
  key: string;
  title: string;
  curves: Curve[];
  crosses?: [number, number][];
}

export interface State {
  state: string;
  run: string;
  step: number;
  kept: number[];
  orders: number;
  headline: string;
  about?: string;
  fraction: number;
  progress: string;
  facts: [string, string][];
  say: string;
  panels: Panel[];
  alerts?: [string, string, string][];
  sent?: boolean;
}

export type Sample = [expected: string, predicted: string, probability: number | null];

export interface Options {
  /** A promise of Plotly.js: `library()`. */
  plotly: Promise<unknown>;
  /** Sends an order; resolves to false when it waits until the kernel is free. The run is only looked at without it. */
  order?:
    | ((action: string, values: Record<string, unknown>) => Promise<boolean>)
    | null;
  /** Starts a branch from a step; `command` is the Python that does the same. Only Copy without it. */
  start?: ((command: string, step: number) => unknown) | null;
}

export interface RunView {
  update(state: State): void;
  samples(samples: Sample[], pictures: string[]): void;
  /** Sends orders this way from now on. */
  obey(order: NonNullable<Options['order']>): void;
  dispose(): void;
}

/** The state of a run from the bytes of `charts.snapshot.encode`. */
export function decode(bytes: ArrayBuffer | ArrayBufferView): State;

/** The state of a run from the `snapshot` of a run document. */
export function decodeText(base64: string): State;

/** Draws a run into an element, again with every update. */
export function mount(root: HTMLElement, options: Options): RunView;

/** Plotly.js as soon as anyone on the page has it. */
export function library(): Promise<unknown>;

/** Tries a way to Plotly.js; loads nothing where it is there already, or on its way. */
export function offer(load: () => Promise<unknown>): Promise<unknown>;

/** Keeps a way to Plotly.js for pages that have none. */
export function served(load: () => Promise<unknown>): void;

/** Tries every way to Plotly.js that needs no kernel. */
export function search(): Promise<unknown>;
