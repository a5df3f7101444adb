// SPDX-License-Identifier: BSD-3-Clause
// Runs beside each other: what differs in their settings, how good they became, and their curves.
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React, { useEffect, useRef } from 'react';

import type { IComparedRun, IComparison, IRunRow } from '../schema';
import { Feed } from '../feed';
import { useFeed } from '../hooks';
import { leptonIcon } from '../icons';
import type { ILab } from '../lab';
import { Hint, Trouble, Waiting } from '../pieces';
import { plotly, type Plotly } from '../plotly';
import { icon, number, score, stateName } from '../words';
import { curveNames, figure, line } from './figure';

/** The comparison of some runs in a tab; it follows those that are under way. */
export class CompareWidget extends ReactWidget {
  constructor(
    private readonly lab: ILab,
    readonly ids: readonly string[]
  ) {
    super();
    this.feed = new Feed(known => lab.server.compare([...ids], known), lab.seconds);
    this.addClass('jp-Lepton-compare');
    this.title.icon = leptonIcon;
    this.title.label = lab.trans._n('%1 run', '%1 runs compared', ids.length);
  }

  override dispose(): void {
    this.feed.dispose();
    super.dispose();
  }

  protected override render(): React.ReactElement | null {
    return this.isVisible ? <Compare lab={this.lab} feed={this.feed} /> : null;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.update();
  }

  private readonly feed: Feed<IComparison>;
}

function Compare({ lab, feed }: { lab: ILab; feed: Feed<IComparison> }): React.ReactElement {
  const { trans } = lab;
  const { value, problem } = useFeed(feed);
  const rows = new Map((useFeed(lab.runs).value?.runs ?? []).map(run => [run.id, run]));
  if (!value) {
    return <Waiting problem={problem} trans={trans} />;
  }
  const { runs, differences } = value;
  const differing = differences as [string, unknown[]][];
  return (
    <section className="jp-Lepton-page" aria-label={trans.__('IComparison of runs')}>
      {problem && <Trouble problem={problem} />}
      <div className="jp-Lepton-wide" role="group" aria-label={trans.__('Results')} tabIndex={0}>
        <table className="jp-Lepton-table">
          <thead>
            <tr>
              <th scope="col">{trans.__('Run')}</th>
              {runs.map((run, index) => (
                <th key={run.id} scope="col">
                  <Key index={index} /> {run.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <Line label={trans.__('state')} runs={runs} of={run => state(lab, rows.get(run.id))} />
            <Line label={trans.__('best')} runs={runs} of={run => best(run, rows.get(run.id))} />
            {differing.map(([name, values]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {runs.map((run, index) => (
                  <td key={run.id}>{written(values[index])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!differing.length && <Hint>{trans.__('All settings are the same.')}</Hint>}
      <div className="jp-Lepton-plots">
        {curveNames(runs).map(name => (
          <Curves key={name} lab={lab} runs={runs} name={name} />
        ))}
      </div>
    </section>
  );
}

function Line(props: {
  label: string;
  runs: readonly IComparedRun[];
  of(run: IComparedRun): string;
}): React.ReactElement {
  return (
    <tr>
      <th scope="row">{props.label}</th>
      {props.runs.map(run => (
        <td key={run.id}>{props.of(run)}</td>
      ))}
    </tr>
  );
}

/** How the line of a run looks in the charts. */
function Key({ index }: { index: number }): React.ReactElement {
  const { color, dash } = line(index);
  const dashes = { solid: '', dash: '6 3', dot: '2 3', dashdot: '6 3 2 3' }[dash];
  return (
    <svg className="jp-Lepton-key" viewBox="0 0 24 8" aria-hidden="true">
      <line
        x1="0"
        y1="4"
        x2="24"
        y2="4"
        stroke={color}
        strokeWidth="2.5"
        strokeDasharray={dashes}
      />
    </svg>
  );
}

function Curves(props: {
  lab: ILab;
  runs: readonly IComparedRun[];
  name: string;
}): React.ReactElement {
  const { lab, runs, name } = props;
  const node = useRef<HTMLDivElement>(null);
  const label = runs
    .filter(run => run.curves[name])
    .map(run => `${run.name} ${written(run.curves[name]?.at(-1)?.[1])}`);
  useEffect(() => {
    const place = node.current;
    let library: Plotly | null = null;
    let over = false;
    const draw = () => {
      if (library && place && !over) {
        const style = getComputedStyle(place);
        const grid = style.getPropertyValue('--jp-border-color2').trim() || 'rgba(127,127,127,0.3)';
        void library.react(place, ...figure(runs, name, { ink: style.color, grid }));
      }
    };
    void plotly().then(found => {
      library = found;
      draw();
    });
    const sizes = new ResizeObserver(() => {
      if (library && place?.offsetWidth && place.firstChild) {
        library.Plots.resize(place);
      }
    });
    const looks = new MutationObserver(draw);
    if (place) {
      sizes.observe(place);
    }
    looks.observe(document.body, { attributes: true, attributeFilter: ['data-jp-theme-name'] });
    return () => {
      over = true;
      sizes.disconnect();
      looks.disconnect();
    };
  }, [lab, runs, name]);
  useEffect(() => {
    const place = node.current;
    return () => {
      void plotly().then(found => place && found.purge(place));
    };
  }, [lab]);
  return (
    <div
      ref={node}
      className="jp-Lepton-plot"
      role="img"
      aria-label={lab.trans.__('%1 by step; latest %2', name, label.join(', '))}
    />
  );
}

function state(lab: ILab, row: IRunRow | undefined): string {
  return row ? `${icon(row.state)} ${stateName(row.state, lab.trans)}` : '–';
}

function best(run: IComparedRun, row: IRunRow | undefined): string {
  const found = row && score(row);
  if (row && found) {
    return `${row.metric} ${found}`;
  }
  const [name, value] = Object.entries(run.best)[0] ?? [];
  return name === undefined || value === undefined ? '–' : `${name} ${number(value)}`;
}

/** A setting as text. */
function written(value: unknown): string {
  if (value === null || value === undefined || value === '') {
    return '–';
  }
  if (typeof value === 'number') {
    return number(value);
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
