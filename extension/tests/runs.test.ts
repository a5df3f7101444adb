// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from 'vitest';

import { curveNames, figure } from '../src/compare/figure';
import { same } from '../src/run/attachment';
import { changes, matching, ordered } from '../src/runlist';
import type { IComparedRun, IRunRow } from '../src/schema';

const run = (id: string, values: Partial<IRunRow> = {}) =>
  ({
    id,
    name: id,
    state: 'done',
    model: '',
    data: '',
    folder: null,
    tags: [],
    ...values
  }) as IRunRow;

describe('the list of runs', () => {
  it('has those under way first and keeps the order otherwise', () => {
    const runs = [
      run('a'),
      run('b', { state: 'paused' }),
      run('c'),
      run('d', { state: 'running' })
    ];
    expect(ordered(runs).map(one => one.id)).toEqual(['b', 'd', 'a', 'c']);
  });

  it('is filtered by all words, in any of the texts', () => {
    const runs = [run('pets-1', { model: 'ResNet18' }), run('pets-2', { tags: ['best'] })];
    expect(matching(runs, 'pets resnet').map(one => one.id)).toEqual(['pets-1']);
    expect(matching(runs, ' BEST ').map(one => one.id)).toEqual(['pets-2']);
    expect(matching(runs, '')).toHaveLength(2);
  });

  it('tells what is new and what changed its state', () => {
    const before = [run('a', { state: 'running' }), run('b')];
    expect(changes(before, [run('a'), run('b'), run('c')]).map(one => one.id)).toEqual(['a', 'c']);
  });
});

describe('a run that a notebook names', () => {
  const runs = [run('1', { name: 'x', folder: 'a/lepton-runs/x' }), run('2', { name: 'x' })];

  it('is found by its folder, and by its name only when that is the only one', () => {
    expect(same(runs, 'x', 'a/lepton-runs/x')?.id).toBe('1');
    expect(same(runs, 'x', 'b/lepton-runs/x')).toBeNull();
    expect(same(runs, 'x', '')).toBeNull();
    expect(same(runs.slice(1), 'x', '')?.id).toBe('2');
  });
});

describe('a comparison', () => {
  const made = (name: string, curves: IComparedRun['curves']) => ({
    id: name,
    name,
    curves,
    best: {},
    spec: {}
  });

  it('shows the losses first, and a run only in the charts of its own curves', () => {
    const runs = [
      made('a', { 'val/accuracy': [[1, 0.5]], 'val/loss': [[1, 1]], 'train/loss': [[1, 2]] }),
      made('b', { 'train/loss': [[1, null]] })
    ];
    expect(curveNames(runs)).toEqual(['train/loss', 'val/loss', 'val/accuracy']);
    const look = { ink: 'black', grid: 'grey' };
    expect(figure(runs, 'train/loss', look)[0]).toHaveLength(2);
    expect(figure(runs, 'val/loss', look)[0]).toHaveLength(1);
  });

  it('hands names to Plotly as text', () => {
    const [data] = figure([made('<b>x</b>', { c: [[1, 1]] })], 'c', { ink: '', grid: '' });
    expect(data[0]).toMatchObject({ name: '&lt;b&gt;x&lt;/b&gt;' });
  });
});
