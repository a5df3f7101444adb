// SPDX-License-Identifier: BSD-3-Clause
// A run as the output of a cell. What the notebook holds is drawn at once, with no kernel and no widget, and goes
// on from the run's journal. As soon as the widget of the kernel is there, if it ever is, it takes the place.
import { PathExt } from '@jupyterlab/coreutils';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';

import { decodeText, mount, type RunView as Card } from '../../../lepton_lab/widgets/card.js';
import type { IRunDocument, IRunRow } from '../schema';
import { RUN_MIME } from '../schema';
import type { ILab } from '../lab';
import { plotly } from '../plotly';
import { text } from '../text';
import { isLive } from '../words';
import { Attachment } from './attachment';
import { Coming, WIDGET_MIME, notebookOf } from './coming';

const HTML_MIME = 'text/html';
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
      const words = new Widget();
      words.node.textContent = text(model.data['text/plain']);
      this.addWidget(words);
      return;
    }
    this.drawBeside(model);
    this.draw(document);
    if (!isLive(document.state)) {
      return;
    }
    const { turn } = this;
    if (WIDGET_MIME in model.data) {
      this.awaitWidget(model);
    }
    const path = await this.place(document);
    if (turn === this.turn && !this.isDisposed) {
      this.attachment = new Attachment(this.lab, document.run, path, {
        found: run =>
          this.card?.obey((action, values) => this.lab.order(run, action, values ?? {})),
        draw: now => this.followed(now),
        over: run => void this.settle(model, run)
      });
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
    this.coming?.dispose();
    this.attachment?.dispose();
    this.coming = this.attachment = null;
  }

  /** Draw a newer document, unless the widget does that; whether somebody sees it. */
  private followed(document: IRunDocument): boolean {
    if (!this.card) {
      return false;
    }
    this.draw(document);
    return this.node.offsetParent !== null;
  }

  /**
   * Put what an ended run leaves into the cell: the kernel writes that to the page that ran the cell, but not to one
   * that was loaded since. A notebook that is saved then needs neither a kernel nor us.
   */
  private async settle(model: IRenderMime.IMimeModel, run: IRunRow): Promise<void> {
    const { turn } = this;
    const bundle = await this.lab.server.bundle(run.id).catch(() => null);
    const [live, ended] = [read(model.data[RUN_MIME]), read(bundle?.[RUN_MIME])];
    const isDue = live && ended && isLive(live.state) && !isLive(ended.state);
    if (!bundle || !isDue || turn !== this.turn || this.isDisposed) {
      return;
    }
    const kept = { [RUN_MIME]: { ...ended, path: live.path || ended.path } };
    const isBeside = HTML_MIME in model.data;
    model.setData({ data: { ...(isBeside ? model.data : bundle), ...kept } });
  }

  /** What the Studio saves beside a run is drawn above it. */
  private drawBeside(model: IRenderMime.IMimeModel): void {
    const notebook = notebookOf(this.lab, this.options);
    if (!(HTML_MIME in model.data) || !notebook) {
      return;
    }
    if (!this.beside) {
      this.beside = notebook.content.rendermime.createRenderer(HTML_MIME);
      this.insertWidget(0, this.beside);
    }
    void this.beside.renderModel(model);
  }

  private draw(document: IRunDocument): void {
    if (!this.card) {
      this.clear();
      const holder = new Widget();
      this.addWidget(holder);
      this.card = mount(holder.node, { plotly: plotly() });
    }
    this.card.update(decodeText(document.snapshot));
  }

  private clear(): void {
    this.card?.dispose();
    this.card = null;
    for (const widget of this.widgets.filter(one => one !== this.beside)) {
      widget.dispose();
    }
  }

  /** As soon as our card comes up in the widget, it takes the place. */
  private awaitWidget(model: IRenderMime.IMimeModel): void {
    this.coming = new Coming(this, CARD, {
      here: child => {
        this.card?.dispose();
        this.card = null;
        this.widgets.filter(one => one !== child).forEach(one => one.dispose());
      },
      missing: () => undefined
    });
    void this.coming.begin(notebookOf(this.lab, this.options), model);
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
  private coming: Coming | null = null;
  private beside: IRenderMime.IRenderer | null = null;
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
