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

/** The cells that hold code, which may be magic or Python: a magic's extension is loaded where no cell does. */
export function cells(code: string, others: Iterable<string>): string[] {
  if (!/^(?:%%|[^\n]*%)lepton\b/m.test(code)) {
    return [code];
  }
  const whole = cell(code, others);
  // What begins with %% must be the first line of its cell.
  return code.startsWith('%%') && whole !== code ? [LOAD, code] : [whole];
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
