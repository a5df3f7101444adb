// SPDX-License-Identifier: BSD-3-Clause
// The panel in the left sidebar.
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs, SIDEBAR } from '../ids';
import { ILab } from '../lab';
import { LeptonPanel } from '../sidebar/panel';

const RANK = 600;

/** Adds the panel and the command that shows it. */
export const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'lepton-lab:sidebar',
  description: 'Models, data and runs in the left sidebar.',
  autoStart: true,
  requires: [ILab],
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    lab: ILab,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const panel = new LeptonPanel(lab, translator ?? nullTranslator);
    app.shell.add(panel, 'left', { rank: RANK });
    restorer?.add(panel, SIDEBAR);
    app.commands.addCommand(CommandIDs.showSidebar, {
      label: lab.trans.__('Show Lepton Lab'),
      caption: lab.trans.__('Show models, data and runs in the sidebar'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        app.shell.activateById(SIDEBAR);
        (app.shell as { expandLeft?: (id?: string) => void }).expandLeft?.(SIDEBAR);
      }
    });
  }
};
