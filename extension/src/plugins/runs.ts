// SPDX-License-Identifier: BSD-3-Clause
// Runs in tabs: one by itself, several side by side, and orders to those under way.
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, showErrorMessage, WidgetTracker } from '@jupyterlab/apputils';
import type { Widget } from '@lumino/widgets';

import type { IRunDocument, IRunRow } from '../schema';
import { problemOf } from '../api';
import { CompareWidget } from '../compare/view';
import { Feed } from '../feed';
import { CommandIDs } from '../ids';
import { ILab } from '../lab';
import { RunWidget } from '../run/view';
import { text } from '../text';
import { isLive } from '../words';

const ONE = {
  type: 'object',
  properties: { id: { type: 'string', description: 'The number of the run' } }
} as const;
const SEVERAL = {
  type: 'object',
  properties: { ids: { type: 'array', items: { type: 'string' } } },
  required: ['ids']
} as const;

/** Commands for runs. */
export const runs: JupyterFrontEndPlugin<void> = {
  id: 'lepton-lab:runs',
  description: 'Opens, compares, pauses and stops runs.',
  autoStart: true,
  requires: [ILab],
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, lab: ILab, restorer: ILayoutRestorer | null): void => {
    const { commands } = app;
    const { trans } = lab;
    const tracker = new WidgetTracker<MainAreaWidget>({ namespace: 'lepton-lab' });
    const open = (id: string, make: () => Widget): void => {
      let tab = tracker.find(one => one.id === id);
      if (!tab) {
        tab = new MainAreaWidget({ content: make() });
        tab.id = id;
        tab.toolbar.hide();
        void tracker.add(tab);
      }
      lab.show(tab);
    };

    commands.addCommand(CommandIDs.openRun, {
      label: trans.__('Open Run'),
      caption: trans.__('Show a run in a tab, live while it trains'),
      describedBy: { args: ONE },
      execute: args => {
        const id = text(args.id);
        open(`lepton-lab-run-${id}`, () => view(lab, id));
      }
    });
    commands.addCommand(CommandIDs.compareRuns, {
      label: trans.__('Compare Runs'),
      caption: trans.__('Show runs side by side'),
      describedBy: { args: SEVERAL },
      execute: args => {
        const ids = (args.ids as string[]).map(String);
        open(`lepton-lab-compare-${ids.join('-')}`, () => new CompareWidget(lab, ids));
      }
    });
    commands.addCommand(CommandIDs.openNotebook, {
      label: trans.__('Open the Notebook of a Run'),
      describedBy: { args: ONE },
      execute: async args => {
        const run = await find(lab, text(args.id));
        if (run?.notebook) {
          await commands.execute('docmanager:open', { path: run.notebook });
        }
      }
    });
    const order = (command: string, action: string, label: string, states: string[]) =>
      commands.addCommand(command, {
        label,
        describedBy: { args: ONE },
        execute: async args => {
          try {
            const run = await (args.id ? find(lab, text(args.id)) : latest(lab, states));
            return run && (await lab.order(run, action));
          } catch (error) {
            const { what, why, todo } = problemOf(error);
            await showErrorMessage(trans.__('Lepton Lab'), [what, why, todo].join('\n').trim());
          }
        }
      });
    order(CommandIDs.pauseRun, 'pause', trans.__('Pause the Run'), ['running']);
    order(CommandIDs.resumeRun, 'resume', trans.__('Resume the Run'), ['paused']);
    order(CommandIDs.stopRun, 'stop', trans.__('Stop the Run'), []);

    void restorer?.restore(tracker, {
      command: CommandIDs.openRun,
      args: tab => ({ id: tab.id.replace(/^lepton-lab-run-/, '') }),
      name: tab => (tab.content instanceof RunWidget ? tab.id : '')
    });
  }
};

function view(lab: ILab, id: string): RunWidget {
  const feed = new Feed<IRunDocument>(known => lab.server.run(id, known), lab.seconds);
  const order = async (action: string, values: Record<string, unknown>) => {
    const run = await find(lab, id);
    return run ? lab.order(run, action, values) : true;
  };
  return new RunWidget(feed, lab, { order, isTab: true });
}

async function all(lab: ILab): Promise<readonly IRunRow[]> {
  return (await lab.server.runs(null)).value.runs;
}

async function find(lab: ILab, id: string): Promise<IRunRow | undefined> {
  return (await all(lab)).find(run => run.id === id);
}

/** The newest run under way that is in one of these states, or in any. */
async function latest(lab: ILab, states: readonly string[]): Promise<IRunRow | undefined> {
  const live = (await all(lab)).filter(run => isLive(run.state));
  return live.find(run => !states.length || states.includes(run.state));
}
