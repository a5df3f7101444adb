// SPDX-License-Identifier: BSD-3-Clause
import { afterEach, describe, expect, it, vi } from 'vitest';

import type { Answer } from '../src/api';
import { Feed } from '../src/feed';

afterEach(() => vi.useRealTimers());

/** A feed of numbers; each look takes the next one, and the same number is "not changed". */
function feed(...values: (number | Error)[]) {
  const asked: (Answer<number> | null)[] = [];
  const made = new Feed<number>(known => {
    asked.push(known);
    const next = values[Math.min(asked.length, values.length) - 1];
    if (next instanceof Error) {
      return Promise.reject(next);
    }
    const same = known !== null && known.value === next;
    return Promise.resolve(same ? known : { value: next ?? 0, tag: String(next) });
  }, 1);
  const drawn: (number | null)[] = [];
  made.changed.connect(() => drawn.push(made.value));
  return { made, asked, drawn };
}

describe('a feed', () => {
  it('asks nothing until it is watched, and nothing after', async () => {
    vi.useFakeTimers();
    const { made, asked } = feed(1, 2, 3);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toHaveLength(0);
    const watched = made.watch();
    await vi.advanceTimersByTimeAsync(2500);
    expect(made.value).toBe(3);
    watched.dispose();
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toHaveLength(before);
  });

  it('hands in what it knows, and tells only what changed', async () => {
    vi.useFakeTimers();
    const { made, asked, drawn } = feed(1, 1, 2, 2);
    made.watch();
    await vi.advanceTimersByTimeAsync(5500);
    expect(asked.slice(0, 3).map(known => known?.value ?? null)).toEqual([null, 1, 1]);
    expect(drawn).toEqual([1, 2]);
  });

  it('keeps the latest value and says why there is no newer one', async () => {
    vi.useFakeTimers();
    const { made } = feed(7, new Error('the server is gone'));
    made.watch();
    await vi.advanceTimersByTimeAsync(1500);
    expect(made.value).toBe(7);
    expect(made.problem?.what).toBe('the server is gone');
  });
});
