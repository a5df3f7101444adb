# SPDX-License-Identifier: BSD-3-Clause
"""From a trained model to a smaller one that is a run like any other: chosen by evidence, proven, and with a parent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lepton_lab as lab
from lepton_lab.errors import LeptonError, NotFoundError
from lepton_lab.tasks.soft_targets import TRAINING


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The runs folder of this file; every test works in it."""
    return tmp_path_factory.mktemp("compressing") / "lepton-runs"


@pytest.fixture(autouse=True)
def in_these_runs(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEPTON_RUNS", str(runs))


@pytest.fixture(scope="module")
def trained(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests.conftest import make_pictures

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(runs))
        patch.setenv("LEPTON_DISPLAY", "silent")
        folder = make_pictures(tmp_path_factory.mktemp("pictures") / "p", ("iris", "rose", "tulip"), 30)
        data = lab.data(folder, val=0.2, test=0.5)
        run = lab.train("lepton_glyphs", data, epochs=3, learning_rate=1e-2, name="whole")
        run.export()  # whose file the compressions use
        yield run


@pytest.fixture(scope="module")
def found(trained: Any, runs: Path) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(runs))
        patch.setenv("LEPTON_DISPLAY", "silent")
        yield trained.compress(max_drop=0.3)


def test_every_quantizer_is_tried_and_measured_on_the_held_out_samples(found: Any, trained: Any) -> None:
    names = [one.name for one in found.candidates]
    assert names == ["original", "int8", "fp16", "weights-int8"]
    n = len(trained.data.test)
    for one in found.candidates[1:]:
        assert one.measured.score.n == one.difference.n == n
        assert one.size < found["original"].size
        assert one.ratio > 0 and one.measured.milliseconds[0] <= one.measured.milliseconds[1]
    assert found["original"].measured.score.value == pytest.approx(trained.evaluate()["accuracy"])
    assert found["fp16"].agreement > 0.95
    assert 0.4 < found["fp16"].size / found["original"].size < 0.6
    assert found["int8"].size / found["original"].size < 0.35


def test_the_chosen_one_is_a_run_with_its_parent_and_its_artifact(found: Any, trained: Any) -> None:
    assert found.chosen.size <= 1.01 * min(one.size for one in found.candidates)
    run = lab.run(found.run.name)
    assert (run.state, run.record["parent"]["run"]) == ("done", "whole")
    assert run.name in [one.name for one in lab.runs()]
    certificate = found.artifact.certificate
    assert certificate["passed"] and certificate["original"]["agreement"] == found.chosen.agreement
    assert found.artifact.path.parent.parent == run.path
    assert found.artifact.verify().golden > 8
    assert run.chart is not None and "whole" in run._repr_mimebundle_()["text/plain"]


def test_it_answers_and_is_evaluated_as_the_artifact_answers(found: Any, trained: Any) -> None:
    run = lab.run(found.run.name)
    score = found.chosen.measured.score.value
    assert run.evaluate()["accuracy"] == pytest.approx(score)
    assert lab.load_model(run.name).evaluate(trained.data)["accuracy"] == pytest.approx(score)
    picture = trained.data.test.read(3)
    ours, theirs = run.predict(picture), found.artifact.predict(picture)
    assert ours.label == theirs.label
    assert np.abs(ours.probabilities - theirs.probabilities).max() < 1e-4
    assert lab.compare("whole", run).refusal is None


def test_it_is_exported_as_what_it_is(found: Any, tmp_path: Path) -> None:
    run = lab.run(found.run.name)
    again = run.export("onnx", to=tmp_path / "again.lepton")
    name = "model.onnx"
    assert (again.path / name).read_bytes() == (found.artifact.path / name).read_bytes()
    assert again.verify().files
    with pytest.raises(LeptonError, match="safetensors"):
        run.export("safetensors", to=tmp_path / "other.lepton")


def test_what_cannot_be_done_with_it_is_said_before_anything_begins(found: Any, trained: Any) -> None:
    run, before = lab.run(found.run.name), len(lab.runs())
    for call in (
        lambda: run.model.train(trained.data, epochs=1),
        lambda: lab.reproduce(run),
        lambda: run.branch(),
        lambda: lab.resume(run),
        lambda: lab.compress(run),
    ):
        with pytest.raises(LeptonError) as caught:
            call()
        assert len(str(caught.value).split("\n")) <= 3
    assert len(lab.runs()) == before
    assert run.model.run.name == run.name


def test_a_bound_that_the_samples_cannot_show_keeps_the_original(trained: Any) -> None:
    before = len(lab.runs())
    found = lab.compress(trained, quantize="fp16", max_drop=0.001)
    assert (found.chosen, found.run, found.artifact) == (None, None, None)
    assert found["fp16"].verdict == "not enough samples to know"
    assert found.verdict.startswith("The original stays")
    assert len(lab.runs()) == before
    shown = found._repr_mimebundle_()
    assert "not enough samples to know" in shown["text/plain"] and "<script" not in shown["text/html"]
    assert len(shown["text/plain"].split("\n")) <= 12


