// SPDX-License-Identifier: BSD-3-Clause
// Small parts of which our panels are made. All text reaches the page through React, as text.
import type { LabIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IProblem } from './schema';

/** Why something cannot be shown, and what to do. */
export function Trouble({ problem }: { problem: IProblem }): React.ReactElement {
  return (
    <div className="jp-Lepton-trouble" role="alert">
      <strong>{problem.what}</strong>
      {problem.why && <span>{problem.why}</span>}
      {problem.todo && <code>{problem.todo}</code>}
    </div>
  );
}

/** A line that says what would be here. */
export function Hint({ children }: { children: React.ReactNode }): React.ReactElement {
  return <p className="jp-Lepton-hint">{children}</p>;
}

/** A button that is only an icon; `label` is what it is called. */
export function IconButton(props: {
  icon: LabIcon;
  label: string;
  control?: string;
  tabIndex?: number;
  disabled?: boolean;
  onClick(): void;
}): React.ReactElement {
  const { icon: Icon, label, control, tabIndex, disabled, onClick } = props;
  return (
    <button
      type="button"
      className="jp-Lepton-iconButton"
      title={label}
      aria-label={label}
      data-control={control}
      tabIndex={tabIndex}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon.react tag="span" elementSize="normal" />
    </button>
  );
}

const WIDTH = 60;
const HEIGHT = 18;

/** A line without axes; it decorates what is said beside it. */
export function Sparkline({ values }: { values: readonly number[] }): React.ReactElement | null {
  if (values.length < 2) {
    return null;
  }
  return (
    <svg className="jp-Lepton-spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <polyline points={points(values)} />
    </svg>
  );
}

/** The points of a line through values, from the left edge to the right, the highest on top. */
export function points(values: readonly number[]): string {
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  return values
    .map((value, index) => {
      const x = 1 + ((WIDTH - 2) * index) / (values.length - 1);
      const y = 1 + (HEIGHT - 2) * (1 - (value - low) / span);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}

/** How far a run is. */
export function Progress(props: {
  share: number;
  label: string;
  words: string;
}): React.ReactElement {
  const { share, label, words } = props;
  return (
    <div
      className="jp-Lepton-track"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(100 * share)}
      aria-valuetext={words}
    >
      <div style={{ width: `${100 * share}%` }} />
    </div>
  );
}

/** What is said when there is no list yet: a problem, or that it is being fetched. */
export function Waiting(props: {
  problem: IProblem | null;
  trans: TranslationBundle;
}): React.ReactElement {
  const { problem, trans } = props;
  return problem ? <Trouble problem={problem} /> : <Hint>{trans.__('Loading…')}</Hint>;
}
