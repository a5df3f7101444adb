// SPDX-License-Identifier: BSD-3-Clause
// The widget of an output, which may come at once, late, or never. The notebook's own renderer tries, out of
// sight: what it says while it waits for the kernel, and that a widget is gone, is not for the reader.
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { IDisposable } from '@lumino/disposable';
import type { Panel, Widget } from '@lumino/widgets';

import type { ILab } from '../lab';

export const WIDGET_MIME = 'application/vnd.jupyter.widget-view+json';
const MISSING = 'Error displaying widget';

/** The notebook whose outputs are rendered with these options. */
export function notebookOf(lab: ILab, options: IRenderMime.IRendererOptions): NotebookPanel | null {
  return lab.notebooks?.find(one => one.content.rendermime.resolver === options.resolver) ?? null;
}

/** Waits in a panel for a widget; `sought` is what is found in its node when it is there. */
export class Coming implements IDisposable {
  constructor(
    private readonly panel: Panel,
    private readonly sought: string,
    private readonly told: { here(widget: Widget): void; missing(): void }
  ) {}

  get isDisposed(): boolean {
    return this.isOver;
  }

  /** Wait no more; a widget that is there stays. */
  dispose(): void {
    this.isOver = true;
    this.watch.disconnect();
    if (this.child?.isHidden) {
      this.child.dispose();
    }
  }

  /** Let the renderer of a notebook try. */
  async begin(notebook: NotebookPanel | null, model: IRenderMime.IMimeModel): Promise<void> {
    // Widgets get their kernel behind this promise, in the same turn; a renderer that is made before has none.
    await notebook?.sessionContext.ready;
    await new Promise(resolve => setTimeout(resolve));
    const rendermime = notebook?.content.rendermime;
    if (this.isOver) {
      return;
    }
    if (!rendermime?.mimeTypes.includes(WIDGET_MIME)) {
      this.told.missing();
      return;
    }
    const child = rendermime.createRenderer(WIDGET_MIME);
    this.child = child;
    child.hide();
    this.panel.addWidget(child);
    this.watch.observe(child.node, { childList: true, subtree: true });
    await Promise.resolve(child.renderModel(model)).catch(() => undefined);
  }

  private look(): void {
    const { child } = this;
    if (!child || this.isOver) {
      return;
    }
    if (child.node.querySelector(this.sought)) {
      child.show();
      this.dispose();
      this.told.here(child);
    } else if (child.node.textContent?.startsWith(MISSING)) {
      this.told.missing();
    }
  }

  private readonly watch = new MutationObserver(() => this.look());
  private child: Widget | null = null;
  private isOver = false;
}
