// SPDX-License-Identifier: BSD-3-Clause
// The state of a run from its bytes, as `charts/snapshot.py` writes them. Pure: no page is needed.

const GAP = 65535;

export function decode(bytes) {
  const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
  const buffer = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const length = new DataView(buffer).getUint32(0, true);
  const state = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const codes = new Uint16Array(buffer, 4 + length);
  let at = 0;
  const take = (count, low, step) =>
    Array.from(codes.subarray(at, (at += count)), (code) => (code === GAP ? null : low + step * code));
  for (const panel of state.panels) {
    panel.curves = panel.curves.map(([name, style, marked, count, x0, dx, y0, dy]) => ({
      name, style, marked, x: take(count, x0, dx), y: take(count, y0, dy),
    }));
  }
  return state;
}

// The same from the `snapshot` of a run document.
export function decodeText(base64) {
  return decode(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
}
