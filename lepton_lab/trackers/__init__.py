# SPDX-License-Identifier: BSD-3-Clause
"""Trackers: TensorBoard, MLflow and others that also get the numbers of a run, never in the step's way."""

from __future__ import annotations

from lepton_lab.trackers.batching import Batches
from lepton_lab.trackers.contract import Sink, Subject, Tracker, trackers
from lepton_lab.trackers.mlflow import RECORD as _MLFLOW
from lepton_lab.trackers.tensorboard import RECORD as _TENSORBOARD

trackers.register(_TENSORBOARD)
trackers.register(_MLFLOW)

__all__ = ["Batches", "Sink", "Subject", "Tracker", "trackers"]
