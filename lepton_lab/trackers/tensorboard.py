# SPDX-License-Identifier: BSD-3-Clause
"""Event files for TensorBoard, in `<run folder>/tensorboard`.

Wall times and steps are those of the events. Every training that goes on writes a file of its own that
begins by taking back the steps that are done again, so no step is there twice. Numbers are float32, as
TensorBoard keeps them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lepton_lab.events import Alert, Controlled, Event, RunEnded, RunStarted, StepDone
from lepton_lab.rendering import visible
from lepton_lab.trackers.contract import Subject, Tracker, needed, numbers

FOLDER = "tensorboard"
_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_[]|"} | {"<": "&lt;", "&": "&amp;"})


class EventFiles:
    """The sink: one event file per start of the run.

    Args:
        subject: The run.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._events = _part("compat.proto.event_pb2")
        self._summaries = _part("compat.proto.summary_pb2")
        self._types = _part("compat.proto.types_pb2")
        self._hparams = _part("plugins.hparams.summary_v2")
        self._text = _part("plugins.text.metadata")
        self._records = _part("summary.writer.record_writer")
        self._writer: Any = None
        self._first = False
        self._step = 0

    def write(self, events: Sequence[Event]) -> None:
        """Append the events to the file, and hand the file to the system."""
        if self._writer is None:
            file, self._first = _new_file(self.subject.folder / FOLDER)
            self._writer = self._records.RecordWriter(file)
            self._put(events[0].time, 0, file_version="brain.Event:2")
        for event in events:
            self._take(event)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

    def _take(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._begin(event)
        elif isinstance(event, StepDone):
            if event.step <= self._step:
                self._take_back(event.time, event.step)
            self._step = event.step
        values = numbers(event)
        if values:
            summary = self._summaries.Summary()
            for name, value in values.items():
                summary.value.add(tag=name, simple_value=value)
            self._put(event.time, event.step, summary=summary)
        if isinstance(event, Alert):
            self._write_text(
                event, "alerts", f"**{event.level}** {_plain(event.message)} {_plain(event.hint)}"
            )
        elif isinstance(event, Controlled):
            values_said = " ".join(f"{name}={value}" for name, value in event.values.items())
            self._write_text(event, "control", f"**{_plain(event.action)}** {_plain(values_said)}")
        elif isinstance(event, RunEnded) and event.state == "done":
            self._end(event)

    def _begin(self, event: RunStarted) -> None:
        """Take back what comes again; in the first file, say what the run is."""
        self._step = event.step
        self._take_back(event.time, event.step + 1)
        if not self._first:
            return
        settings = self.subject.settings
        summary = self._hparams.hparams_pb(settings, self.subject.name, event.time)
        self._put(event.time, 0, summary=summary)
        rows = [
            f"| {_plain(k)} | {_plain(v)} |" for k, v in {**self.subject.facts, **settings}.items()
        ]
        self._write_text(event, "run", "\n".join(["| setting | value |", "| --- | --- |", *rows]))

    def _end(self, event: RunEnded) -> None:
        """Tell HPARAMS that it is done. A run that stopped may go on, and this cannot be taken back."""
        module = self._hparams
        info = module.plugin_data_pb2.SessionEndInfo(
            status=module.api_pb2.STATUS_SUCCESS, end_time_secs=event.time
        )
        data = module.plugin_data_pb2.HParamsPluginData(session_end_info=info)
        summary = self._summaries.Summary()
        summary.value.add(
            tag=module.metadata.SESSION_END_INFO_TAG,
            metadata=module.metadata.create_summary_metadata(data),
            tensor=module.metadata.NULL_TENSOR,
        )
        self._put(event.time, 0, summary=summary)

    def _take_back(self, when: float, step: int) -> None:
        """Void everything that was written for `step` and later ones."""
        log = self._events.SessionLog
        self._put(when, step, session_log=log(status=log.START))

    def _write_text(self, event: Event, tag: str, markdown: str) -> None:
        summary = self._summaries.Summary()
        value = summary.value.add(tag=tag, metadata=self._text.create_summary_metadata(tag, ""))
        value.tensor.dtype = self._types.DT_STRING
        value.tensor.string_val.append(markdown.encode("utf-8", "replace"))
        value.tensor.tensor_shape.dim.add(size=1)
        self._put(event.time, event.step, summary=summary)

    def _put(self, when: float, step: int, **content: Any) -> None:
        event = self._events.Event(wall_time=when, step=step, **content)
        self._writer.write(event.SerializeToString())


def _part(name: str) -> Any:
    return needed(f"tensorboard.{name}", "tensorboard", "tensorboard")


def _new_file(folder: Path) -> tuple[Any, bool]:
    """A new event file whose name sorts after those that are there, which is the order TensorBoard reads in.

    Returns:
        The file, open for writing, and whether it is the folder's first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stamps = [int(path.name.split(".")[3]) for path in folder.glob("events.out.tfevents.*.lepton")]
    stamp = max(int(time.time()), *[stamp + 1 for stamp in stamps], 0)
    return (folder / f"events.out.tfevents.{stamp:010d}.lepton").open("xb"), not stamps


def _plain(value: object) -> str:
    """Text that Markdown shows as it is."""
    return visible(str(value)).translate(_SPECIAL)


def check() -> None:
    """Raise LeptonError when TensorBoard cannot be imported."""
    for name in ("compat.proto.event_pb2", "plugins.hparams.summary_v2"):
        _part(name)


RECORD = Tracker(
    "tensorboard", "event files in the run's folder, for TensorBoard", check, EventFiles
)
