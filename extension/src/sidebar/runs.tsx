// SPDX-License-Identifier: BSD-3-Clause
// All runs of all notebooks, live from their journals, also while their kernels are busy.
import { notebookIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useRef, useState } from 'react';

import type { IProblem, IRunRow } from '../schema';
import { problemOf } from '../api';
import { useFeed, useWalk } from '../hooks';
import { haltIcon, pauseIcon, resumeIcon } from '../icons';
import { CommandIDs } from '../ids';
import type { ILab } from '../lab';
import { Hint, IconButton, Progress, Sparkline, Trouble, Waiting } from '../pieces';
import { changes, matching, ordered } from '../runlist';
import { duration, fraction, icon, isLive, percent, score, stateName } from '../words';

const MOST_COMPARED = 8;

/** The list of runs. */
export function Runs({ lab, seen }: { lab: ILab; seen: boolean }): React.ReactElement {
  const { trans } = lab;
  const { value, problem } = useFeed(lab.runs, seen);
  const [filter, setFilter] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const rows = ordered(matching(value?.runs ?? [], filter));
  const walk = useWalk(rows.length);
  const selected = (value?.runs ?? []).filter(run => chosen.has(run.id)).map(run => run.id);
  const choose = (id: string, on: boolean) => {
    const now = new Set(chosen);
    if (on) {
      now.add(id);
    } else {
      now.delete(id);
    }
    setChosen(now);
  };
  return (
    <div className="jp-Lepton-section" data-lm-suppress-shortcuts="true">
      <div className="jp-Lepton-filters">
        <input
          type="search"
          className="jp-mod-styled"
          aria-label={trans.__('Filter runs')}
          placeholder={trans.__('Filter runs')}
          value={filter}
          onChange={event => setFilter(event.target.value)}
        />
        <button
          type="button"
          className="jp-mod-styled jp-Lepton-button"
          disabled={selected.length < 2 || selected.length > MOST_COMPARED}
          title={trans.__('Select two to %1 runs to compare them', MOST_COMPARED)}
          onClick={() => void lab.app.commands.execute(CommandIDs.compareRuns, { ids: selected })}
        >
          {trans.__('Compare')}
          {selected.length > 0 && ` (${selected.length})`}
        </button>
      </div>
      <News runs={value?.runs ?? null} lab={lab} />
      {!value && <Waiting problem={problem} trans={trans} />}
      {value && problem && <Trouble problem={problem} />}
      {value && !rows.length && (
        <Hint>
          {filter
            ? trans.__('No run has this in its name, model, data or tags.')
            : trans.__('No runs yet. A cell that trains puts its run here, and it stays.')}
        </Hint>
      )}
      {rows.length > 0 && (
        <ul className="jp-Lepton-list" aria-label={trans.__('Runs')} {...walk.handlers}>
          {rows.map((run, row) => (
            <Run
              key={run.id}
              lab={lab}
              run={run}
              row={row}
              stop={walk.stop(row)}
              chosen={chosen.has(run.id)}
              choose={on => choose(run.id, on)}
            />
          ))}
        </ul>
      )}
    </div>
  );
}

interface RunProps {
  lab: ILab;
  run: IRunRow;
  row: number;
  stop: 0 | -1;
  chosen: boolean;
  choose(on: boolean): void;
}

function Run({ lab, run, row, stop, chosen, choose }: RunProps): React.ReactElement {
  const { trans } = lab;
  const live = isLive(run.state);
  const share = fraction(run);
  const state = stateName(run.state, trans);
  const when = run.started && run.ended ? duration(run.ended - run.started) : '';
  const facts = [
    live && run.steps ? `${state} ${percent(share)}` : state,
    run.model,
    run.data,
    when
  ];
  const value = score(run);
  return (
    <li className="jp-Lepton-row jp-Lepton-run" data-row={row} data-state={run.state}>
      <input
        type="checkbox"
        aria-label={trans.__('Select %1', run.name)}
        data-control="select"
        tabIndex={stop}
        checked={chosen}
        onChange={event => choose(event.target.checked)}
      />
      <button
        type="button"
        className="jp-Lepton-text jp-Lepton-open"
        data-control="open"
        tabIndex={stop}
        onClick={() => void lab.app.commands.execute(CommandIDs.openRun, { id: run.id })}
      >
        <span className="jp-Lepton-name">
          <span className="jp-Lepton-state" aria-hidden="true">
            {icon(run.state)}
          </span>{' '}
          {run.name}
        </span>
        <span className="jp-Lepton-facts">{facts.filter(Boolean).join(' · ')}</span>
        {value && (
          <span className="jp-Lepton-score">
            {run.metric} {value}
          </span>
        )}
      </button>
      <Sparkline values={run.spark} />
      <Actions lab={lab} run={run} stop={stop} />
      {live && <Progress share={share} label={run.name} words={`${state}, ${percent(share)}`} />}
    </li>
  );
}

function Actions(props: { lab: ILab; run: IRunRow; stop: 0 | -1 }): React.ReactElement {
  const { lab, run, stop } = props;
  const { trans, app } = lab;
  const [note, setNote] = useState('');
  const [problem, setProblem] = useState<IProblem | null>(null);
  useEffect(() => {
    setNote('');
    setProblem(null);
  }, [run.state]);
  const order = (action: string, said: string) => () => {
    setNote(said);
    lab.order(run, action).catch((error: unknown) => {
      setNote('');
      setProblem(problemOf(error));
    });
  };
  return (
    <>
      <div className="jp-Lepton-actions" role="group" aria-label={run.name}>
        {run.state === 'running' && (
          <IconButton
            icon={pauseIcon}
            label={trans.__('Pause %1', run.name)}
            control="pause"
            tabIndex={stop}
            onClick={order('pause', trans.__('Pausing after this step…'))}
          />
        )}
        {run.state === 'paused' && (
          <IconButton
            icon={resumeIcon}
            label={trans.__('Resume %1', run.name)}
            control="pause"
            tabIndex={stop}
            onClick={order('resume', trans.__('Going on…'))}
          />
        )}
        {isLive(run.state) && (
          <IconButton
            icon={haltIcon}
            label={trans.__('Stop %1', run.name)}
            control="stop"
            tabIndex={stop}
            onClick={order('stop', trans.__('Stopping after this step…'))}
          />
        )}
        {run.notebook && (
          <IconButton
            icon={notebookIcon}
            label={trans.__('Open the notebook of %1', run.name)}
            control="notebook"
            tabIndex={stop}
            onClick={() => void app.commands.execute(CommandIDs.openNotebook, { id: run.id })}
          />
        )}
      </div>
      {note && <span className="jp-Lepton-note">{note}</span>}
      {problem && <Trouble problem={problem} />}
    </>
  );
}

/** What a screen reader says: that a run began or ended, not each step. */
function News({ runs, lab }: { runs: readonly IRunRow[] | null; lab: ILab }): React.ReactElement {
  const before = useRef<readonly IRunRow[] | null>(null);
  const [news, setNews] = useState('');
  useEffect(() => {
    const said = before.current && runs ? changes(before.current, runs) : [];
    if (said.length) {
      setNews(said.map(run => `${run.name}: ${stateName(run.state, lab.trans)}`).join(', '));
    }
    before.current = runs;
  }, [runs]);
  return (
    <div className="jp-Lepton-unseen" role="status" aria-live="polite">
      {news}
    </div>
  );
}