def test_a_pruned_model_is_trained_and_quantized_and_comes_back_by_name(trained: Any) -> None:
    found = lab.compress(trained, quantize=["int8"], prune=0.5, max_drop=1.0, epochs=1)
    assert [one.name for one in found.candidates] == ["original", "int8", "prune 0.5", "prune 0.5 + int8"]
    assert found.chosen.name == "prune 0.5 + int8"
    pruned = found["prune 0.5"].run
    assert found.run.record["parent"]["run"] == pruned.name == "whole-pruned-50"
    assert pruned.record["parent"]["run"] == "whole"
    model = lab.load_model(pruned.name)
    state, mine = model.module.state_dict(), pruned.model.module.state_dict()
    assert all(torch.equal(state[name], mine[name]) for name in mine)
    assert sum(v.numel() for v in state.values()) < 0.4 * sum(
        v.numel() for v in trained.model.module.state_dict().values()
    )
    assert lab.run(pruned.name).evaluate()["accuracy"] == found["prune 0.5"].measured.score.value
    again = lab.reproduce(pruned)
    weights = again.model.module.state_dict()
    assert all(torch.equal(weights[name], mine[name]) for name in mine)


def test_a_student_follows_its_teacher_and_leaves_it_behind(trained: Any) -> None:
    student = lab.load_model("test_efficientnet.r160_in1k", weights="none", image_size=64)
    found = trained.compress(distill_to=student, max_drop=1.0, epochs=1)
    run = found["distil test_efficientnet.r160_in1k"].run
    assert run is found.run and run.record["parent"]["compression"]["method"] == "distil"
    assert not any(name.startswith(TRAINING) for name in run.model.built.files)
    assert not any(TRAINING in name for name in found.artifact.manifest["files"])
    assert found.artifact.verify().files
    mine = run.model.module.state_dict()
    again = lab.reproduce(run).model.module.state_dict()
    assert all(torch.equal(again[name], mine[name]) for name in mine)


def test_a_student_that_is_no_smaller_is_refused(trained: Any) -> None:
    with pytest.raises(LeptonError, match="not smaller"):
        trained.compress(distill_to="lepton_glyphs")


def test_a_refused_gate_leaves_nothing(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lepton_lab.compression import writer

    real, refused = writer.session, []

    def other(path: Path) -> Any:
        """The first file that is proven lies about its answers here."""
        live = real(path)
        if not refused:
            refused.append(path.stem)
            return Shifted(live)
        return live

    before = {one.name for one in lab.runs()}
    monkeypatch.setattr(writer, "session", other)
    found = trained.compress(quantize="fp16", max_drop=0.3)
    assert refused == ["fp16"] and found.chosen is None
    assert found["fp16"].verdict.startswith("refused by the gate")
    assert {one.name for one in lab.runs()} == before


class Shifted:
    """A session whose logits are off by one."""

    def __init__(self, live: Any) -> None:
        self.live, self.get_inputs, self.get_outputs = live, live.get_inputs, live.get_outputs

    def run(self, names: Any, batch: Any) -> Any:
        return [values + 1.0 for values in self.live.run(names, batch)]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"quantize": "int4"}, NotFoundError, "int4"),
        ({"quantize": "prune"}, LeptonError, "prune"),
        ({"prune": 1.5}, LeptonError, "1.5"),
        ({"max_drop": 2.0}, LeptonError, "max_drop"),
    ],
)
def test_a_wrong_option_is_named_at_once(trained: Any, options: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        lab.compress(trained, **options)


def test_texts_in_int8_are_proven_batch_by_batch(tmp_path: Path) -> None:
    from tests.tiny_texts import make_text_model, make_texts

    table = tmp_path / "texts.csv"
    rows = "\n".join(f"{text},{label}" for text, label in make_texts(90))
    table.write_text(f"text,label\n{rows}\n", "utf-8")
    data = lab.data(table, val=0.2, test=0.5)
    model = lab.load_model(str(make_text_model(tmp_path / "bert")))
    run = model.train(data, epochs=2, learning_rate=3e-3, name="words")
    found = run.compress(quantize="int8", max_drop=0.9)
    assert found.run is not None and found["int8"].agreement > 0.8
    kept = lab.run(found.run.name)
    assert found.artifact.verify().golden > 8
    texts = [data.test.read(i) for i in range(4)]
    labels = [one.label for one in kept.predict(texts)]
    assert labels == [one.label for one in found.artifact.predict(texts)]
    assert kept.evaluate()["accuracy"] == pytest.approx(found.chosen.measured.score.value, abs=0.1)
    with pytest.raises(LeptonError, match="cannot be pruned"):
        run.compress(prune=0.5)
