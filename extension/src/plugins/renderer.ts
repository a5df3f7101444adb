// SPDX-License-Identifier: BSD-3-Clause
// The renderers of runs, and of pages that live in a kernel, in notebooks.
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { PAGE_MIME, RUN_MIME } from '../schema';
import { ILab } from '../lab';
import { PageRenderer } from '../run/page';
import { RunRenderer } from '../run/renderer';

// Before widgets (-10), which end in an error once their kernel is gone, and before plotly.
const RANK = -20;

/** Draws `application/vnd.lepton-lab.run.v1+json` and `application/vnd.lepton-lab.page.v1+json`. */
export const renderer: JupyterFrontEndPlugin<void> = {
  id: 'lepton-lab:renderer',
  description: 'Draws runs in notebooks, live or long after, with or without a kernel.',
  autoStart: true,
  requires: [ILab, IRenderMimeRegistry],
  activate: (_app: JupyterFrontEnd, lab: ILab, rendermime: IRenderMimeRegistry): void => {
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [RUN_MIME],
        createRenderer: options => new RunRenderer(options, lab)
      },
      RANK
    );
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [PAGE_MIME],
        createRenderer: options => new PageRenderer(options, lab)
      },
      RANK
    );
  }
};
