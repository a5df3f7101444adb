// SPDX-License-Identifier: BSD-3-Clause
// Orders to a run. Where this page holds the kernel that trains, the order goes there and arrives within a
// step, also while its cell is busy; else the server leaves it in the folder of the run, where it is found.
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';

import { sendOrder } from '../../lepton_lab/widgets/card/kernel.js';
import type { IRunRow } from './schema';
import type { Server } from './api';

/** A kernel that a notebook of this page is connected to. */
export function kernelOf(
  id: string,
  notebooks: INotebookTracker | null
): Kernel.IKernelConnection | null {
  const panel = id && notebooks?.find(one => one.sessionContext.session?.kernel?.id === id);
  return (panel && panel.sessionContext.session?.kernel) || null;
}

/** Send an order; resolves to false when it waits until the kernel is free. */
export async function order(
  run: Pick<IRunRow, 'id' | 'name' | 'kernel'>,
  action: string,
  values: Record<string, unknown>,
  server: Server,
  notebooks: INotebookTracker | null
): Promise<boolean> {
  const kernel = kernelOf(run.kernel, notebooks);
  if (kernel?.handleComms && kernel.supportsSubshells) {
    const model = { widget_manager: { kernel }, send: () => undefined };
    return sendOrder(model, { action, run: run.name, values });
  }
  await server.order(run.id, action, values);
  return true;
}
