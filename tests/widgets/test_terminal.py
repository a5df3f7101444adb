# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import io
import re
import subprocess
import sys

from lepton_lab.events import Alert, Evaluated, RunEnded, RunStarted, StepDone
from lepton_lab.widgets.terminal import TerminalLine

EVENTS = [
    RunStarted("pets-3", "resnet18", "pets", "t", "accuracy", 2, 1, time=1.0),
    StepDone(1, 1, 0.5, 1e-3, 60.0, time=2.0),
    Evaluated(1, 1, "val", {"loss": 0.4, "accuracy": 0.75}, best=True, time=3.0),
    Alert(1, "warning", "two files\nwere left out", time=3.0),
    StepDone(2, 2, 0.25, 1e-3, 60.0, time=4.0),
    Evaluated(2, 2, "val", {"loss": 0.5, "accuracy": 0.5}, time=5.0),
    RunEnded(2, 2, "done", 4.0, time=5.0),
]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def watch(stream, events):
    line = TerminalLine(stream)
    for event in events:
        line(event)
    line.close()
    return stream.getvalue()


def test_a_log_has_a_line_per_evaluation_and_no_control_code():
    assert watch(io.StringIO(), EVENTS) == (
        "pets-3: resnet18 on pets, 2 epochs\n"
        "epoch 1 · step 1 · val loss 0.400 · accuracy 0.750 ▲\n"
        "warning at step 1: two files\ufffdwere left out\n"
        "epoch 2 · step 2 · val loss 0.500 · accuracy 0.500\n"
        "Done in 4.0 s · train loss 0.250 · val loss 0.500 · val accuracy 0.500 · best ▲ 0.750 "
        "at step 1 · learning rate 1e-3 · samples/s 60\n"
    )


def test_a_terminal_has_one_line_that_rewrites_itself(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    written = watch(Terminal(), EVENTS)
    *_, last, end = re.split(r"[\r\n]", written)
    assert (
        end == "" and last.rstrip() == "Done in 4.0 s · train loss 0.250 · val loss 0.500 · val ac…"
    )
    assert all(len(line) < 60 for line in re.split(r"[\r\n]", written))
    assert "\r" in written and "\x1b" not in written


def test_an_alert_stays_above_the_line_that_rewrites_itself():
    written = watch(Terminal(), EVENTS)
    assert "\rwarning at step 1: two files\ufffdwere left out" in written
    assert written.count("\n") == 2


def test_a_stream_that_cannot_write_every_character_gets_marks_instead_of_an_error():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    line = TerminalLine(stream)
    for event in EVENTS:
        line(event)
    line.close()
    assert b"Done in 4.0 s ? train loss 0.250" in stream.buffer.getvalue()


def test_closing_twice_writes_the_last_line_once():
    stream = io.StringIO()
    line = TerminalLine(stream)
    for event in EVENTS:
        line(event)
    line.close()
    line.close()
    assert stream.getvalue().count("Done in") == 1


def test_a_script_prints_the_run_to_its_own_standard_output(monkeypatch):
    monkeypatch.delenv("LEPTON_DISPLAY")
    code = (
        "from lepton_lab import views; from lepton_lab.events import *;"
        "w = views.choose('text').open(); w(RunEnded(3, 1, 'stopped', 2.0)); w.close()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Stopped at step 3 after 2.0 s\n" and done.stderr == ""
