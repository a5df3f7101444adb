// SPDX-License-Identifier: BSD-3-Clause
// A picture of a run under way that was found in a notebook goes on by the journal of that run.
import type { IDisposable } from '@lumino/disposable';

import type { IRunDocument, IRunRow } from '../schema';
import { Feed } from '../feed';
import type { ILab } from '../lab';
import { isLive } from '../words';

/** Calls `draw` with every newer document of a run until it is over. */
export class Attachment implements IDisposable {
  constructor(
    lab: ILab,
    name: string,
    path: string,
    private readonly draw: (document: IRunDocument) => void
  ) {
    void this.attach(lab, name, path);
  }

  get isDisposed(): boolean {
    return this.over;
  }

  dispose(): void {
    this.over = true;
    this.watched?.dispose();
    this.feed?.dispose();
    this.feed = this.watched = null;
  }

  private async attach(lab: ILab, name: string, path: string): Promise<void> {
    const found = await lab.server.runs(null).catch(() => null);
    const run = found && same(found.value.runs, name, path);
    if (!run || this.over) {
      return;
    }
    this.feed = new Feed(known => lab.server.run(run.id, known), lab.seconds);
    this.feed.changed.connect(this.take, this);
    this.watched = this.feed.watch();
  }

  private take(feed: Feed<IRunDocument>): void {
    if (!feed.value || this.over) {
      return;
    }
    this.draw(feed.value);
    if (!isLive(feed.value.state)) {
      this.dispose();
    }
  }

  private feed: Feed<IRunDocument> | null = null;
  private watched: IDisposable | null = null;
  private over = false;
}

/** The run in a folder; where the folder is not known, the only run of this name. */
export function same(runs: readonly IRunRow[], name: string, path: string): IRunRow | null {
  if (path) {
    return runs.find(run => run.folder === path) ?? null;
  }
  const named = runs.filter(run => run.name === name);
  return (named.length === 1 && named[0]) || null;
}
