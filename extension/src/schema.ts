// SPDX-License-Identifier: BSD-3-Clause
// Written by scripts/build_schema.py from the Python records; change those, then run it again.

/** A number in a journal; one that is not finite travels as a word. */
export type Real = number | 'nan' | 'inf' | '-inf';

/**
 * A run begins (or goes on after a resume, when `step` is not 0).
 *
 * `steps` are those of the whole run, where its last epoch may be cut short; 0 is whole epochs.
 */
export interface IRunStarted {
  event: 'started';
  run: string;
  model: string;
  data: string;
  task: string;
  metric: string;
  epochs: number;
  steps_per_epoch: number;
  step?: number;
  device?: string;
  steps?: number;
  time?: Real;
}

/**
 * The run began at step `step` of the run `parent`, whose curves until today are drawn beside its own.
 *
 * `curves` has "split/metric" -> [steps, values], two lists of one length, thinned out.
 */
export interface IForked {
  event: 'forked';
  step: number;
  parent: string;
  curves?: Record<string, unknown>;
  time?: Real;
}

/** One optimizer step. `loss` is the mean over the effective batch, in training mode. */
export interface IStepDone {
  event: 'step';
  step: number;
  epoch: number;
  loss: Real;
  learning_rate: Real;
  samples_per_second: Real;
  memory?: number;
  time?: Real;
}

/** The metrics of a split with the weights as of `step`, by their full names without the split. */
export interface IEvaluated {
  event: 'evaluated';
  step: number;
  epoch: number;
  split: string;
  values: Record<string, Real>;
  best?: boolean;
  time?: Real;
}

/**
 * What the model says of a few samples of a split with the weights as of `step`.
 *
 * Each of `samples` has `place` (its index in the split), `expected`, `predicted` and `probability`.
 */
export interface IPredicted {
  event: 'predicted';
  step: number;
  epoch: number;
  split: string;
  samples?: Record<string, unknown>[];
  time?: Real;
}

/** A checkpoint is whole on disk. `path` is relative to the run's folder. */
export interface ISaved {
  event: 'saved';
  step: number;
  epoch: number;
  path: string;
  best?: boolean;
  time?: Real;
}

/** A control action took effect after `step` steps: stop, pause, resume, set, checkpoint. */
export interface IControlled {
  event: 'controlled';
  step: number;
  action: string;
  values?: Record<string, unknown>;
  time?: Real;
}

/** Something the user should know: `level` is "info", "warning" or "error". */
export interface IAlert {
  event: 'alert';
  step: number;
  level: string;
  message: string;
  hint?: string;
  time?: Real;
}

/** The last event of a run. `state` is "done", "stopped" or "failed". */
export interface IRunEnded {
  event: 'ended';
  step: number;
  epoch: number;
  state: string;
  seconds: Real;
  message?: string;
  best?: Record<string, Real>;
  time?: Real;
}

/** A line of `events.jsonl`. */
export type RunEvent =
  | IRunStarted
  | IForked
  | IStepDone
  | IEvaluated
  | IPredicted
  | ISaved
  | IControlled
  | IAlert
  | IRunEnded;

/** Which process writes the run. */
export interface IProcessRecord {
  host: string;
  pid: number;
  started: number | null;
}

/** The model that is trained. */
export interface IModelRecord {
  name: string;
  config: Record<string, unknown>;
  preprocessing: Record<string, unknown>;
  classes: string[];
  weights: string;
  pretrained: boolean;
  licence: string;
}

/** The data that it is trained on; `splits` has the number of samples of each. */
export interface IDataRecord {
  name: string;
  kind: string;
  fingerprint: string;
  classes: string[];
  splits: Record<string, number>;
  source: string;
}

/** Where the run was started; empty where that is not known. */
export interface IOrigin {
  notebook: string;
  kernel: string;
}

/** The content of `run.json`. Times are Unix seconds. */
export interface IRunRecord {
  format: number;
  name: string;
  state: string;
  created: number;
  process: IProcessRecord;
  spec: Record<string, unknown>;
  plan: Record<string, unknown>;
  model: IModelRecord;
  data: IDataRecord;
  parent: Record<string, unknown>;
  environment: Record<string, string>;
  cell: unknown;
  origin?: IOrigin;
  step?: number;
  epoch?: number;
  best?: Record<string, unknown>;
  message?: string;
  ended?: number;
  seconds?: number;
  tags?: string[];
}

