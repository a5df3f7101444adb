// SPDX-License-Identifier: BSD-3-Clause
// Something on the server that changes, asked for again and again while somebody looks at it.
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';

import type { IProblem } from './schema';
import { problemOf, type Answer } from './api';

/** How a feed asks; it hands in what it knows, and gets that back when nothing changed. */
export type Ask<T> = (known: Answer<T> | null) => Promise<Answer<T>>;

/** A value of the server that is kept up to date while it is watched and the page is visible. */
export class Feed<T> implements IDisposable {
  readonly changed = new Signal<this, void>(this);

  constructor(
    private readonly ask: Ask<T>,
    seconds: number
  ) {
    this.poll = new Poll({
      auto: false,
      factory: () => this.look(),
      frequency: { interval: 1000 * seconds, backoff: 2, max: 30_000 },
      standby: () => (this.watchers > 0 ? 'when-hidden' : true)
    });
  }

  /** The latest value; null before the first answer. */
  get value(): T | null {
    return this.known?.value ?? null;
  }

  /** Why there is no newer value. */
  get problem(): IProblem | null {
    return this.failure;
  }

  get isDisposed(): boolean {
    return this.poll.isDisposed;
  }

  /** Ask at this pace from now on. */
  set seconds(seconds: number) {
    this.poll.frequency = { ...this.poll.frequency, interval: 1000 * seconds };
  }

  /** Keep asking until what is returned is disposed. */
  watch(): IDisposable {
    this.watchers += 1;
    if (this.watchers === 1) {
      void this.poll.start();
      void this.poll.refresh();
    }
    return new DisposableDelegate(() => {
      this.watchers -= 1;
      if (!this.watchers && !this.isDisposed) {
        void this.poll.stop();
      }
    });
  }

  /** Ask now. */
  async refresh(): Promise<void> {
    await this.poll.refresh();
    await this.poll.tick;
  }

  dispose(): void {
    this.poll.dispose();
    Signal.clearData(this);
  }

  private async look(): Promise<void> {
    const before = this.known;
    try {
      this.known = await this.ask(before);
    } catch (error) {
      this.failure = problemOf(error);
      this.changed.emit();
      throw error;
    }
    if (this.known !== before || this.failure) {
      this.failure = null;
      this.changed.emit();
    }
  }

  private readonly poll: Poll;
  private known: Answer<T> | null = null;
  private failure: IProblem | null = null;
  private watchers = 0;
}
