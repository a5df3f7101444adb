// SPDX-License-Identifier: BSD-3-Clause
// What all plugins share: the server, what it says of runs and memory, and where things are shown.
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

import type { IRunList, IRunRow, IStatus } from './schema';
import type { Server } from './api';
import type { Folder } from './browser';
import type { Feed } from './feed';

/** The token under which the plugins find what they share. */
export const ILab = new Token<ILab>(
  'lepton-lab:ILab',
  'What the plugins of Lepton Lab share: the server and what it says of runs.'
);

/** What the plugins share. */
export interface ILab {
  readonly app: JupyterFrontEnd;
  readonly server: Server;
  readonly trans: TranslationBundle;
  readonly runs: Feed<IRunList>;
  readonly status: Feed<IStatus>;
  readonly notebooks: INotebookTracker | null;
  readonly choice: Choice;
  readonly folder: Folder;
  /** Seconds between two questions for what is live. */
  readonly seconds: number;
  /** Show a widget of ours, in the main area where there is one that takes it. */
  show(widget: Widget): void;
  /** Order something of a run; resolves to false when it waits until the kernel is free. */
  order(run: IRunRow, action: string, values?: Record<string, unknown>): Promise<boolean>;
}

/** The data that models of the sidebar are put together with. */
export class Choice {
  readonly changed = new Signal<this, void>(this);

  /** The data set that was chosen last; null before one was. */
  get path(): string | null {
    return this.chosen;
  }

  set path(path: string | null) {
    if (path !== this.chosen) {
      this.chosen = path;
      this.changed.emit();
    }
  }

  private chosen: string | null = null;
}
