# SPDX-License-Identifier: BSD-3-Clause
"""The numbers of a run in MLflow: where `MLFLOW_TRACKING_URI` says, else in MLflow's own local store.

One run here is one run there, also when it goes on: `mlflow.json` in the run's folder remembers which. MLflow
cannot take a number back, so a step that is done again is not told again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lepton_lab import durable
from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.events import Event, RunEnded, RunStarted
from lepton_lab.trackers.contract import Subject, Tracker, needed, numbers

MEMORY = "mlflow.json"
EXPERIMENT = "lepton-lab"
METRICS_AT_ONCE, PARAMS_AT_ONCE = 1000, 100
LONGEST_VALUE, LONGEST_NAME = 500, 250
SECONDS_TO_ANSWER = 5.0
_STATUS = {"done": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


class MlflowRun:
    """The sink: one MLflow run, made at the first event or found again.

    Args:
        subject: The run.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._tracking, self._entities = _library()
        self._remembered = remembered(subject.folder)
        self.uri = self._tracking.get_tracking_uri()
        if self._remembered and not self._tracking.is_tracking_uri_set():
            self.uri = self._remembered["tracking_uri"]
        self._client: Any = None
        self._run = ""
        self._told: dict[str, int] = {}

    def write(self, events: Sequence[Event]) -> None:
        """Store the numbers of the events, a thousand at most per request."""
        for event in events:
            if isinstance(event, RunStarted) and not self._run:
                self._begin(event)
        if not self._run:
            return
        metrics = [metric for event in events for metric in self._metrics(event)]
        for start in range(0, len(metrics), METRICS_AT_ONCE):
            self._client.log_batch(self._run, metrics=metrics[start : start + METRICS_AT_ONCE])
        for event in events:
            if isinstance(event, RunEnded):
                self._end(event)

    def close(self) -> None:
        """Nothing is held open."""

    def _begin(self, event: RunStarted) -> None:
        if self.uri.startswith(("http:", "https:")):
            _ask(self.uri)
        self._client = self._tracking.MlflowClient(self.uri)
        if self._remembered.get("tracking_uri") == _public(self.uri) and self._exists():
            self._run = self._remembered["run_id"]
            self._client.update_run(self._run, status="RUNNING")
            return
        created = self._client.create_run(
            self._experiment(),
            start_time=_milliseconds(event.time),
            tags=self._tags(),
            run_name=self.subject.name,
        )
        run = created.info.run_id
        settings = [
            self._entities.Param(name[:LONGEST_NAME], str(value)[:LONGEST_VALUE])
            for name, value in self.subject.settings.items()
        ]
        for start in range(0, len(settings), PARAMS_AT_ONCE):
            self._client.log_batch(run, params=settings[start : start + PARAMS_AT_ONCE])
        facts = {"run_id": run, "tracking_uri": _public(self.uri)}
        durable.write_json(self.subject.folder / MEMORY, facts)
        self._run = run

    def _exists(self) -> bool:
        """Whether the run that is remembered is still there."""
        from mlflow.exceptions import MlflowException

        try:
            info = self._client.get_run(self._remembered["run_id"]).info
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return bool(info.lifecycle_stage == "active")

    def _experiment(self) -> str:
        """The experiment that the environment names, else one for all runs of Lepton Lab; made when it is missing."""
        number = os.environ.get("MLFLOW_EXPERIMENT_ID", "")
        if number:
            return number
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "") or EXPERIMENT
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self._client.create_experiment(name))

    def _tags(self) -> dict[str, str]:
        tags = {f"lepton.{name}": text[:LONGEST_VALUE] for name, text in self.subject.facts.items()}
        tags["lepton.folder"] = self.subject.folder.name
        if self.subject.parent is not None:
            tags["lepton.parent"] = self.subject.parent.name
            above = remembered(self.subject.parent)
            if above.get("tracking_uri") == _public(self.uri):
                tags["mlflow.parentRunId"] = above["run_id"]
        return tags

    def _metrics(self, event: Event) -> Iterator[Any]:
        """The numbers of an event that are not there yet."""
        for name, value in numbers(event).items():
            key = re.sub(r"[^/\w.\- :]", "_", name)[:LONGEST_NAME]
            if event.step > self._last(key):
                self._told[key] = event.step
                yield self._entities.Metric(key, value, _milliseconds(event.time), event.step)

    def _last(self, key: str) -> int:
        """The last step that MLflow has of a metric, -1 for none."""
        if key not in self._told:
            goes_on = self._run == self._remembered.get("run_id")
            history = self._client.get_metric_history(self._run, key) if goes_on else []
            self._told[key] = max((metric.step for metric in history), default=-1)
        return self._told[key]

    def _end(self, event: RunEnded) -> None:
        if event.message:
            self._client.set_tag(self._run, "lepton.message", event.message[:LONGEST_VALUE])
        self._client.set_terminated(self._run, _STATUS[event.state], _milliseconds(event.time))


def remembered(folder: Path) -> dict[str, str]:
    """`run_id` and `tracking_uri` of the MLflow run that belongs to a run's folder; empty for none."""
    try:
        found = durable.read_json(folder / MEMORY)
        return {"run_id": found["run_id"], "tracking_uri": found["tracking_uri"]}
    except (StorageError, KeyError, TypeError):
        return {}


def _ask(uri: str) -> None:
    """Ask a server once whether it is there: MLflow itself would repeat the question for minutes."""
    import requests

    try:
        requests.get(uri, timeout=SECONDS_TO_ANSWER)
    except requests.RequestException as error:
        raise LeptonError(f"The MLflow server {_public(uri)} does not answer.") from error


def _public(uri: str) -> str:
    """A tracking URI without the user, the password and the options that it may hold."""
    return re.sub(r"//[^/@]*@", "//", uri).split("?")[0]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _library() -> tuple[Any, Any]:
    """MLflow's client and its records, loaded without its usage reports unless the user wants them."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    return (
        needed("mlflow.tracking", "mlflow-skinny", "mlflow"),
        needed("mlflow.entities", "mlflow-skinny", "mlflow"),
    )


def check() -> None:
    """Raise LeptonError when MLflow, or what its local store needs, cannot be imported."""
    tracking, _ = _library()
    if tracking.get_tracking_uri().startswith("sqlite:"):
        for name in ("sqlalchemy", "alembic"):
            needed(name, name, "mlflow")


RECORD = Tracker("mlflow", "a run in MLflow, local or on a server", check, MlflowRun)
