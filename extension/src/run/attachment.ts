// SPDX-License-Identifier: BSD-3-Clause
// A picture of a run under way that was found in a notebook goes on by the journal of that run.
import type { IDisposable } from '@lumino/disposable';

import type { IRunDocument, IRunRow } from '../schema';
import { Feed } from '../feed';
import type { ILab } from '../lab';
import { isLive } from '../words';

// Seconds between two looks where something else draws the run, or nobody sees it: only its end matters then.
const CALM = 5;

/** What is done with a run that was found. */
export interface IFollower {
  /** The run is one that the server knows. */
  found(run: IRunRow): void;
  /** There is a newer document; returns whether somebody sees it. */
  draw(document: IRunDocument): boolean;
  /** The run is over. */
  over(run: IRunRow): void;
}

/** Follows a run until it is over. */
export class Attachment implements IDisposable {
  constructor(
    private readonly lab: ILab,
    name: string,
    path: string,
    private readonly follower: IFollower
  ) {
    void this.attach(name, path);
  }

  get isDisposed(): boolean {
    return this.isOver;
  }

  dispose(): void {
    this.isOver = true;
    this.watched?.dispose();
    this.feed?.dispose();
    this.feed = this.watched = null;
  }

  private async attach(name: string, path: string): Promise<void> {
    const { server, seconds } = this.lab;
    const found = await server.runs(null).catch(() => null);
    const run = found && same(found.value.runs, name, path);
    if (!run || this.isOver) {
      return;
    }
    this.follower.found(run);
    this.feed = new Feed(known => server.run(run.id, known), seconds);
    this.feed.changed.connect(feed => this.take(run, feed));
    this.watched = this.feed.watch();
  }

  private take(run: IRunRow, feed: Feed<IRunDocument>): void {
    if (!feed.value || this.isOver) {
      return;
    }
    const isSeen = this.follower.draw(feed.value);
    feed.seconds = isSeen ? this.lab.seconds : Math.max(this.lab.seconds, CALM);
    if (!isLive(feed.value.state)) {
      this.dispose();
      this.follower.over(run);
    }
  }

  private feed: Feed<IRunDocument> | null = null;
  private watched: IDisposable | null = null;
  private isOver = false;
}

/** The run in a folder; where the folder is not known, the only run of this name. */
export function same(runs: readonly IRunRow[], name: string, path: string): IRunRow | null {
  if (path) {
    return runs.find(run => run.folder === path) ?? null;
  }
  const named = runs.filter(run => run.name === name);
  return (named.length === 1 && named[0]) || null;
}
