# SPDX-License-Identifier: BSD-3-Clause
"""Labels in a model's own terms, or refused: never counted under another class's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.workbench.held_out import label_in, targets_of
from tests.datasets import mask_trees
from tests.tasks import test_object_detection as boxes
from tests.tasks import test_token_classification as words
from tests.tiny_texts import make_texts


def test_one_class_per_sample_is_told_by_its_name() -> None:
    rows = [{"text": text, "label": name} for text, name in make_texts(60) if name != "money"]
    split = lab.data(rows).train
    assert split.classes == ("food", "sport")
    classes = ("sport", "money", "food")
    found = targets_of(classes, split)
    assert [classes[i] for i in found] == [split.classes[i] for i in split.targets]
    label = label_in(classes, split)
    assert [label(sample.label) for sample in split] == found.tolist() and label(None) is None
    assert label_in(("food", "win"), split)(1) is None
    with pytest.raises(LeptonError, match="does not know sport"):
        targets_of(("food", "win"), split)


def _several(root: Path) -> Any:
    texts = make_texts(60)
    return lab.data([{"text": t, "label": n + ("|long" if len(t) > 40 else "")} for t, n in texts])


KINDS: dict[str, Callable[[Path], Any]] = {
    "classes": _several,
    "tags": lambda root: lab.data(words.write(root / "menu.jsonl", words.sentences(30))),
    "boxes": lambda root: lab.data(boxes.shapes(root / "shapes")),
    "mask": lambda root: lab.data(mask_trees.shapes(root / "masks", 8)),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_other_labels_in_another_order_are_refused_in_three_lines(
    kind: str, tmp_path: Path
) -> None:
    split = KINDS[kind](tmp_path).train
    assert split.labels.name == kind
    turned = tuple(reversed(split.classes))
    with pytest.raises(LeptonError, match="in another order") as caught:
        targets_of(turned, split)
    assert len(str(caught.value).split("\n")) <= 3
    assert label_in(turned, split)(split[0].label) is None
    assert len(targets_of(tuple(split.classes), split)) == len(split)
