// SPDX-License-Identifier: BSD-3-Clause
// Numbers, times and states in words, as the Python side writes them.
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IRunRow } from './schema';

const LIVE = new Set(['starting', 'queued', 'running', 'paused', 'stopping']);
const ICONS: Record<string, string> = {
  starting: '○',
  queued: '○',
  running: '●',
  paused: '‖',
  stopping: '◐',
  done: '✓',
  stopped: '■',
  interrupted: '■',
  failed: '✗',
  crashed: '⚠',
  damaged: '⚠'
};

/** Whether a run in this state takes orders and changes. */
export function isLive(state: string): boolean {
  return LIVE.has(state);
}

/** A sign for a state, which stands beside the word. */
export function icon(state: string): string {
  return ICONS[state] ?? '?';
}

/** A state in the user's language. */
export function stateName(state: string, trans: TranslationBundle): string {
  const names: Record<string, string> = {
    starting: trans.__('Preparing'),
    queued: trans.__('Waiting'),
    running: trans.__('Training'),
    paused: trans.__('Paused'),
    stopping: trans.__('Stopping'),
    done: trans.__('Done'),
    stopped: trans.__('Stopped'),
    interrupted: trans.__('Interrupted'),
    failed: trans.__('Failed'),
    crashed: trans.__('Kernel ended'),
    damaged: trans.__('Unreadable')
  };
  return names[state] ?? state;
}

/** A number of parameters: 11.7 M. */
export function count(value: number): string {
  for (const [size, sign] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k']
  ] as const) {
    if (value >= size) {
      return `${(value / size).toPrecision(3)} ${sign}`;
    }
  }
  return String(value);
}

/** Bytes: 3.1 GB. */
export function bytes(value: number): string {
  const gigabytes = value / 1e9;
  return gigabytes >= 100 ? `${Math.round(gigabytes)} GB` : `${gigabytes.toFixed(1)} GB`;
}

/** Seconds: 48 s, 3 m 12 s, 2 h 5 m. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return `${whole} s`;
  }
  return whole < 3600
    ? `${Math.floor(whole / 60)} m ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} m`;
}

/** A number with four digits at most. */
export function number(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5)
    ? value.toExponential(1)
    : String(Number(value.toPrecision(4)));
}

/** The metric of a run with its 95 % interval: 0.934 [0.912, 0.951]; "" where there is none. */
export function score(row: Pick<IRunRow, 'value' | 'low' | 'high'>): string {
  if (row.value === null) {
    return '';
  }
  const value = row.value.toFixed(3);
  return row.low === null || row.high === null
    ? value
    : `${value} [${row.low.toFixed(3)}, ${row.high.toFixed(3)}]`;
}

/** The share of a run's steps that is done, 0 to 1. */
export function fraction(row: IRunRow): number {
  return row.steps > 0 ? Math.min(Math.max(row.step / row.steps, 0), 1) : 0;
}

/** A share in whole percent, so that 100 % is only said of what is over. */
export function percent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}
