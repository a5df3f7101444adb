// SPDX-License-Identifier: BSD-3-Clause
// What our React components share: values that change, questions to the server, and lists for the keyboard.
import type { ISignal } from '@lumino/signaling';
import React, { useEffect, useReducer, useState } from 'react';

import type { IProblem } from './schema';
import { problemOf } from './api';
import type { Feed } from './feed';

/** Draw again whenever a signal is emitted. */
export function useSignal(signal: ISignal<unknown, unknown>): void {
  const [, draw] = useReducer((times: number) => times + 1, 0);
  useEffect(() => {
    const slot = () => draw();
    signal.connect(slot);
    return () => {
      signal.disconnect(slot);
    };
  }, [signal]);
}

/** The latest value of a feed, which is kept up to date as long as the component is there and seen. */
export function useFeed<T>(
  feed: Feed<T>,
  seen = true
): { value: T | null; problem: IProblem | null } {
  useSignal(feed.changed);
  useEffect(() => {
    const watched = seen ? feed.watch() : null;
    return () => watched?.dispose();
  }, [feed, seen]);
  return { value: feed.value, problem: feed.problem };
}

/** What was asked last, its answer, and why there is none; `wait` in milliseconds lets typing settle. */
export function useAnswer<T>(
  ask: () => Promise<T>,
  reasons: readonly unknown[],
  wait = 0
): { value: T | null; problem: IProblem | null; asking: boolean } {
  const [state, setState] = useState<{
    value: T | null;
    problem: IProblem | null;
    asking: boolean;
  }>({
    value: null,
    problem: null,
    asking: true
  });
  useEffect(() => {
    let current = true;
    setState(before => ({ ...before, asking: true }));
    const timer = setTimeout(() => {
      ask().then(
        value => current && setState({ value, problem: null, asking: false }),
        (error: unknown) =>
          current && setState({ value: null, problem: problemOf(error), asking: false })
      );
    }, wait);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, reasons);
  return state;
}

/** A list of rows in which Tab stops once and arrow keys walk. */
export interface Walk {
  /** The tabIndex of what is in a row. */
  stop(row: number): 0 | -1;
  /** Handlers for the list. */
  handlers: {
    onKeyDown(event: React.KeyboardEvent<HTMLElement>): void;
    onFocus(event: React.FocusEvent<HTMLElement>): void;
  };
}

/** Rows carry `data-row`, what can be focused in them `data-control` with the name of its column. */
export function useWalk(rows: number): Walk {
  const [current, setCurrent] = useState(0);
  const at = Math.min(current, Math.max(rows - 1, 0));
  return {
    stop: row => (row === at ? 0 : -1),
    handlers: {
      onFocus: event => {
        const row = event.target.closest<HTMLElement>('[data-row]')?.dataset.row;
        if (row !== undefined) {
          setCurrent(Number(row));
        }
      },
      onKeyDown: event => {
        const column = (event.target as HTMLElement).dataset.control;
        const next = walked(event.key, at, rows);
        if (column === undefined || next === null) {
          return;
        }
        event.preventDefault();
        const row = event.currentTarget.querySelector(`[data-row="${next}"]`);
        const same = row?.querySelector<HTMLElement>(`[data-control="${column}"]`);
        (same ?? row?.querySelector<HTMLElement>('[data-control]'))?.focus();
      }
    }
  };
}

/** The row that a key leads to from row `at`; null for keys that lead nowhere. */
export function walked(key: string, at: number, rows: number): number | null {
  const last = Math.max(rows - 1, 0);
  const places: Record<string, number> = {
    ArrowDown: Math.min(at + 1, last),
    ArrowUp: Math.max(at - 1, 0),
    Home: 0,
    End: last
  };
  return places[key] ?? null;
}
