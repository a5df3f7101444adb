// SPDX-License-Identifier: BSD-3-Clause
// An exported artifact: how its answers compare with the model's, golden samples, and its card.
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';
import React, { useEffect, useRef } from 'react';

import type { IGoldenSample } from '../schema';
import { useAnswer } from '../hooks';
import { leptonIcon } from '../icons';
import type { ILab } from '../lab';
import { Waiting } from '../pieces';
import { harmless } from './card';
import { certified, type Proof } from './proof';

const MARKDOWN = 'text/markdown';

/** The artifact at a path of the server. */
export class ArtifactWidget extends ReactWidget {
  constructor(
    private readonly lab: ILab,
    readonly path: string,
    private readonly rendermime: IRenderMimeRegistry
  ) {
    super();
    this.addClass('jp-Lepton-artifact');
    this.title.icon = leptonIcon;
    this.title.label = path.split('/').at(-1) ?? path;
    this.title.caption = path;
  }

  protected override render(): React.ReactElement {
    return <Artifact lab={this.lab} path={this.path} rendermime={this.rendermime} />;
  }
}

function Artifact(props: {
  lab: ILab;
  path: string;
  rendermime: IRenderMimeRegistry;
}): React.ReactElement {
  const { lab, path, rendermime } = props;
  const { trans } = lab;
  const { value, problem } = useAnswer(() => lab.server.artifact(path), [path]);
  if (!value) {
    return <Waiting problem={problem} trans={trans} />;
  }
  const { samples, proofs } = certified(value.certificate);
  return (
    <section className="jp-Lepton-page" aria-label={trans.__('Artifact')}>
      <h1 className="jp-Lepton-title">{path.split('/').at(-1)}</h1>
      <p className="jp-Lepton-lead">
        {proofs.length
          ? trans.__('Compared with the model that it was exported from, on %1 samples.', samples)
          : trans.__('It has no certificate.')}
      </p>
      {proofs.length > 0 && <Certificate lab={lab} proofs={proofs} />}
      {value.golden.length > 0 && <Golden lab={lab} golden={value.golden} />}
      <Card text={value.card} rendermime={rendermime} />
    </section>
  );
}

function Certificate({ lab, proofs }: { lab: ILab; proofs: readonly Proof[] }): React.ReactElement {
  const { trans } = lab;
  return (
    <div className="jp-Lepton-wide" role="group" aria-label={trans.__('Certificate')} tabIndex={0}>
      <table className="jp-Lepton-table">
        <thead>
          <tr>
            <th scope="col">{trans.__('format')}</th>
            <th scope="col">{trans.__('same class')}</th>
            <th scope="col">{trans.__('largest difference')}</th>
            <th scope="col">{trans.__('model')}</th>
            <th scope="col">{trans.__('artifact')}</th>
          </tr>
        </thead>
        <tbody>
          {proofs.map(proof => (
            <tr key={proof.format}>
              <th scope="row">{proof.format}</th>
              <td>{proof.agreement}</td>
              <td>{proof.difference}</td>
              <td>{proof.before}</td>
              <td>{proof.after}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Golden(props: { lab: ILab; golden: readonly IGoldenSample[] }): React.ReactElement {
  const { trans } = props.lab;
  return (
    <>
      <h2 className="jp-Lepton-subtitle">{trans.__('Golden samples and what must come out')}</h2>
      <ul className="jp-Lepton-golden">
        {props.golden.map((sample, index) => (
          <li key={index} title={sample.name}>
            {sample.image ? <img src={sample.image} alt={sample.name} /> : <span>?</span>}
            <span>{sample.expected || sample.name}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The card, by the renderer that notebooks have: untrusted, so that only harmless markup is left. */
function Card(props: { text: string; rendermime: IRenderMimeRegistry }): React.ReactElement {
  const { text, rendermime } = props;
  const node = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const place = node.current;
    if (!place) {
      return;
    }
    const renderer = rendermime.createRenderer(MARKDOWN);
    Widget.attach(renderer, place);
    const model = rendermime.createModel({ data: { [MARKDOWN]: harmless(text) }, trusted: false });
    void renderer.renderModel(model);
    return () => renderer.dispose();
  }, [text, rendermime]);
  return <div ref={node} className="jp-Lepton-card" />;
}
