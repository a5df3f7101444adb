// SPDX-License-Identifier: BSD-3-Clause
// The data sets in the folder that the file browser shows.
import { addIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import type { IDatasetRow } from '../schema';
import { draggable } from '../drag';
import { useAnswer, useSignal, useWalk } from '../hooks';
import { CommandIDs } from '../ids';
import type { ILab } from '../lab';
import { asCell, readLine } from '../lines';
import { Hint, IconButton, Waiting } from '../pieces';

/** The data sets of a folder. */
export function Datasets({ lab }: { lab: ILab }): React.ReactElement {
  const { trans } = lab;
  const folder = useFolder(lab);
  const { value, problem } = useAnswer(() => lab.server.datasets(folder.path), [folder]);
  const found = value?.datasets ?? [];
  const walk = useWalk(found.length);
  useSignal(lab.choice.changed);
  useEffect(() => {
    if (found.length === 1) {
      lab.choice.path ??= found[0]?.path ?? null;
    }
  }, [value]);
  return (
    <div className="jp-Lepton-section" data-lm-suppress-shortcuts="true">
      <p className="jp-Lepton-count" role="status">
        {trans.__('In %1', folder.path ? `/${folder.path}` : '/')}
      </p>
      {!value && <Waiting problem={problem} trans={trans} />}
      {value && !found.length && (
        <Hint>
          {trans.__(
            'No data here. A folder with one subfolder of images per class, or a table of labels, is shown.'
          )}
        </Hint>
      )}
      {found.length > 0 && (
        <ul className="jp-Lepton-list" aria-label={trans.__('Data')} {...walk.handlers}>
          {found.map((data, row) => (
            <Data key={data.path} lab={lab} data={data} row={row} stop={walk.stop(row)} />
          ))}
        </ul>
      )}
    </div>
  );
}

function Data(props: {
  lab: ILab;
  data: IDatasetRow;
  row: number;
  stop: 0 | -1;
}): React.ReactElement {
  const { lab, data, row, stop } = props;
  const { trans } = lab;
  const more = data.bounded ? '+' : '';
  const facts = [
    data.kind,
    data.classes === null ? '' : trans._n('%1 class', '%1 classes', data.classes),
    data.count === null ? '' : trans.__('%1 samples', `${data.count.toLocaleString()}${more}`)
  ];
  const chosen = lab.choice.path === data.path;
  return (
    <li
      className={`jp-Lepton-row jp-mod-draggable${chosen ? ' jp-mod-chosen' : ''}`}
      data-row={row}
      data-name={data.name}
      onPointerDown={event => draggable(event, () => asCell(lab, readLine(lab, data.path)))}
    >
      <div className="jp-Lepton-text">
        <span className="jp-Lepton-name">{data.name}</span>
        <span className="jp-Lepton-facts">
          {facts.filter(Boolean).join(' · ')}
          {chosen && ` · ${trans.__('used for new cells')}`}
        </span>
      </div>
      <IconButton
        icon={addIcon}
        label={trans.__('Insert a cell that reads %1', data.name)}
        control="insert"
        tabIndex={stop}
        onClick={() => void lab.app.commands.execute(CommandIDs.insertData, { path: data.path })}
      />
    </li>
  );
}

/** The folder that is looked at; a new object each time that its content may have changed. */
function useFolder({ folder }: ILab): { path: string } {
  const [state, setState] = useState({ path: folder.path });
  useEffect(() => {
    const changed = () => setState({ path: folder.path });
    folder.changed.connect(changed);
    return () => {
      folder.changed.disconnect(changed);
    };
  }, [folder]);
  return state;
}
