// SPDX-License-Identifier: BSD-3-Clause
// What a certificate says, from a file that anyone may have written.

import { text } from '../text';

/** One format of an artifact beside the model. */
export interface Proof {
  format: string;
  agreement: string;
  difference: string;
  before: string;
  after: string;
}

type Values = Record<string, unknown>;

/** The number of samples and a line for each format; what is not there is a dash. */
export function certified(certificate: Values): { samples: number; proofs: Proof[] } {
  const formats = Object.entries(values(certificate.formats));
  return {
    samples: Number(values(certificate.samples).all ?? 0),
    proofs: formats.map(([format, found]) => proof(format, values(found)))
  };
}

function proof(format: string, found: Values): Proof {
  const agreement = found.agreement;
  const difference = Object.values(values(found.largest_difference))[0];
  const metric = values(found.metric);
  return {
    format,
    agreement: typeof agreement === 'number' ? `${(100 * agreement).toFixed(1)} %` : '–',
    difference: typeof difference === 'number' ? difference.toExponential(1) : '–',
    before: metricText(metric.before),
    after: metricText(metric.after)
  };
}

function metricText(metric: unknown): string {
  const { name, value, low, high } = values(metric);
  if (typeof value !== 'number') {
    return '–';
  }
  const between =
    typeof low === 'number' && typeof high === 'number'
      ? ` [${low.toFixed(3)}, ${high.toFixed(3)}]`
      : '';
  return `${text(name)} ${value.toFixed(3)}${between}`.trim();
}

function values(value: unknown): Values {
  return typeof value === 'object' && value !== null ? (value as Values) : {};
}
