// SPDX-License-Identifier: BSD-3-Clause
// The Studio and the cleaning page as outputs of cells. They live in their kernel; where that is gone, the notebook
// says so and shows what was saved beside them.
import type { ISessionContext } from '@jupyterlab/apputils';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel, Widget } from '@lumino/widgets';

import { PAGE_MIME } from '../schema';
import type { ILab } from '../lab';
import { Coming, WIDGET_MIME, notebookOf } from './coming';

const HTML_MIME = 'text/html';
const SOUGHT = '.lepton-studio-root, .lepton-clean-root';

/** Draws `application/vnd.lepton-lab.page.v1+json`. */
export class PageRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(
    private readonly options: IRenderMime.IRendererOptions,
    private readonly lab: ILab
  ) {
    super();
    this.addClass('jp-Lepton-renderedPage');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const notebook = notebookOf(this.lab, this.options);
    this.rest();
    [...this.widgets].forEach(one => one.dispose());
    this.name = (model.data[PAGE_MIME] as { page?: string } | null)?.page ?? '';
    this.words = new Widget({ node: document.createElement('p') });
    this.words.node.setAttribute('role', 'status');
    this.addWidget(this.words);
    this.isMissing = !(WIDGET_MIME in model.data);
    this.session = notebook?.sessionContext ?? null;
    this.session?.kernelChanged.connect(this.say, this);
    this.say();
    this.coming = new Coming(this, SOUGHT, {
      here: widget => {
        this.rest();
        this.widgets.filter(one => one !== widget).forEach(one => one.dispose());
      },
      missing: () => {
        this.isMissing = true;
        this.say();
      }
    });
    void this.coming.begin(notebook, model);
    void notebook?.sessionContext.ready.then(() => this.say());
    if (notebook && HTML_MIME in model.data) {
      this.saved = notebook.content.rendermime.createRenderer(HTML_MIME);
      this.saved.hide();
      this.addWidget(this.saved);
      await this.saved.renderModel(model);
      this.say();
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.rest();
    }
    super.dispose();
  }

  private rest(): void {
    this.coming?.dispose();
    this.session?.kernelChanged.disconnect(this.say, this);
    this.coming = this.session = this.words = this.saved = null;
  }

  private say(): void {
    const { session, words } = this;
    if (!words) {
      return;
    }
    const isGone = this.isMissing || !session || (session.isReady && !session.session?.kernel);
    const text = isGone ? this.needs : this.lab.trans.__('Waiting for the kernel…');
    if (words.node.textContent !== text) {
      words.node.textContent = text;
    }
    this.saved?.setHidden(!isGone);
  }

  private get needs(): string {
    const { trans } = this.lab;
    switch (this.name) {
      case 'studio':
        return trans.__('The Studio needs its kernel: run the cell again.');
      case 'clean':
        return trans.__('The cleaning page needs its kernel: run the cell again.');
      default:
        return trans.__('This page needs its kernel: run the cell again.');
    }
  }

  private name = '';
  private isMissing = false;
  private words: Widget | null = null;
  private saved: IRenderMime.IRenderer | null = null;
  private session: ISessionContext | null = null;
  private coming: Coming | null = null;
}
