// SPDX-License-Identifier: BSD-3-Clause
// The curves of several runs over each other, as Plotly takes them. Names are escaped: Plotly reads markup.
import type { IComparedRun } from '../schema';

const COLORS = [
  '#0072B2',
  '#D55E00',
  '#009E73',
  '#CC79A7',
  '#E69F00',
  '#56B4E9',
  '#882255',
  '#999933'
];
const DASHES = ['solid', 'dash', 'dot', 'dashdot'];

/** The look of the page around a chart. */
export interface Look {
  ink: string;
  grid: string;
}

/** The curves that at least one run has, the loss of the training first. */
export function curveNames(runs: readonly IComparedRun[]): string[] {
  const names = new Set(runs.flatMap(run => Object.keys(run.curves)));
  return [...names].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

function rank(name: string): number {
  return name === 'train/loss' ? 0 : name.endsWith('/loss') ? 1 : 2;
}

/** One curve of every run: what `Plotly.react` is called with. */
export function figure(
  runs: readonly IComparedRun[],
  curve: string,
  look: Look
): [data: object[], layout: object, config: object] {
  const data = runs.flatMap((run, index) => {
    const points = run.curves[curve];
    return points ? [trace(run.name, points, index)] : [];
  });
  const axis = { gridcolor: look.grid, linecolor: look.grid, zeroline: false, automargin: true };
  const layout = {
    height: 260,
    margin: { l: 48, r: 8, t: 30, b: 32 },
    font: { color: look.ink, size: 11 },
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    hovermode: 'x unified',
    hoverlabel: { bgcolor: look.grid, font: { color: look.ink } },
    showlegend: false,
    title: {
      text: `${escaped(curve)} by step`,
      font: { size: 12 },
      x: 0,
      xref: 'paper',
      y: 0.98,
      yanchor: 'top'
    },
    xaxis: { ...axis, nticks: 6 },
    yaxis: { ...axis, nticks: 5 }
  };
  return [data, layout, { displayModeBar: false, responsive: false }];
}

function trace(name: string, points: (number | null)[][], index: number): object {
  return {
    type: 'scatter',
    name: escaped(name),
    x: points.map(point => point[0]),
    y: points.map(point => point[1]),
    mode: points.length < 60 ? 'lines+markers' : 'lines',
    marker: { size: 5 },
    line: { ...line(index), width: 1.8 },
    hovertemplate: '%{y:.4~g}'
  };
}

/** The color and the dashes by which the run at this place is told from the others. */
export function line(index: number): { color: string; dash: string } {
  return {
    color: COLORS[index % COLORS.length] ?? '',
    dash: DASHES[index % DASHES.length] ?? ''
  };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
