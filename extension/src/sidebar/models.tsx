// SPDX-License-Identifier: BSD-3-Clause
// Models that can be trained: search, filters, and a cell that trains one.
import { addIcon } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import type { IModelRow } from '../schema';
import { draggable } from '../drag';
import { useAnswer, useWalk } from '../hooks';
import { CommandIDs } from '../ids';
import type { ILab } from '../lab';
import { asCell, modelLine } from '../lines';
import { Hint, IconButton, Trouble } from '../pieces';
import { count } from '../words';

const TYPING = 200;
const LIMIT = 50;
const SIZES = ['5M', '30M', '100M'];
const LICENCES = ['apache-2.0', 'mit', 'bsd-3-clause'];

/** The catalogue. */
export function Models({ lab }: { lab: ILab }): React.ReactElement {
  const { trans } = lab;
  const [query, setQuery] = useState('');
  const [licence, setLicence] = useState('');
  const [largest, setLargest] = useState('');
  const { value, problem } = useAnswer(
    () => lab.server.models({ query, licence, largest, limit: LIMIT }),
    [query, licence, largest],
    TYPING
  );
  const walk = useWalk(value?.models.length ?? 0);
  const shown = value?.models.length ?? 0;
  return (
    <div className="jp-Lepton-section" data-lm-suppress-shortcuts="true">
      <div className="jp-Lepton-filters" role="search" aria-label={trans.__('Models')}>
        <input
          type="search"
          className="jp-mod-styled"
          aria-label={trans.__('Search models')}
          placeholder={trans.__('Search models')}
          value={query}
          onChange={event => setQuery(event.target.value)}
        />
        <select
          className="jp-mod-styled"
          aria-label={trans.__('Size')}
          value={largest}
          onChange={event => setLargest(event.target.value)}
        >
          <option value="">{trans.__('All sizes')}</option>
          {SIZES.map(size => (
            <option key={size} value={size}>
              {trans.__('up to %1', size)}
            </option>
          ))}
        </select>
        <select
          className="jp-mod-styled"
          aria-label={trans.__('Licence')}
          value={licence}
          onChange={event => setLicence(event.target.value)}
        >
          <option value="">{trans.__('All licences')}</option>
          {LICENCES.map(name => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <p className="jp-Lepton-count" role="status">
        {value && shown < value.total
          ? trans.__('%1 of %2 models', shown, value.total)
          : value && trans._n('%1 model', '%1 models', shown)}
      </p>
      {problem && <Trouble problem={problem} />}
      {value && !shown && <Hint>{trans.__('No model has this in its name.')}</Hint>}
      {shown > 0 && (
        <ul className="jp-Lepton-list" aria-label={trans.__('Models')} {...walk.handlers}>
          {value?.models.map((model, row) => (
            <Model key={model.name} lab={lab} model={model} row={row} stop={walk.stop(row)} />
          ))}
        </ul>
      )}
    </div>
  );
}

function Model(props: {
  lab: ILab;
  model: IModelRow;
  row: number;
  stop: 0 | -1;
}): React.ReactElement {
  const { lab, model, row, stop } = props;
  const { trans } = lab;
  const facts = [
    count(model.parameters),
    model.image_size.length ? `${model.image_size[0]} px` : '',
    model.library,
    model.licence
  ];
  return (
    <li
      className="jp-Lepton-row jp-mod-draggable"
      data-row={row}
      data-name={model.name}
      title={model.description}
      onPointerDown={event => draggable(event, () => asCell(lab, modelLine(lab, model.name)))}
    >
      <div className="jp-Lepton-text">
        <span className="jp-Lepton-name">{model.name}</span>
        <span className="jp-Lepton-facts">{facts.filter(Boolean).join(' · ')}</span>
      </div>
      <IconButton
        icon={addIcon}
        label={trans.__('Insert a cell that trains %1', model.name)}
        control="insert"
        tabIndex={stop}
        onClick={() => void lab.app.commands.execute(CommandIDs.insertModel, { name: model.name })}
      />
    </li>
  );
}