export const RUN_MIME = 'application/vnd.lepton-lab.run.v1+json';

export const RUN_VERSION = 1;

export const PAGE_MIME = 'application/vnd.lepton-lab.page.v1+json';

/**
 * A run in a list.
 *
 * `folder` is a path of the contents API, null where it cannot be read through it. Times are Unix
 * seconds. `value` is the best value of `metric`, with its 95 % interval where one is known.
 */
export interface IRunRow {
  id: string;
  name: string;
  folder: string | null;
  state: string;
  model: string;
  data: string;
  metric: string;
  value: number | null;
  low: number | null;
  high: number | null;
  step: number;
  steps: number;
  epoch: number;
  epochs: number;
  started: number | null;
  ended: number | null;
  spark: number[];
  parent: string | null;
  notebook: string;
  kernel: string;
  tags: string[];
}

/** The answer of `runs`, newest first. */
export interface IRunList {
  runs: IRunRow[];
}

/** The data of `application/vnd.lepton-lab.run.v1+json`; `snapshot` is base64. */
export interface IRunDocument {
  version: number;
  run: string;
  path: string;
  state: string;
  snapshot: string;
}

/** The answer to an order: the number of its letter. */
export interface IPosted {
  posted: string;
}

/** A model of the catalogue; `image_size` is [height, width] in pixels. */
export interface IModelRow {
  name: string;
  task: string;
  library: string;
  parameters: number;
  licence: string;
  image_size: number[];
  pretrained: boolean;
  description: string;
}

/** The answer of `catalog`: `total` models were found, the first of them are here. */
export interface IModelList {
  total: number;
  models: IModelRow[];
}

/** A run beside others: its curves as [step, value], and what was set in its spec. */
export interface IComparedRun {
  id: string;
  name: string;
  curves: Record<string, (number | null)[][]>;
  best: Record<string, number>;
  spec: Record<string, unknown>;
}

/** The answer of `compare`; a difference is a setting and its value in each run. */
export interface IComparison {
  runs: IComparedRun[];
  differences: unknown[][];
}

/**
 * A data set in a folder.
 *
 * `classes` and `count` (of samples) are null where only reading it would tell; `bounded` says that
 * counting stopped early and there are more.
 */
export interface IDatasetRow {
  name: string;
  path: string;
  kind: string;
  classes: number | null;
  count: number | null;
  bounded: boolean;
}

/** The answer of `datasets`. */
export interface IDatasetList {
  datasets: IDatasetRow[];
}

/** A sample of an artifact: what the model must answer, and a small picture as a data URL. */
export interface IGoldenSample {
  name: string;
  expected: string;
  image: string | null;
}

/** The answer of `artifact`; `card` is Markdown. */
export interface IArtifactView {
  manifest: Record<string, unknown>;
  certificate: Record<string, unknown>;
  card: string;
  golden: IGoldenSample[];
}

/** Memory of a device in bytes. */
export interface IMemory {
  used: number;
  total: number;
  device: string;
}

/** A run under way; `fraction` of its steps is done. */
export interface ILiveRun {
  id: string;
  name: string;
  fraction: number;
  state: string;
}

/** The answer of `status`. */
export interface IStatus {
  memory: IMemory;
  live: ILiveRun[];
}

/** The answer when something cannot be done: what happened, why, what to do. */
export interface IProblem {
  what: string;
  why: string;
  todo: string;
}

/** What a run under way can be asked for through the server. */
export type OrderAction = 'stop' | 'pause' | 'resume' | 'set' | 'checkpoint' | 'evaluate';

/** The body of an order to `runs/{id}/orders`. */
export interface IOrder {
  action: OrderAction;
  values: Record<string, unknown>;
}

export const CONTROL_TARGET = 'lepton.control';

/** What a busy kernel can be asked for through the control comm. */
export type ControlAction =
  'stop' | 'pause' | 'resume' | 'set' | 'checkpoint' | 'evaluate' | 'branch';

/** The data of the control comm's open message; `run` is the run's name. */
export interface IControlMessage {
  action: ControlAction;
  run: string;
  values: Record<string, unknown>;
}
