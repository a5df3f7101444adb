// SPDX-License-Identifier: BSD-3-Clause
// The panel in the sidebar. The server is only asked while the panel is seen.
import type { ITranslator } from '@jupyterlab/translation';
import { ReactWidget, SidePanel } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { AccordionPanel } from '@lumino/widgets';
import React from 'react';

import { leptonIcon } from '../icons';
import { SIDEBAR } from '../ids';
import type { ILab } from '../lab';
import { Datasets } from './datasets';
import { Models } from './models';
import { Runs } from './runs';

/** A section of the panel. */
class Section extends ReactWidget {
  constructor(
    title: string,
    private readonly content: (seen: boolean) => React.ReactElement
  ) {
    super();
    this.title.label = title;
    this.addClass('jp-Lepton-sectionBox');
  }

  protected override render(): React.ReactElement | null {
    // What was typed and chosen outlives a look at another panel.
    this.wasSeen ||= this.isVisible;
    return this.wasSeen ? this.content(this.isVisible) : null;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.update();
  }

  private wasSeen = false;
}

/** Models, data and runs. */
export class LeptonPanel extends SidePanel {
  constructor(lab: ILab, translator: ITranslator) {
    super({ translator });
    const { trans } = lab;
    this.id = SIDEBAR;
    this.title.icon = leptonIcon;
    this.title.caption = trans.__('Lepton Lab: models, data and runs');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Lepton Lab'));
    this.addClass('jp-Lepton-panel');
    this.addWidget(new Section(trans.__('Models'), () => <Models lab={lab} />));
    this.addWidget(new Section(trans.__('Data'), () => <Datasets lab={lab} />));
    this.addWidget(new Section(trans.__('Runs'), seen => <Runs lab={lab} seen={seen} />));
    (this.content as AccordionPanel).setRelativeSizes([2, 1, 2]);
  }
}
