// SPDX-License-Identifier: BSD-3-Clause
// The item in the status bar: memory of the device, and the run under way.
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { useFeed } from './hooks';
import { CommandIDs } from './ids';
import type { ILab } from './lab';
import { bytes, icon, percent } from './words';

/** Memory and progress; a click shows the sidebar. */
export class StatusItem extends ReactWidget {
  constructor(private readonly lab: ILab) {
    super();
    this.addClass('jp-Lepton-status');
  }

  protected override render(): React.ReactElement {
    return <Status lab={this.lab} />;
  }
}

function Status({ lab }: { lab: ILab }): React.ReactElement | null {
  const { trans } = lab;
  const { value, problem } = useFeed(lab.status);
  if (!value || problem) {
    return null;
  }
  const { memory, live } = value;
  const [first, ...others] = live;
  const about = first ? `${icon(first.state)} ${first.name} ${percent(first.fraction)}` : '';
  const more = others.length ? ` +${others.length}` : '';
  const space = trans.__('%1 of %2', bytes(memory.used), bytes(memory.total));
  return (
    <button
      type="button"
      className="jp-Lepton-statusButton"
      title={trans.__('Memory of %1: %2. Show Lepton Lab.', memory.device, space)}
      onClick={() => void lab.app.commands.execute(CommandIDs.showSidebar)}
    >
      {about && (
        <span className="jp-Lepton-live">
          {about}
          {more}
        </span>
      )}
      <span>
        {memory.device === 'CPU' ? trans.__('Memory') : trans.__('GPU')} {space}
      </span>
    </button>
  );
}
