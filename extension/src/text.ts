// SPDX-License-Identifier: BSD-3-Clause
// Text out of JSON that may be anything.

/** A text as it is; "" for everything else. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
