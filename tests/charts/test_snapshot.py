# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import math
import struct

import numpy as np
import pytest

from lepton_lab.charts import History
from lepton_lab.charts.snapshot import GAP, announcement, encode
from lepton_lab.events import Alert, Evaluated, RunStarted, Saved, StepDone


def run(steps, epochs=10, nan=(), name="pets-3"):
    """The events of a run under way."""
    per_epoch = max(steps // epochs, 1)
    yield RunStarted(name, "resnet18", "pets", "t", "accuracy", epochs, per_epoch, time=1.0)
    for step in range(1, steps):
        epoch = (step - 1) // per_epoch + 1
        loss = math.nan if step in nan else 1 / step + 0.1 * math.sin(step)
        yield StepDone(
            step, epoch, loss, 1e-3 * 0.999**step, 60 + step % 7, 2_000_000_000, time=1.0 + step
        )
        if step % per_epoch == 0:
            values = {"loss": 2 / step, "accuracy": 1 - 1 / step}
            yield Evaluated(step, epoch, "val", values, best=True, time=1.0 + step)
            yield Saved(step, epoch, "checkpoints", time=1.0 + step)


def decode(data):
    """What the card reads: the header, and (panel, curve) -> steps and values, None for gaps."""
    (length,) = struct.unpack_from("<I", data)
    header = json.loads(data[4 : 4 + length])
    codes = np.frombuffer(data, "<u2", offset=4 + length)
    curves, at = {}, 0
    for panel in header["panels"]:
        for name, _, _, count, x0, dx, y0, dy in panel["curves"]:
            x, y = codes[at : at + count], codes[at + count : at + 2 * count]
            curves[panel["key"], name] = (
                [x0 + dx * int(c) for c in x],
                [None if c == GAP else y0 + dy * int(c) for c in y],
            )
            at += 2 * count
    assert at == len(codes)
    return header, curves


def test_a_short_run_arrives_point_by_point():
    header, curves = decode(encode(History.from_events(run(30, nan=(7,))).snapshot(now=31.0)))
    steps, losses = curves["loss", "train"]
    assert steps == list(range(1, 30))
    assert losses[6] is None
    expected = [1 / s + 0.1 * math.sin(s) for s in steps]
    assert all(
        v == pytest.approx(e, abs=1e-4)
        for v, e in zip(losses, expected, strict=True)
        if v is not None
    )
    assert header["panels"][0]["crosses"] == [[7, pytest.approx(expected[5], abs=1e-4)]]
    assert ["checkpoint", "step 27"] in header["facts"]


@pytest.mark.parametrize("steps", [1000, 100_000])
def test_a_long_run_with_five_charts_stays_under_two_kilobytes(steps):
    data = encode(History.from_events(run(steps, epochs=50, nan=(3, 99))).snapshot())
    assert len(data) < 2048
    _, curves = decode(data)
    assert curves["loss", "train"][0][-1] == pytest.approx(steps - 1, abs=2)


def test_extremes_of_a_long_run_arrive():
    events = [
        StepDone(i, 1, 9.0 if i == 4321 else 1.0, 1e-3, 60.0, time=float(i))
        for i in range(1, 10_000)
    ]
    steps, losses = decode(encode(History.from_events(events).snapshot()))[1]["loss", "train"]
    assert steps[losses.index(max(losses))] == 4321 and max(losses) == pytest.approx(9.0, abs=1e-3)


def test_steps_beyond_sixteen_bits_are_scaled_and_constants_stay_constant():
    events = [StepDone(i * 1000, 1, 0.5, 1e-3, 60.0, time=float(i)) for i in range(1, 1000)]
    steps, losses = decode(encode(History.from_events(events).snapshot()))[1]["loss", "train"]
    assert steps[0] == 1000 and steps[-1] == pytest.approx(999_000, rel=1e-4)
    assert set(losses) == {0.5}


def test_nothing_finite_and_nothing_at_all_can_be_sent():
    _, curves = decode(
        encode(History.from_events([StepDone(1, 1, math.inf, 0.0, 0.0, time=1.0)]).snapshot())
    )
    assert curves["loss", "train"] == ([1], [None])
    assert decode(encode(History().snapshot()))[0]["headline"] == "◌ Preparing"


def test_texts_of_users_are_cut_and_their_control_characters_made_visible():
    events = [*run(20, name="n" * 50 + "\x07"), Alert(3, "warning", "m" * 5000, "h\x1b")]
    header, _ = decode(encode(History.from_events(events).snapshot()))
    assert header["alerts"] == [["warning", "m" * 159 + "…", "h\ufffd"]]
    assert "\ufffd" in header["headline"]


def test_a_screen_reader_is_told_of_evaluations_and_states_and_not_of_steps():
    events = list(run(40, epochs=4))
    said = [
        announcement(History.from_events(events[:n]).snapshot()) for n in range(1, len(events) + 1)
    ]
    changes = [a for a, b in zip(said, ["", *said], strict=False) if a != b]
    assert changes == [
        "Training",
        "Training, step 10 of 40, val accuracy 0.900",
        "Training, step 20 of 40, val accuracy 0.950",
        "Training, step 30 of 40, val accuracy 0.967",
    ]
