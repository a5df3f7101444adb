// SPDX-License-Identifier: BSD-3-Clause
// The notebook that the launcher's card opens. It runs as it is, without a download.
import type { TranslationBundle } from '@jupyterlab/translation';

import { made, type Cell } from './notebooks';

/** The cells of a first notebook. */
export function template(trans: TranslationBundle): Cell[] {
  const title = trans.__('Lepton Lab');
  const hint = trans.__(
    'Run the cells from the first to the last. For pictures of your own, put the path of a folder with one subfolder per class in the place of `digits`.'
  );
  return [
    made('markdown', `# ${title}\n\n${hint}`),
    made('code', '%load_ext lepton_lab\ndata = %lepton data digits --val=0.2 --test=0.6\ndata'),
    made('code', 'run = %lepton train lepton_glyphs data --epochs=2'),
    made('code', 'report = %lepton evaluate run\nreport'),
    made('code', 'artifact = %lepton export run\nartifact')
  ];
}
