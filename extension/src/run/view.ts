// SPDX-License-Identifier: BSD-3-Clause
// A run in a tab of its own: the same card as in the notebook, fed by the server from the run's journal.
import { Widget } from '@lumino/widgets';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';

import {
  decodeText,
  mount,
  type Options,
  type RunView as Card
} from '../../../lepton_lab/widgets/card.js';
import type { IRunDocument } from '../schema';
import type { Feed } from '../feed';
import { leptonIcon } from '../icons';
import type { ILab } from '../lab';
import { plotly } from '../plotly';
import { isLive } from '../words';

/** Draws the document that a feed gives, as often as it changes. */
export class RunWidget extends Widget {
  constructor(
    private readonly feed: Feed<IRunDocument>,
    private readonly lab: ILab,
    private readonly options: { order?: Options['order']; isTab?: boolean } = {}
  ) {
    super();
    this.addClass('jp-Lepton-runView');
    this.title.icon = leptonIcon;
    this.card = mount(this.node, {
      plotly: plotly(),
      order: options.order ?? null
    });
    this.trouble = document.createElement('p');
    this.trouble.className = 'jp-Lepton-trouble';
    this.trouble.setAttribute('role', 'alert');
    this.trouble.hidden = true;
    this.node.prepend(this.trouble);
    feed.changed.connect(this.draw, this);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.watched?.dispose();
      this.feed.dispose();
      this.card.dispose();
    }
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.watched ??= this.feed.watch();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this.watched ??= this.feed.watch();
    }
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.rest();
  }

  private rest(): void {
    this.watched?.dispose();
    this.watched = null;
  }

  private draw(): void {
    const { value, problem } = this.feed;
    this.trouble.hidden = problem === null;
    this.trouble.textContent = problem
      ? [problem.what, problem.why, problem.todo].filter(Boolean).join(' ')
      : '';
    if (value) {
      if (this.options.isTab) {
        // Only here: a document whose title changes renames its file.
        this.title.label = value.run;
        this.title.caption = this.lab.trans.__('Run %1', value.run);
      }
      this.card.update(decodeText(value.snapshot));
      if (!isLive(value.state)) {
        this.rest();
      }
    }
  }

  private readonly card: Card;
  private readonly trouble: HTMLElement;
  private watched: IDisposable | null = null;
}
