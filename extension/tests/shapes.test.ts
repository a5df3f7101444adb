// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from 'vitest';

import { harmless } from '../src/artifact/card';
import { certified } from '../src/artifact/proof';
import { walked } from '../src/hooks';
import { points } from '../src/pieces';

describe('a certificate', () => {
  it('is told as a line for each format', () => {
    const metric = { name: 'accuracy', value: 0.9583, low: 0.898, high: 0.984 };
    const onnx = {
      agreement: 1,
      largest_difference: { probabilities: 3e-7 },
      metric: { before: metric, after: metric }
    };
    expect(certified({ samples: { all: 108 }, formats: { onnx } })).toEqual({
      samples: 108,
      proofs: [
        {
          format: 'onnx',
          agreement: '100.0 %',
          difference: '3.0e-7',
          before: 'accuracy 0.958 [0.898, 0.984]',
          after: 'accuracy 0.958 [0.898, 0.984]'
        }
      ]
    });
  });

  it('of another make has dashes where it says nothing', () => {
    const { proofs } = certified({ formats: { onnx: 'all right', other: { metric: null } } });
    expect(proofs.map(proof => proof.agreement + proof.after)).toEqual(['––', '––']);
    expect(certified({}).proofs).toEqual([]);
  });
});

describe('a card', () => {
  it('keeps its Markdown and loses markup and pictures', () => {
    expect(harmless('# a\n| 1 < 2 | [b](c) |')).toBe('# a\n| 1 < 2 | [b](c) |');
    expect(harmless('<img src=x> </b> ![p](q) <!-- -->')).toBe(
      '\\<img src=x> \\</b> \\![p](q) \\<!-- -->'
    );
  });

  it('that escapes already stays as it is', () => {
    expect(harmless('\\<b\\> \\![')).toBe('\\<b\\> \\![');
    expect(harmless('\\\\<b>')).toBe('\\\\\\<b>');
  });
});

describe('a sparkline', () => {
  it('goes from edge to edge with the highest value on top', () => {
    expect(points([0, 1])).toBe('1.0,17.0 59.0,1.0');
  });

  it('is a level line when nothing changes', () => {
    expect(points([2, 2])).toBe('1.0,17.0 59.0,17.0');
  });
});

describe('arrow keys', () => {
  it('walk through the rows and stop at the ends', () => {
    expect(walked('ArrowDown', 1, 3)).toBe(2);
    expect(walked('ArrowDown', 2, 3)).toBe(2);
    expect(walked('ArrowUp', 0, 3)).toBe(0);
    expect([walked('Home', 2, 3), walked('End', 0, 3)]).toEqual([0, 2]);
    expect(walked('a', 1, 3)).toBeNull();
  });
});
