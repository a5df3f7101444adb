// SPDX-License-Identifier: BSD-3-Clause
// A run as the output of a cell. What the notebook holds is drawn at once, with no kernel and no widget, and goes
// on from the run's journal. As soon as the widget of the kernel is there, if it ever is, it takes the place.
import { PathExt } from '@jupyterlab/coreutils';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';

import { decodeText, mount, type RunView as Card } from '../../../lepton_lab/widgets/card.js';
import type { IRunDocument } from '../schema';
import { RUN_MIME } from '../schema';
import type { ILab } from '../lab';
import { plotly } from '../plotly';
import { text } from '../text';
import { isLive } from '../words';
import { Attachment } from './attachment';

const WIDGET_MIME = 'application/vnd.jupyter.widget-view+json';
const CARD = '.lepton-card';

/** Draws `application/vnd.lepton-lab.run.v1+json`. */
export class RunRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(
    private readonly options: IRenderMime.IRendererOptions,
    private readonly lab: ILab
  ) {
    super();
    this.addClass('jp-Lepton-renderedRun');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const document = readable(model.data[RUN_MIME]);
    this.rest();
    if (!document) {
      this.clear();
      this.node.textContent = text(model.data['text/plain']);
      return;
    }
    this.draw(document);
    if (!isLive(document.state)) {
      return;
    }
    const turn = ++this.turn;
    if (WIDGET_MIME in model.data) {
      this.awaitWidget(model);
    }
    const path = await this.place(document);
    if (turn === this.turn && !this.isDisposed) {
      this.attachment = new Attachment(this.lab, document.run, path, now => this.draw(now));
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.rest();
      this.clear();
    }
    super.dispose();
  }

  protected override onBeforeDetach(message: Message): void {
    this.rest();
    super.onBeforeDetach(message);
  }

  /** Wait for nothing more: neither for the widget nor for the journal. */
  private rest(): void {
    this.turn += 1;
    this.coming?.disconnect();
    this.coming = null;
    this.widgets.filter(one => one.isHidden).forEach(one => one.dispose());
    this.attachment?.dispose();
    this.attachment = null;
  }

  private draw(document: IRunDocument): void {
    if (!this.card) {
      this.clear();
      const holder = new Widget();
      this.addWidget(holder);
      this.card = mount(holder.node, { plotly: plotly(this.lab.server.plotly) });
    }
    this.card.update(decodeText(document.snapshot));
  }

  private clear(): void {
    this.card?.dispose();
    this.card = null;
    for (const widget of [...this.widgets]) {
      widget.dispose();
    }
    this.node.textContent = '';
  }

  /**
   * Let the notebook's own widget renderer try, out of sight: what it says while it waits for the kernel, and
   * that a widget is gone, is not for the reader. As soon as our card comes up in it, it takes the place.
   */
  private awaitWidget(model: IRenderMime.IMimeModel): void {
    const panel = this.lab.notebooks?.find(
      one => one.content.rendermime.resolver === this.options.resolver
    );
    if (!panel || panel.content.rendermime.mimeTypes.indexOf(WIDGET_MIME) < 0) {
      return;
    }
    const child = panel.content.rendermime.createRenderer(WIDGET_MIME);
    child.hide();
    this.addWidget(child);
    this.coming = new MutationObserver(() => {
      if (child.node.querySelector(CARD)) {
        child.show();
        this.rest();
        this.card?.dispose();
        this.card = null;
        this.widgets.filter(one => one !== child).forEach(one => one.dispose());
      }
    });
    this.coming.observe(child.node, { childList: true, subtree: true });
    void Promise.resolve(child.renderModel(model)).catch(() => undefined);
  }

  /** The folder of the run as the server has it; "" where that is not known. */
  private async place(document: IRunDocument): Promise<string> {
    const { resolver } = this.options;
    if (!document.path || !resolver) {
      return '';
    }
    const local = await resolver.resolveUrl(encodeURI(document.path));
    return PathExt.normalize(decodeURI(local));
  }

  private turn = 0;
  private coming: MutationObserver | null = null;
  private card: Card | null = null;
  private attachment: Attachment | null = null;
}

/** A document of this version or an older one whose picture can be drawn; null for anything else. */
function readable(value: unknown): IRunDocument | null {
  const document = read(value);
  try {
    return document && decodeText(document.snapshot) && document;
  } catch {
    return null;
  }
}

/** The parts of a document; what an older version had not yet is filled in. */
function read(value: unknown): IRunDocument | null {
  const found = value as Partial<IRunDocument> | null | undefined;
  if (typeof found?.snapshot !== 'string' || !found.snapshot) {
    return null;
  }
  return {
    version: found.version ?? 1,
    run: found.run ?? '',
    path: found.path ?? '',
    state: found.state ?? 'done',
    snapshot: found.snapshot
  };
}
