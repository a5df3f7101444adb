# SPDX-License-Identifier: BSD-3-Clause
"""The shapes of the answers that the page gets; the TypeScript side is generated from them."""

from __future__ import annotations

from typing import Any, TypedDict


class RunRow(TypedDict):
    """A run in a list.

    `folder` is a path of the contents API, null where it cannot be read through it. Times are Unix
    seconds. `value` is the best value of `metric`, with its 95 % interval where one is known.
    """

    id: str
    name: str
    folder: str | None
    state: str
    model: str
    data: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    step: int
    steps: int
    epoch: int
    epochs: int
    started: float | None
    ended: float | None
    spark: list[float]
    parent: str | None
    notebook: str
    kernel: str
    tags: list[str]


class RunList(TypedDict):
    """The answer of `runs`, newest first."""

    runs: list[RunRow]


class RunDocument(TypedDict):
    """The data of `application/vnd.lepton-lab.run.v1+json`; `snapshot` is base64."""

    version: int
    run: str
    path: str
    state: str
    snapshot: str


class Posted(TypedDict):
    """The answer to an order: the number of its letter."""

    posted: str


class ModelRow(TypedDict):
    """A model of the catalogue; `image_size` is [height, width] in pixels."""

    name: str
    task: str
    library: str
    parameters: int
    licence: str
    image_size: list[int]
    pretrained: bool
    description: str


class ModelList(TypedDict):
    """The answer of `catalog`: `total` models were found, the first of them are here."""

    total: int
    models: list[ModelRow]


class ComparedRun(TypedDict):
    """A run beside others: its curves as [step, value], and what was set in its spec."""

    id: str
    name: str
    curves: dict[str, list[list[float | None]]]
    best: dict[str, float]
    spec: dict[str, Any]


class Comparison(TypedDict):
    """The answer of `compare`; a difference is a setting and its value in each run."""

    runs: list[ComparedRun]
    differences: list[list[Any]]


class DatasetRow(TypedDict):
    """A data set in a folder.

    `classes` and `count` (of samples) are null where only reading it would tell; `bounded` says that
    counting stopped early and there are more.
    """

    name: str
    path: str
    kind: str
    classes: int | None
    count: int | None
    bounded: bool


class DatasetList(TypedDict):
    """The answer of `datasets`."""

    datasets: list[DatasetRow]


class GoldenSample(TypedDict):
    """A sample of an artifact: what the model must answer, and a small picture as a data URL."""

    name: str
    expected: str
    image: str | None


class ArtifactView(TypedDict):
    """The answer of `artifact`; `card` is Markdown."""

    manifest: dict[str, Any]
    certificate: dict[str, Any]
    card: str
    golden: list[GoldenSample]


class Memory(TypedDict):
    """Memory of a device in bytes."""

    used: int
    total: int
    device: str


class LiveRun(TypedDict):
    """A run under way; `fraction` of its steps is done."""

    id: str
    name: str
    fraction: float
    state: str


class Status(TypedDict):
    """The answer of `status`."""

    memory: Memory
    live: list[LiveRun]


class Problem(TypedDict):
    """The answer when something cannot be done: what happened, why, what to do."""

    what: str
    why: str
    todo: str
