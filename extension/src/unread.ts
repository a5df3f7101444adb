// SPDX-License-Identifier: BSD-3-Clause
// A document whose file the page neither loads nor writes: a journal or an artifact may have hundreds of
// megabytes, and is nobody's to edit.
import { DocumentModel, TextModelFactory } from '@jupyterlab/docregistry';
import type { Contents } from '@jupyterlab/services';

/** The model of a file that stays on the server. */
class UnreadModel extends DocumentModel {
  override get readOnly(): boolean {
    return true;
  }

  override set readOnly(_value: boolean) {
    // It always is.
  }

  /** What would be saved: nothing may be, as the file would be empty afterwards. */
  override toString(): string {
    throw new Error('This file is only shown; it cannot be saved from here.');
  }
}

/** Makes such models; a file format of null keeps the content on the server. */
export class UnreadModelFactory extends TextModelFactory {
  static readonly NAME = 'lepton-lab-unread';

  override get name(): string {
    return UnreadModelFactory.NAME;
  }

  override get fileFormat(): Contents.FileFormat {
    return null;
  }

  override createNew(): DocumentModel {
    return new UnreadModel();
  }
}
