// SPDX-License-Identifier: BSD-3-Clause
// Dragging a row of the sidebar into a notebook, where it becomes a cell between two others.
import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';
import type React from 'react';

import { made } from './notebooks';

const CELLS = 'application/vnd.jupyter.cells';
const FAR = 5;

/** Begin a drag once the pressed pointer has moved a little; `source` gives the text of the cell. */
export function draggable(event: React.PointerEvent<HTMLElement>, source: () => string): void {
  if (event.button !== 0 || (event.target as Element).closest('button, input, select')) {
    return;
  }
  const row = event.currentTarget;
  const { clientX, clientY } = event;
  const controller = new AbortController();
  const { signal } = controller;
  const stop = () => controller.abort();
  const move = (now: PointerEvent) => {
    if (Math.hypot(now.clientX - clientX, now.clientY - clientY) < FAR) {
      return;
    }
    stop();
    const text = source();
    const mimeData = new MimeData();
    mimeData.setData(CELLS, [made('code', text)]);
    mimeData.setData('text/plain', text);
    const drag = new Drag({
      mimeData,
      dragImage: image(row),
      proposedAction: 'copy',
      supportedActions: 'copy'
    });
    void drag.start(now.clientX, now.clientY).then(() => drag.dispose());
  };
  document.addEventListener('pointermove', move, { capture: true, signal });
  document.addEventListener('pointerup', stop, { capture: true, signal });
}

function image(row: HTMLElement): HTMLElement {
  const node = document.createElement('div');
  node.className = 'jp-Lepton-dragImage';
  node.textContent = row.dataset.name ?? '';
  return node;
}
