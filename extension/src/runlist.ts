// SPDX-License-Identifier: BSD-3-Clause
// Which runs a list shows, in which order, and what happened since it was drawn.
import type { IRunRow } from './schema';
import { isLive } from './words';

/** The runs whose name, model, data, state or tags hold all words of a filter. */
export function matching(runs: readonly IRunRow[], filter: string): IRunRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter(run => {
    const about = [run.name, run.model, run.data, run.state, ...run.tags].join('\n').toLowerCase();
    return words.every(word => about.includes(word));
  });
}

/** Runs under way first; each group keeps its order. */
export function ordered(runs: readonly IRunRow[]): IRunRow[] {
  const live = runs.filter(run => isLive(run.state));
  return [...live, ...runs.filter(run => !isLive(run.state))];
}

/** The runs that are new or in another state than before. */
export function changes(before: readonly IRunRow[], now: readonly IRunRow[]): IRunRow[] {
  const states = new Map(before.map(run => [run.id, run.state]));
  return now.filter(run => states.get(run.id) !== run.state);
}
