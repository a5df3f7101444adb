// SPDX-License-Identifier: BSD-3-Clause
// The folder that the user looks at: that of the file browser, else that of the notebook. The file browser is
// looked up through its factory, because asking for the default one would start it where a page has none.
import { PathExt } from '@jupyterlab/coreutils';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';

/** The folder that is looked at. */
export class Folder {
  /** Emitted when it is another one, or something in it changed. */
  readonly changed = new Signal<this, void>(this);
  /** Emitted with the path when the file browser enters a folder. */
  readonly entered = new Signal<this, string>(this);

  constructor(
    private readonly factory: IFileBrowserFactory | null,
    private readonly notebooks: INotebookTracker | null
  ) {
    const add = (browser: Browser) => {
      browser.model.fileChanged.connect(() => this.changed.emit(), this);
      browser.model.pathChanged.connect(() => {
        this.changed.emit();
        this.entered.emit(this.path);
      }, this);
    };
    factory?.tracker.forEach(add);
    factory?.tracker.widgetAdded.connect((_, browser) => {
      add(browser);
      this.changed.emit();
    }, this);
    if (!factory) {
      notebooks?.currentChanged.connect(() => this.changed.emit(), this);
    }
  }

  /** Its path on the server. */
  get path(): string {
    const path = this.browser?.model.path;
    if (path !== undefined) {
      return path.slice(path.indexOf(':') + 1).replace(/^\/+/, '');
    }
    return PathExt.dirname(this.notebooks?.currentWidget?.context.path ?? '');
  }

  /** What is selected in the file browser. */
  get selected(): { name: string; path: string }[] {
    return [...(this.browser?.selectedItems() ?? [])];
  }

  private get browser(): Browser | null {
    const tracker = this.factory?.tracker;
    return tracker?.currentWidget ?? tracker?.find(() => true) ?? null;
  }
}

type Browser = NonNullable<IFileBrowserFactory['tracker']['currentWidget']>;
