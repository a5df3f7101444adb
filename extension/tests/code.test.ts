// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, it } from 'vitest';

import { cell, cells, dataLine, fromNotebook, quoted, trainLine } from '../src/code';

describe('the words of a line', () => {
  it('stay as they are when a shell would leave them alone', () => {
    expect(trainLine('microsoft/resnet-18', './flowers')).toBe(
      '%lepton train microsoft/resnet-18 ./flowers'
    );
  });

  it('are quoted when a shell would split or change them', () => {
    expect(quoted('my photos')).toBe("'my photos'");
    expect(quoted('$HOME')).toBe("'$HOME'");
    expect(quoted('')).toBe("''");
    expect(dataLine("./Anna's")).toBe(`%lepton data './Anna'"'"'s'`);
  });
});

describe('a path', () => {
  it('is written as the kernel of the notebook sees it', () => {
    expect(fromNotebook('pets', 'a.ipynb')).toBe('./pets');
    expect(fromNotebook('work/pets', 'work/a.ipynb')).toBe('./pets');
    expect(fromNotebook('pets', 'work/deep/a.ipynb')).toBe('../../pets');
    expect(fromNotebook('work', 'work/a.ipynb')).toBe('.');
  });
});

describe('a new cell', () => {
  it('loads the extension when no other cell does', () => {
    expect(cell('%lepton', ['1 + 1'])).toBe('%load_ext lepton_lab\n%lepton');
    expect(cell('%lepton', ['# %load_ext lepton_lab'])).toBe('%load_ext lepton_lab\n%lepton');
    expect(cell('%lepton', ['1', 'x = 1\n%load_ext lepton_lab'])).toBe('%lepton');
  });
});

describe('the cells of code that a widget shows', () => {
  it('are one, which loads the extension only for a magic', () => {
    expect(cells('import lepton_lab as lab\n\nrun = lab.train()', [])).toHaveLength(1);
    expect(cells('import lepton_lab as lab', [])[0]).not.toContain('%load_ext');
    expect(cells('run = %lepton train a b', [])).toEqual([
      '%load_ext lepton_lab\nrun = %lepton train a b'
    ]);
    expect(cells('run = %lepton train a b', ['%load_ext lepton_lab'])).toEqual([
      'run = %lepton train a b'
    ]);
  });

  it('are two where the code is a cell magic, which must come first in its cell', () => {
    const code = '%%lepton train\nmodel = "a"';
    expect(cells(code, [])).toEqual(['%load_ext lepton_lab', code]);
    expect(cells(code, ['%load_ext lepton_lab'])).toEqual([code]);
  });
});
