// SPDX-License-Identifier: BSD-3-Clause
// What widgets in outputs ask of the page by events: a cell with the code that they show.
import type { INotebookTracker } from '@jupyterlab/notebook';

import { cells } from './code';
import { insertBelow, sources } from './notebooks';

const EVENT = 'lepton-lab:insert-cell';

/**
 * Answer widgets that ask for a cell below their own; it is not run. Preventing the event's default is the answer,
 * so a widget knows whether anyone does this here. Without code nothing is inserted.
 */
export function answer(notebooks: INotebookTracker | null): void {
  document.addEventListener(EVENT, event => {
    const target = event.target;
    const panel = target instanceof Node && notebooks?.find(one => one.node.contains(target));
    const place = panel && panel.content.widgets.findIndex(one => one.node.contains(target));
    const code: unknown = (event as CustomEvent<{ code?: unknown } | null>).detail?.code;
    if (!panel || typeof place !== 'number' || place < 0 || typeof code !== 'string') {
      return;
    }
    event.preventDefault();
    if (code) {
      insertBelow(panel, place, cells(code, sources(panel)));
    }
  });
}
