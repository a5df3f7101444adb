# SPDX-License-Identifier: BSD-3-Clause
"""A Studio that went the whole way once, for all tests that look at where it came to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lepton_lab as lab
from lepton_lab.studio import Studio

WAIT = 120


def finished(studio: Studio) -> Studio:
    """The Studio when neither work nor a run is under way."""
    assert studio.controller.wait(WAIT)
    assert studio.state.busy is None
    return studio


def go(studio: Studio, step: str, action: str) -> None:
    """Press a button of a step and wait until what it does is done."""
    studio.controller.press(step, action)
    finished(studio)
    assert not studio.state.lines(step), studio.state.lines(step)


@pytest.fixture(scope="session")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, Path]]:
    """A Studio from choosing a model to an artifact, with few samples and one epoch."""
    folder = tmp_path_factory.mktemp("journey")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(folder))
        patch.setenv("LEPTON_DISPLAY", "silent")
        studio = lab.Studio("lepton_glyphs")
        take = studio.controller.set
        take("data", "path", "digits")
        take("data", "val", "0.1")
        take("data", "test", "0.6")
        take("data", "exclude", "3,4,5,6,7,8,9")
        go(studio, "data", "load")
        studio.controller.open("train")
        finished(studio)
        for name, value in {"epochs": "1", "learning_rate": "0.002", "seed": "7"}.items():
            take("train", name, value)
        go(studio, "train", "train")
        assert studio.run is not None
        studio.run.wait(WAIT)
        go(studio, "evaluate", "evaluate")
        go(studio, "export", "export")
    yield studio, folder


@pytest.fixture
def done(journey: tuple[Studio, Path], monkeypatch: pytest.MonkeyPatch) -> Studio:
    """The Studio at the end of its way; its runs are found by name. Changes are taken back."""
    studio, folder = journey
    monkeypatch.setenv("LEPTON_RUNS", str(folder))
    monkeypatch.setattr(studio.controller, "state", studio.controller.state)
    return studio
