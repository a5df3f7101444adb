# SPDX-License-Identifier: BSD-3-Clause
"""Planted errors are found, and a head gets better when they are put right."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lepton_lab as lab
from lepton_lab.catalog import build
from lepton_lab.cleaning import Desk, Pool, features, head, neighbours
from lepton_lab.errors import LeptonError, NotFoundError
from lepton_lab.spec import ModelSpec

COUNT = 600


def digits(share: float) -> tuple[lab.ImageDataset, dict[str, str]]:
    """Digits with a share of wrong labels, and the true label of each sample that was made wrong."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images, truth = (found.images[:COUNT] * 15.9).astype(np.uint8), found.target[:COUNT]
    random, labels = np.random.default_rng(1), truth.copy()
    wrong = random.choice(COUNT, int(share * COUNT), replace=False)
    labels[wrong] = (labels[wrong] + random.integers(1, 10, len(wrong))) % 10
    data = lab.ImageDataset.from_arrays(images, labels)
    return data, {f"{i:05d}": str(truth[i]) for i in wrong}


@pytest.fixture(scope="module")
def backbone() -> Any:
    return build(ModelSpec("lepton_glyphs"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


def desk(data: lab.ImageDataset, backbone: Any, folder: Path, path: Path) -> Desk:
    pool = Pool.of(data)
    return Desk(data, features(backbone, pool.samples, pool.digests, folder), path)


def test_most_planted_errors_are_found_and_the_top_of_the_list_is_right(backbone, folder, tmp_path):
    data, planted = digits(0.05)
    found = desk(data, backbone, folder, tmp_path / "edits.jsonl")
    ids = [found.pool.samples[s.place].id for s in found.suspects]
    top = ids[: len(planted)]
    assert len(planted.keys() & set(top)) / len(top) >= 0.85
    assert len(planted.keys() & set(ids)) / len(planted) >= 0.9
    assert len(ids) <= 2 * len(planted)
    first = found.suspects[0]
    assert found.pool.classes[first.suggested] == planted[ids[0]]
    assert {r.kind for r in first.reasons} == {"label", "neighbours"}
    assert f'"{planted[ids[0]]}"' in first.reasons[0].words


def test_the_head_gets_better_as_errors_are_put_right_and_undo_takes_it_back(
    backbone, folder, tmp_path
):
    data, planted = digits(0.3)
    found = desk(data, backbone, folder, tmp_path / "edits.jsonl")
    start = found.score
    assert start.before == start.after and start.edited is None
    for name, truth in planted.items():
        if found.pool.sides[found.pool.places[name]] == "train":
            found.relabel(name, truth)
    better = found.score
    assert better.before == start.before and better.side == "val"
    assert better.after.value > start.after.value
    assert better.edited is None and better.after.low < better.after.value < better.after.high
    held = next(n for n in planted if found.pool.sides[found.pool.places[n]] == "val")
    found.relabel(held, planted[held])
    found.drop(data.val[0].id if data.val[0].id != held else data.val[1].id)
    told = found.score
    assert told.after == better.after, "edits of val do not move the number that is compared"
    assert told.edits == 2 and told.edited.n == told.after.n - 1
    assert "no gain of the model" in told.text()
    again = desk(data, backbone, folder, tmp_path / "edits.jsonl")
    assert again.edits == found.edits and again.score == told, "a restart changes nothing"
    while found.undo():
        pass
    assert found.score == start and again.score == start
    assert found.history == ()


def test_apply_gives_the_edited_data_and_leaves_the_given_one(backbone, folder, tmp_path):
    data, _ = digits(0.05)
    before = data.fingerprint()
    found = desk(data, backbone, folder, tmp_path / "edits.jsonl")
    assert found.apply() is data
    found.drop(data.train[0].id)
    assert len(found.apply().train) == len(data.train) - 1
    assert data.fingerprint() == before
    with pytest.raises(NotFoundError, match="no sample"):
        found.keep("</script>")
    with pytest.raises(NotFoundError, match="no class"):
        found.relabel(data.train[0].id, "<b>")


def test_features_are_computed_once_and_a_damaged_file_is_made_anew(
    backbone, tmp_path, monkeypatch
):
    import lepton_lab.training.evaluate as evaluate

    data, _ = digits(0.0)
    pool = Pool.of(data)
    few, digests = pool.samples[:40], pool.digests[:40]
    calls: list[int] = []
    real = evaluate.outputs

    def counted(task: Any, module: Any, split: Any, **options: Any) -> Any:
        calls.append(len(split))
        return real(task, module, split, **options)

    import importlib

    module = importlib.import_module("lepton_lab.cleaning.features")
    monkeypatch.setattr(evaluate, "outputs", counted)
    monkeypatch.setattr(module, "_memory", {})
    first = module.features(backbone, few, digests, tmp_path)
    monkeypatch.setattr(module, "_memory", {})
    assert np.array_equal(module.features(backbone, few, digests, tmp_path), first)
    assert calls == [40], "the file serves the next kernel"
    module.features(backbone, pool.samples[:50], pool.digests[:50], tmp_path)
    assert calls == [40, 10], "only new pictures are computed"
    (file,) = tmp_path.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    monkeypatch.setattr(module, "_memory", {})
    assert np.allclose(module.features(backbone, few, digests, tmp_path), first, atol=1e-5)


def test_copies_with_other_labels_are_suspects(backbone, folder, tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (30, 40, 40, 3)).astype(np.uint8)
    images[1], images[3] = images[0], images[2]
    labels = ["<b>a", "b", "b", "b"] + ["<b>a", "b"] * 13
    data = lab.ImageDataset.from_arrays(images, labels)
    found = desk(data, backbone, folder, tmp_path / "edits.jsonl")
    reasons = {
        found.pool.samples[s.place].id: r
        for s in found.suspects
        for r in s.reasons
        if r.kind == "copies"
    }
    assert set(reasons) == {"00000", "00001", "00002"} or set(reasons) == {
        "00000",
        "00001",
        "00003",
    }
    assert reasons["00000"].weight > 0.5 and '"b"' in reasons["00000"].words


def test_without_cleanlab_the_error_says_what_to_install(backbone, folder, tmp_path, monkeypatch):
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("cleanlab"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    data, _ = digits(0.0)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(LeptonError, match=r"lepton-lab\[clean\]"):
        desk(data, backbone, folder, tmp_path / "edits.jsonl")


def test_no_sample_is_judged_by_a_head_that_saw_a_copy_of_it():
    labels = np.repeat(np.arange(3), 20)
    groups = np.array([str(i // 2) for i in range(60)], dtype=object)
    folds = head._folds(labels, groups)
    assert (folds[::2] == folds[1::2]).all() and len(set(folds)) == head.FOLDS


def test_neighbours_are_the_most_similar_others():
    x = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    near = neighbours.nearest(x, 1)
    assert near.tolist() == [[1], [0], [3], [2]]
    assert neighbours.votes(np.array([0, 1, 1, 1]), near, 2).tolist() == [
        [0, 1],
        [1, 0],
        [0, 1],
        [0, 1],
    ]


def test_a_set_of_copies_with_nothing_held_out_is_no_error(backbone, folder, tmp_path):
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16)
    data = lab.ImageDataset.from_arrays([picture] * 4, ["a", "b", "a", "b"], val=0, test=0)
    found = desk(data, backbone, folder, tmp_path / "edits.jsonl")
    assert found.score is None
    assert {reason.kind for suspect in found.suspects for reason in suspect.reasons} >= {"copies"}
