// SPDX-License-Identifier: BSD-3-Clause
// The cells that the sidebar writes. Names are words of a command line, so they are quoted as a shell would.
import { PathExt } from '@jupyterlab/coreutils';

const PLAIN = /^[\w@%+=:,./-]+$/;
const LOAD = '%load_ext lepton_lab';

/** A word that the magic reads back as it is. */
export function quoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** The line that trains a model on data. */
export function trainLine(model: string, data: string): string {
  return `%lepton train ${quoted(model)} ${quoted(data)}`;
}

/** The line that reads data. */
export function dataLine(path: string): string {
  return `%lepton data ${quoted(path)}`;
}

/** A path of the server as the kernel of a notebook sees it. */
export function fromNotebook(path: string, notebook: string): string {
  const relative = PathExt.relative(PathExt.dirname(notebook), path) || '.';
  return relative.startsWith('.') ? relative : `./${relative}`;
}

/** The text of a new cell: with the extension's line where no cell of the notebook has it. */
export function cell(line: string, others: Iterable<string>): string {
  for (const source of others) {
    if (/^\s*%(?:load_ext|reload_ext)\s+lepton_lab\b/m.test(source)) {
      return line;
    }
  }
  return `${LOAD}\n${line}`;
}
