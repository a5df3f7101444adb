# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError, NotFoundError
from lepton_lab.workbench import standing
from lepton_lab.workbench.resolve import resolve_data, resolve_model, resolve_run


@pytest.fixture(autouse=True)
def nothing_used_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in vars(standing.Latest()).items():
        monkeypatch.setattr(standing.latest, name, value)


def test_without_a_word_and_nothing_used_each_says_what_to_type() -> None:
    for resolve in (resolve_model, resolve_data, resolve_run):
        with pytest.raises(LeptonError) as caught:
            resolve()
        assert caught.value.todo.startswith("%lepton ")


def test_a_variable_comes_before_a_name_of_the_registry() -> None:
    model = lab.load_model("lepton_glyphs")
    assert resolve_model("resnet50", {"resnet50": model}) is model


def test_a_variable_of_another_kind_is_no_model() -> None:
    assert resolve_model("lepton_glyphs", {"lepton_glyphs": 3}).entry.name == "lepton_glyphs"


def test_the_latest_data_is_used_when_left_out() -> None:
    first = resolve_data("digits")
    assert resolve_data() is first
    other = lab.data("digits", val=0.3)
    assert resolve_data() is other


def test_options_that_come_too_late_are_refused(flowers: Path) -> None:
    data = lab.data(flowers)
    with pytest.raises(LeptonError, match="--val cannot change the data flowers"):
        resolve_data("data", {"data": data}, val=0.3)
    with pytest.raises(LeptonError, match="--weights cannot change"):
        resolve_model("m", {"m": lab.load_model("lepton_glyphs")}, weights="none")


def test_a_run_is_found_by_variable_by_model_and_by_name(flowers: Path) -> None:
    model = lab.load_model("lepton_glyphs")
    run = model.train(lab.data(flowers), epochs=1, name="mine")
    assert resolve_run("r", {"r": run}) is run
    assert resolve_run("m", {"m": model}) is run
    assert resolve_run("mine") is run
    assert resolve_run() is run
    with pytest.raises(NotFoundError, match="mine"):
        resolve_run("mime")


def test_the_bench_says_where_one_stands_and_what_comes_next(flowers: Path) -> None:
    assert lab.bench().next_step == "%lepton data digits"
    lab.data(flowers)
    assert lab.bench().next_step.startswith("%lepton train ")
    run = lab.train("lepton_glyphs", epochs=1)
    found = lab.bench()
    assert run.name in found.run
    assert found.next_step.startswith("%lepton export")
