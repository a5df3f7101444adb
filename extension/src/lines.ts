// SPDX-License-Identifier: BSD-3-Clause
// The lines that models and data become in the notebook that is seen.
import { cell, dataLine, fromNotebook, trainLine } from './code';
import type { ILab } from './lab';
import { active, sources } from './notebooks';

const BUILTIN_DATA = 'digits';

/** A line for a notebook at a path of the server. */
export type Line = (notebook: string) => string;

/** The line that trains a model, on the data that was chosen last. */
export function modelLine(lab: ILab, model: string): Line {
  const path = lab.choice.path;
  return notebook => trainLine(model, path === null ? BUILTIN_DATA : fromNotebook(path, notebook));
}

/** The line that reads data; it is chosen by that. */
export function readLine(lab: ILab, path: string): Line {
  lab.choice.path = path;
  return notebook => dataLine(fromNotebook(path, notebook));
}

/** The text of a cell for the notebook that is seen. */
export function asCell(lab: ILab, line: Line): string {
  const panel = active(lab.notebooks);
  return panel ? cell(line(panel.context.path), sources(panel)) : cell(line(''), []);
}
