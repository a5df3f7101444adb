// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from 'vitest';

import type { IRunRow } from '../src/schema';
import { bytes, count, duration, fraction, number, percent, score } from '../src/words';

describe('numbers', () => {
  it('are short and keep their unit', () => {
    expect([count(814_000), count(11_700_000), count(1.23e9), count(12)]).toEqual([
      '814 k',
      '11.7 M',
      '1.23 G',
      '12'
    ]);
    expect([bytes(3.14e9), bytes(150e9)]).toEqual(['3.1 GB', '150 GB']);
    expect([number(0.93456), number(3e-4), number(0), number(1e6)]).toEqual([
      '0.9346',
      '3.0e-4',
      '0',
      '1.0e+6'
    ]);
  });

  it('of seconds are said as people say them', () => {
    expect([48, 192.4, 7500].map(duration)).toEqual(['48 s', '3 m 12 s', '2 h 5 m']);
  });

  it('carry their interval where there is one', () => {
    expect(score({ value: 0.934, low: 0.921, high: 0.945 })).toBe('0.934 [0.921, 0.945]');
    expect(score({ value: 0.5, low: null, high: null })).toBe('0.500');
    expect(score({ value: null, low: null, high: null })).toBe('');
  });
});

describe('progress', () => {
  const at = (step: number, steps: number) => fraction({ step, steps } as IRunRow);

  it('says 100 % only of what is over', () => {
    expect(percent(at(999, 1000))).toBe('99 %');
    expect(percent(at(1000, 1000))).toBe('100 %');
  });

  it('is never outside of 0 to 1', () => {
    expect([at(5, 0), at(12, 10), at(-1, 10)]).toEqual([0, 1, 0]);
  });
});
