// SPDX-License-Identifier: BSD-3-Clause
// What opens from the file browser: journals of runs, and artifacts as folders or files.
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import {
  ABCWidgetFactory,
  type DocumentRegistry,
  DocumentWidget,
  type IDocumentWidget
} from '@jupyterlab/docregistry';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { Widget } from '@lumino/widgets';

import { ArtifactWidget } from '../artifact/view';
import { Feed } from '../feed';
import { leptonIcon } from '../icons';
import { CommandIDs } from '../ids';
import { ILab } from '../lab';
import { RunWidget } from '../run/view';
import { text } from '../text';
import { UnreadModelFactory } from '../unread';
import { core } from './core';

const ARTIFACT = /\.lepton(\.zip)?$/;
const PATH = {
  type: 'object',
  properties: { path: { type: 'string', description: 'Path of the artifact on the server' } }
} as const;

/** Shows files without loading them: the server reads what is needed of them. */
class Factory extends ABCWidgetFactory<IDocumentWidget> {
  constructor(
    options: DocumentRegistry.IWidgetFactoryOptions,
    private readonly content: (path: string) => Widget
  ) {
    super(options);
  }

  protected createNewWidget(context: DocumentRegistry.Context): IDocumentWidget {
    const widget = new DocumentWidget({ content: this.content(context.localPath), context });
    widget.title.icon = leptonIcon;
    return widget;
  }
}

/** Openers for `events.jsonl`, `*.lepton.zip` and folders `*.lepton`. */
export const documents: JupyterFrontEndPlugin<void> = {
  id: 'lepton-lab:documents',
  description: 'Opens journals of runs and exported artifacts.',
  autoStart: true,
  requires: [ILab, IRenderMimeRegistry],
  optional: [ILayoutRestorer, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    lab: ILab,
    rendermime: IRenderMimeRegistry,
    restorer: ILayoutRestorer | null,
    settings: ISettingRegistry | null
  ): void => {
    const { commands, docRegistry } = app;
    const { trans } = lab;
    docRegistry.addModelFactory(new UnreadModelFactory());
    const opener = (
      type: Partial<DocumentRegistry.IFileType> & { name: string },
      label: string,
      content: (path: string) => Widget
    ) => {
      const tracker = new WidgetTracker<IDocumentWidget>({ namespace: type.name });
      docRegistry.addFileType({
        ...type,
        contentType: 'file',
        fileFormat: 'text',
        icon: leptonIcon
      });
      const factory = new Factory(
        {
          name: type.name,
          label,
          modelName: UnreadModelFactory.NAME,
          fileTypes: [type.name],
          defaultFor: [type.name],
          readOnly: true
        },
        content
      );
      factory.widgetCreated.connect((_, widget) => void tracker.add(widget));
      docRegistry.addWidgetFactory(factory);
      void restorer?.restore(tracker, {
        command: 'docmanager:open',
        args: widget => ({ path: widget.context.path, factory: type.name }),
        name: widget => widget.context.path
      });
    };
    opener(
      {
        name: 'lepton-lab-journal',
        displayName: trans.__('Journal of a Run'),
        pattern: '^events\\.jsonl$'
      },
      trans.__('Run'),
      path => new RunWidget(new Feed(known => lab.server.journal(path, known), lab.seconds), lab)
    );
    opener(
      {
        name: 'lepton-lab-artifact',
        displayName: trans.__('Lepton Lab Artifact'),
        extensions: ['.lepton', '.lepton.zip']
      },
      trans.__('Lepton Lab Artifact'),
      path => new ArtifactWidget(lab, path, rendermime)
    );

    const tracker = new WidgetTracker<MainAreaWidget<ArtifactWidget>>({
      namespace: 'lepton-lab-folders'
    });
    const selected = () => lab.folder.selected.find(one => ARTIFACT.test(one.name));
    commands.addCommand(CommandIDs.openArtifact, {
      label: trans.__('Open Lepton Lab Artifact'),
      caption: trans.__('Show its certificate, golden samples and card'),
      icon: leptonIcon,
      describedBy: { args: PATH },
      isVisible: args => Boolean(args.path ?? selected()),
      execute: args => {
        const path = text(args.path ?? selected()?.path);
        let tab = tracker.find(one => one.content.path === path);
        if (!tab) {
          tab = new MainAreaWidget({ content: new ArtifactWidget(lab, path, rendermime) });
          tab.id = `lepton-lab-artifact-${path}`;
          tab.toolbar.hide();
          void tracker.add(tab);
        }
        lab.show(tab);
      }
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.openArtifact,
      args: tab => ({ path: tab.content.path }),
      name: tab => tab.content.path
    });
    void app.restored
      .then(() => settings?.load(core.id))
      .then(found => {
        lab.folder.entered.connect((_, path) => {
          if (ARTIFACT.test(path) && found?.get('openArtifacts').composite !== false) {
            void commands.execute(CommandIDs.openArtifact, { path });
          }
        });
      });
  }
};
