// SPDX-License-Identifier: BSD-3-Clause
// Cells in notebooks: below the active one, as one step that undo takes back, and in new notebooks.
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { cell } from './code';

/** A cell as a notebook's file has it. */
export type Cell = {
  cell_type: 'code' | 'markdown';
  source: string;
  metadata: Record<string, never>;
};

/** A cell of text or code. */
export function made(kind: Cell['cell_type'], source: string): Cell {
  return { cell_type: kind, source, metadata: {} };
}

/** The sources of a notebook's cells. */
export function sources(panel: NotebookPanel): string[] {
  return panel.content.widgets.map(one => one.model.sharedModel.getSource());
}

/** The notebook that is seen, or was seen last. */
export function active(notebooks: INotebookTracker | null): NotebookPanel | null {
  const panel = notebooks?.currentWidget ?? null;
  return panel?.isDisposed || !panel?.content.model ? null : panel;
}

/** Put a line into a cell of its own below the active one, and make that the active one. */
export function insert(panel: NotebookPanel, line: string): void {
  const { content } = panel;
  const place = content.widgets.length ? content.activeCellIndex : -1;
  insertBelow(panel, place, [cell(line, sources(panel))]);
}

/** Put code into cells of their own below the one at a place, and make the last of them the active one. */
export function insertBelow(panel: NotebookPanel, place: number, codes: readonly string[]): void {
  const { content } = panel;
  const last = place + codes.length;
  content.model?.sharedModel.insertCells(
    place + 1,
    codes.map(code => made('code', code))
  );
  content.activeCellIndex = last;
  content.deselectAll();
  void content.scrollToItem(last);
}

/** A notebook with these cells in a folder, opened. */
export async function create(
  app: JupyterFrontEnd,
  folder: string,
  name: string,
  cells: readonly Cell[]
): Promise<void> {
  const { contents, kernelspecs } = app.serviceManager;
  await kernelspecs.ready;
  const kernel = python(kernelspecs.specs?.kernelspecs ?? {}, kernelspecs.specs?.default ?? '');
  const content = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: kernel ? { kernelspec: kernel } : {},
    cells: cells.map((one, index) => ({
      ...one,
      id: `lepton-${index}`,
      ...(one.cell_type === 'code' ? { outputs: [], execution_count: null } : {})
    }))
  };
  const path = await free(app, PathExt.join(folder, name));
  await contents.save(path, { type: 'notebook', format: 'json', content });
  await app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
}

type Specs = Record<string, { name: string; language: string; display_name: string } | undefined>;

/** The kernel of a new notebook: the default one where it is Python, else the first that is. */
function python(specs: Specs, preferred: string): Record<string, string> | null {
  const all = [specs[preferred], ...Object.values(specs)];
  const found = all.find(spec => spec?.language === 'python');
  return found
    ? { name: found.name, display_name: found.display_name, language: found.language }
    : null;
}

/** `path`, with a number behind it where a file is there already. */
async function free(app: JupyterFrontEnd, path: string): Promise<string> {
  const extension = PathExt.extname(path);
  const stem = path.slice(0, path.length - extension.length);
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? path : `${stem} ${number}${extension}`;
    const taken = await app.serviceManager.contents
      .get(candidate, { content: false })
      .then(() => true)
      .catch((error: unknown) => (error as { response?: Response }).response?.status !== 404);
    if (!taken) {
      return candidate;
    }
  }
}
