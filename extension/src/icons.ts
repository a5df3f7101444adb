// SPDX-License-Identifier: BSD-3-Clause
// Our icons; they take their color from the theme.
import { LabIcon } from '@jupyterlab/ui-components';

function drawn(name: string, shapes: string): LabIcon {
  const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">${shapes}</svg>`;
  return new LabIcon({ name: `lepton-lab:${name}`, svgstr });
}

/** A particle and its path. */
export const leptonIcon = drawn(
  'lepton',
  '<g class="jp-icon3" style="fill: none" stroke="#616161" stroke-width="1.8">' +
    '<ellipse cx="12" cy="12" rx="10" ry="4.2" transform="rotate(-32 12 12)"/>' +
    '<ellipse cx="12" cy="12" rx="10" ry="4.2" transform="rotate(32 12 12)"/></g>' +
    '<circle class="jp-icon3" fill="#616161" cx="12" cy="12" r="2.6"/>'
);

export const pauseIcon = drawn(
  'pause',
  '<path class="jp-icon3" fill="#616161" d="M7 5h3.6v14H7zM13.4 5H17v14h-3.6z"/>'
);

export const resumeIcon = drawn(
  'resume',
  '<path class="jp-icon3" fill="#616161" d="M8 5v14l11-7z"/>'
);

export const haltIcon = drawn('stop', '<path class="jp-icon3" fill="#616161" d="M6 6h12v12H6z"/>');
