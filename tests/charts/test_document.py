# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import base64
import json

import pytest

from lepton_lab.charts import History, run_document
from lepton_lab.charts.document import from_notebook
from tests.charts.test_snapshot import decode


def test_a_document_holds_the_run_at_the_resolution_of_a_saved_picture(make_run):
    history = History.from_events(make_run(epochs=10, per_epoch=50))
    document = run_document(history, "lepton-runs/pets-3")
    assert {k: v for k, v in document.items() if k != "snapshot"} == {
        "version": 1,
        "run": "pets-3",
        "path": "lepton-runs/pets-3",
        "state": "done",
    }
    header, curves = decode(base64.b64decode(document["snapshot"]))
    assert curves["loss", "train"][0] == list(range(1, 501))
    assert header["about"] == "resnet18 on pets (cpu)"
    assert (header["run"], header["step"], header["state"]) == ("pets-3", 500, "done")


def test_a_document_of_a_long_run_is_small_plain_json(make_run):
    history = History.from_events(make_run(epochs=100, per_epoch=100, nan=(7, 5000)))
    assert len(json.dumps(run_document(history), allow_nan=False)) < 12_000


def test_a_run_is_named_before_its_first_event():
    assert run_document(History("pets-3"))["run"] == "pets-3"


@pytest.mark.parametrize(
    ("folder", "path"), [("lepton-runs/a-1", "lepton-runs/a-1"), ("../a-1", ""), (None, "")]
)
def test_only_a_folder_beside_the_notebook_has_a_path(tmp_path, monkeypatch, folder, path):
    here = tmp_path / "notebooks"
    here.mkdir()
    monkeypatch.chdir(here)
    assert from_notebook((here / folder).resolve() if folder else None) == path
