// SPDX-License-Identifier: BSD-3-Clause
// What all other plugins need: the server, the feeds, the user's settings.
import {
  ILabShell,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';

import type { IRunList, IRunRow, IStatus } from '../schema';
import { Server } from '../api';
import { Folder } from '../browser';
import { Feed } from '../feed';
import { Choice, ILab } from '../lab';
import { order } from '../orders';
import { serve } from '../plotly';

const SECONDS = 2;
const STATUS_SECONDS = 5;

class Lab implements ILab {
  constructor(
    readonly app: JupyterFrontEnd,
    translator: ITranslator,
    readonly notebooks: INotebookTracker | null,
    private readonly shell: ILabShell | null,
    browsers: IFileBrowserFactory | null
  ) {
    this.folder = new Folder(browsers, notebooks);
    this.server = new Server(app.serviceManager.serverSettings);
    serve(this.server.plotly);
    this.trans = translator.load('lepton_lab');
    this.runs = new Feed<IRunList>(known => this.server.runs(known), SECONDS);
    this.status = new Feed<IStatus>(known => this.server.status(known), STATUS_SECONDS);
  }

  get seconds(): number {
    return this.interval;
  }

  set seconds(seconds: number) {
    this.interval = seconds;
    this.runs.seconds = seconds;
    this.status.seconds = Math.max(seconds, STATUS_SECONDS);
  }

  show(widget: Widget): void {
    const { shell } = this.app;
    // Notebook 7 keeps its main area for the one document of the page.
    const area = this.shell ? 'main' : 'right';
    if (!widget.isAttached) {
      shell.add(widget, area);
    }
    shell.activateById(widget.id);
    if (area === 'right') {
      (shell as { expandRight?: (id: string) => void }).expandRight?.(widget.id);
    }
  }

  order(run: IRunRow, action: string, values: Record<string, unknown> = {}): Promise<boolean> {
    return order(run, action, values, this.server, this.notebooks);
  }

  readonly server: Server;
  readonly trans: ILab['trans'];
  readonly runs: Feed<IRunList>;
  readonly status: Feed<IStatus>;
  readonly choice = new Choice();
  readonly folder: Folder;
  private interval = SECONDS;
}

/** Provides `ILab`. */
export const core: JupyterFrontEndPlugin<ILab> = {
  id: 'lepton-lab:plugin',
  description: 'Asks the server of Lepton Lab for runs and memory, at the pace of the settings.',
  autoStart: true,
  provides: ILab,
  optional: [ITranslator, INotebookTracker, ILabShell, ISettingRegistry, IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    notebooks: INotebookTracker | null,
    shell: ILabShell | null,
    settings: ISettingRegistry | null,
    browsers: IFileBrowserFactory | null
  ): ILab => {
    const lab = new Lab(app, translator ?? nullTranslator, notebooks, shell, browsers);
    void settings?.load(core.id).then(found => {
      const apply = () => {
        lab.seconds = Number(found.get('pollSeconds').composite) || SECONDS;
      };
      found.changed.connect(apply);
      apply();
    });
    return lab;
  }
};
