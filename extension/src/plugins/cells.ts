// SPDX-License-Identifier: BSD-3-Clause
// Cells and notebooks: what the sidebar inserts, and the notebook that a newcomer starts with.
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { ILauncher } from '@jupyterlab/launcher';

import { answer } from '../asked';
import { cell } from '../code';
import { leptonIcon } from '../icons';
import { CommandIDs } from '../ids';
import { ILab } from '../lab';
import { modelLine, readLine, type Line } from '../lines';
import { active, create, insert, made } from '../notebooks';
import { template } from '../template';
import { text } from '../text';

const FILE = 'Lepton Lab.ipynb';
const PALETTE = [
  CommandIDs.newNotebook,
  CommandIDs.showSidebar,
  CommandIDs.pauseRun,
  CommandIDs.resumeRun,
  CommandIDs.stopRun
];

/** Commands that write cells, the launcher's card and the palette. */
export const cells: JupyterFrontEndPlugin<void> = {
  id: 'lepton-lab:cells',
  description: 'Puts models and data into notebooks; a card in the launcher opens a ready one.',
  autoStart: true,
  requires: [ILab],
  optional: [ILauncher, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    lab: ILab,
    launcher: ILauncher | null,
    palette: ICommandPalette | null
  ): void => {
    const { commands } = app;
    const { trans } = lab;
    answer(lab.notebooks);
    const put = async (line: Line): Promise<void> => {
      const panel = active(lab.notebooks);
      if (panel) {
        insert(panel, line(panel.context.path));
        return;
      }
      const folder = lab.folder.path;
      const source = cell(line(PathExt.join(folder, FILE)), []);
      await create(app, folder, FILE, [made('code', source)]);
    };

    commands.addCommand(CommandIDs.insertModel, {
      label: trans.__('Insert a Cell That Trains a Model'),
      describedBy: { args: named('name', 'Name of the model') },
      execute: args => put(modelLine(lab, text(args.name)))
    });
    commands.addCommand(CommandIDs.insertData, {
      label: trans.__('Insert a Cell That Reads Data'),
      describedBy: { args: named('path', 'Path of the data on the server') },
      execute: args => put(readLine(lab, text(args.path)))
    });
    commands.addCommand(CommandIDs.newNotebook, {
      label: args =>
        args.isPalette ? trans.__('New Lepton Lab Notebook') : trans.__('Lepton Lab'),
      caption: trans.__('A notebook that trains, evaluates and exports a model'),
      icon: args => (args.isPalette ? undefined : leptonIcon),
      describedBy: { args: named('cwd', 'Folder of the new notebook') },
      execute: args => create(app, text(args.cwd ?? lab.folder.path), FILE, template(trans))
    });

    const category = trans.__('Lepton Lab');
    launcher?.add({ command: CommandIDs.newNotebook, category, rank: 0 });
    for (const command of PALETTE) {
      palette?.addItem({ command, category, args: { isPalette: true } });
    }
  }
};

function named(name: string, description: string) {
  return { type: 'object', properties: { [name]: { type: 'string', description } } } as const;
}
