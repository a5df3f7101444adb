// SPDX-License-Identifier: BSD-3-Clause
// The item in the status bar, where there is one.
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';

import { ILab } from '../lab';
import { StatusItem } from '../status';

/** Memory of the device and the run under way. */
export const status: JupyterFrontEndPlugin<void> = {
  id: 'lepton-lab:status',
  description: 'Memory of the device and the run under way in the status bar.',
  autoStart: true,
  requires: [ILab],
  optional: [IStatusBar],
  activate: (_app: JupyterFrontEnd, lab: ILab, bar: IStatusBar | null): void => {
    bar?.registerStatusItem('lepton-lab:status', {
      item: new StatusItem(lab),
      align: 'left',
      rank: 900
    });
  }
};
