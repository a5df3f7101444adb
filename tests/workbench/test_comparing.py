# SPDX-License-Identifier: BSD-3-Clause
"""Runs side by side: only what differs, and a winner only on the same samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError, NotFoundError


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder of runs: two of the same data, the second better trained, and one of other data."""
    from tests.conftest import make_pictures

    folder = tmp_path_factory.mktemp("comparing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(folder / "lepton-runs"))
        patch.setenv("LEPTON_DISPLAY", "silent")
        classes = ("iris", "rose", "tulip")
        data = lab.data(make_pictures(folder / "p", classes, 20), val=0.2, test=0.4)
        other = lab.data(make_pictures(folder / "q", classes, 8))
        lab.train("lepton_glyphs", data, epochs=1, learning_rate=1e-7, name="poor")
        lab.train("lepton_glyphs", data, epochs=6, learning_rate=1e-3, name="good")
        lab.train("lepton_glyphs", other, epochs=1, name="other")
    return folder / "lepton-runs"


@pytest.fixture(autouse=True)
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEPTON_RUNS", str(trained))


def test_the_verdict_is_that_of_the_two_evaluations_on_the_same_samples() -> None:
    found = lab.compare("poor", lab.run("good"))
    expected = lab.evaluate("poor").compare(lab.evaluate("good"))
    assert found.refusal is None
    assert found.paired == (expected,)
    assert expected.better == "b"
    assert found.verdicts[0].startswith(f"b is better by {100 * expected.difference:.1f} points [")
    assert found.verdicts[0].endswith("on test of p")
    assert lab.compare("good", "poor").paired[0].difference == -expected.difference


def test_only_settings_that_differ_are_listed_with_the_values_that_took_effect() -> None:
    found = lab.compare("poor", "good").differences
    assert set(found) == {"epochs", "learning_rate"}
    assert found["epochs"] == (1, 6)
    assert found["learning_rate"] == (1e-7, 1e-3)
    assert lab.compare("poor", "poor").differences == {}


def test_runs_of_other_data_are_shown_but_not_judged() -> None:
    found = lab.compare("poor", "other")
    assert found.paired == ()
    assert found.refusal is not None
    text = found._repr_mimebundle_()["text/plain"]
    assert text.startswith("No winner is named: the runs are not of the same data.")
    assert "data fingerprint" in found.differences
    assert found.differences["learning_rate"][0] == 1e-7


def test_several_runs_are_each_compared_with_the_first() -> None:
    found = lab.compare("poor", "good", "poor")
    assert len(found.paired) == 2
    assert found.verdicts[0].startswith("b is better than a by")
    assert found.verdicts[1].startswith("c: no difference shown: c - a = +0.0")
    assert found.table().columns == ("", "a: poor", "b: good", "c: poor")


def test_it_shows_at_most_twelve_lines_and_static_markup_without_script() -> None:
    for found in (lab.compare("poor", "good"), lab.compare("poor", "other", "good")):
        shown = found._repr_mimebundle_()
        assert len(shown["text/plain"].splitlines()) <= 12
        assert "<script" not in shown["text/html"]
        picture = ElementTree.fromstring(found.curves())
        paths = [e for e in picture.iter() if e.get("fill") == "none"]
        assert len(paths) == len(found.runs)


def test_a_run_under_way_is_not_waited_for(trained: Path) -> None:
    source = lab.run("poor").record["data"]["source"]
    data = lab.data(source, val=0.2, test=0.4)
    run = lab.train("lepton_glyphs", data, epochs=2000, background=True, name="busy")
    try:
        found = lab.compare("poor", run)
        assert found.refusal is not None
        assert "'busy' is" in found.verdicts[0]
    finally:
        run.stop().wait().delete()


def test_data_that_changed_since_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    run = lab.run("poor")
    monkeypatch.setattr(run, "_data", None)
    source = Path(run.record["data"]["source"])
    moved = next((source / "iris").iterdir())
    kept = moved.read_bytes()
    moved.unlink()
    try:
        found = lab.compare(run, lab.run("good"))
        assert found.refusal is not None
        assert "no longer the data" in found.refusal.what
    finally:
        moved.write_bytes(kept)


def test_a_name_that_no_run_has_and_too_many_runs_are_refused() -> None:
    with pytest.raises(NotFoundError, match="goood"):
        lab.compare("poor", "goood")
    with pytest.raises(LeptonError, match="too many"):
        lab.compare(*["poor"] * 27)
