# SPDX-License-Identifier: BSD-3-Clause
"""What stands in `run.json`, key by key: for those who read it, whatever their language.

Newer versions may write more keys, and a reader passes over those it does not know.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class ProcessRecord(TypedDict):
    """Which process writes the run."""

    host: str
    pid: int
    started: float | None


class ModelRecord(TypedDict):
    """The model that is trained."""

    name: str
    config: dict[str, Any]
    preprocessing: dict[str, Any]
    classes: list[str]
    weights: str
    pretrained: bool
    licence: str


class DataRecord(TypedDict):
    """The data that it is trained on; `splits` has the number of samples of each."""

    name: str
    kind: str
    fingerprint: str
    classes: list[str]
    splits: dict[str, int]
    source: str


class Origin(TypedDict):
    """Where the run was started; empty where that is not known."""

    notebook: str
    kernel: str


class RunRecord(TypedDict):
    """The content of `run.json`. Times are Unix seconds."""

    format: int
    name: str
    state: str
    created: float
    process: ProcessRecord
    spec: dict[str, Any]
    plan: dict[str, Any]
    model: ModelRecord
    data: DataRecord
    parent: dict[str, Any]
    environment: dict[str, str]
    cell: Any
    origin: NotRequired[Origin]
    step: NotRequired[int]
    epoch: NotRequired[int]
    best: NotRequired[dict[str, Any]]
    message: NotRequired[str]
    ended: NotRequired[float]
    seconds: NotRequired[float]
    tags: NotRequired[list[str]]
