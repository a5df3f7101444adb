// SPDX-License-Identifier: BSD-3-Clause
// Lepton Lab in JupyterLab and Notebook 7: small plugins that can be switched off one by one.
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { cells } from './plugins/cells';
import { core } from './plugins/core';
import { documents } from './plugins/documents';
import { renderer } from './plugins/renderer';
import { runs } from './plugins/runs';
import { sidebar } from './plugins/sidebar';
import { status } from './plugins/status';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  core,
  sidebar,
  runs,
  cells,
  documents,
  renderer,
  status
] as JupyterFrontEndPlugin<unknown>[];

export default plugins;
