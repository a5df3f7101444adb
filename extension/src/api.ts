// SPDX-License-Identifier: BSD-3-Clause
// The server's routes. What it refuses is thrown with the three lines that it gives: what, why, what to do.
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';

import type {
  IArtifactView,
  IComparison,
  IDatasetList,
  IModelList,
  IPosted,
  IProblem,
  IRunDocument,
  IRunList,
  IStatus
} from './schema';

/** An answer and the tag by which the server knows that it is still true. */
export interface Answer<T> {
  value: T;
  tag: string;
}

/** What the server says when something cannot be done. */
export class Refused extends Error {
  constructor(
    readonly problem: IProblem,
    readonly status: number
  ) {
    super(problem.what);
  }
}

/** The problem of any error. */
export function problemOf(error: unknown): IProblem {
  if (error instanceof Refused) {
    return error.problem;
  }
  return { what: error instanceof Error ? error.message : String(error), why: '', todo: '' };
}

/** Models that are looked for. */
export interface Search {
  query: string;
  licence: string;
  /** Most parameters, such as 30M. */
  largest: string;
  limit: number;
}

type Query = Record<string, string | number | string[]>;
const ROOT = 'lepton-lab';

/** The routes of `lepton_lab.jupyter`. */
export class Server {
  constructor(readonly settings: ServerConnection.ISettings) {}

  models(search: Search): Promise<IModelList> {
    const { query, licence, largest, limit } = search;
    return this.get('catalog', { query, licence, max_parameters: largest, limit });
  }

  datasets(path: string): Promise<IDatasetList> {
    return this.get('datasets', { path });
  }

  runs(known: Answer<IRunList> | null): Promise<Answer<IRunList>> {
    return this.again('runs', {}, known);
  }

  run(id: string, known: Answer<IRunDocument> | null): Promise<Answer<IRunDocument>> {
    return this.again(`runs/${encodeURIComponent(id)}`, {}, known);
  }

  /** What a cell keeps of a run, for every reader of notebooks. */
  bundle(id: string): Promise<Record<string, JSONObject | string>> {
    return this.get(`runs/${encodeURIComponent(id)}/bundle`, {});
  }

  journal(path: string, known: Answer<IRunDocument> | null): Promise<Answer<IRunDocument>> {
    return this.again('journal', { path }, known);
  }

  status(known: Answer<IStatus> | null): Promise<Answer<IStatus>> {
    return this.again('status', {}, known);
  }

  compare(ids: string[], known: Answer<IComparison> | null): Promise<Answer<IComparison>> {
    return this.again('compare', { id: ids }, known);
  }

  artifact(path: string): Promise<IArtifactView> {
    return this.get('artifact', { path });
  }

  order(id: string, action: string, values: Record<string, unknown>): Promise<IPosted> {
    const body = JSON.stringify({ action, values });
    return this.ask(`runs/${encodeURIComponent(id)}/orders`, {}, { method: 'POST', body }).then(
      response => response.json() as Promise<IPosted>
    );
  }

  /** Where Plotly.js is. */
  get plotly(): string {
    return this.address('plotly.js', {});
  }

  private async get<T>(path: string, query: Query): Promise<T> {
    const response = await this.ask(path, query, {});
    return (await response.json()) as T;
  }

  /** Ask for something that may not have changed; then `known` itself is the answer. */
  private async again<T>(path: string, query: Query, known: Answer<T> | null): Promise<Answer<T>> {
    const headers: Record<string, string> = known?.tag ? { 'If-None-Match': known.tag } : {};
    const response = await this.ask(path, query, { headers });
    if (response.status === 304 && known) {
      return known;
    }
    return { value: (await response.json()) as T, tag: response.headers.get('ETag') ?? '' };
  }

  private async ask(path: string, query: Query, init: RequestInit): Promise<Response> {
    const address = this.address(path, query);
    const response = await ServerConnection.makeRequest(address, init, this.settings);
    if (response.ok || response.status === 304) {
      return response;
    }
    throw new Refused(await refusal(response), response.status);
  }

  private address(path: string, query: Query): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        parameters.append(name, String(one));
      }
    }
    const tail = parameters.size ? `?${parameters.toString()}` : '';
    return URLExt.join(this.settings.baseUrl, ROOT, path) + tail;
  }
}

async function refusal(response: Response): Promise<IProblem> {
  const said = (await response.json().catch(() => null)) as Partial<IProblem> | null;
  if (typeof said?.what === 'string') {
    return { what: said.what, why: said.why ?? '', todo: said.todo ?? '' };
  }
  return { what: `${response.status} ${response.statusText}`, why: '', todo: '' };
}
