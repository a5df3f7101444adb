# SPDX-License-Identifier: BSD-3-Clause
"""`lab.clean` from a data set, a run and a line; the page's messages; runs that were trained on edited data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.workbench.cleaning import edits_path
from tests.conftest import make_pictures

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three classes, one with a hostile name; two pictures of it lie in the folder of another."""
    root = make_pictures(tmp_path / "pictures", ("iris", HOSTILE, "tulip"), 16)
    for i in (3, 4):
        (root / HOSTILE / f"{HOSTILE}-{i:02d}.png").rename(root / "iris" / f"wrong-{i}.png")
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def cleaned(source: Any) -> Any:
    return lab.clean(source, model="lepton_glyphs")


def message(cleaning: Any, **content: Any) -> dict[str, Any]:
    """What the page shows after it sent a message."""
    cleaning.page.widget._message(cleaning.page.widget, content, [])
    return cleaning.page.widget.view


def test_the_page_shows_suspects_takes_decisions_and_survives_a_restart(pictures):
    before = contents(pictures)
    cleaning = cleaned(lab.data(pictures))
    view = cleaning.page.widget.view
    names = [item["name"] for item in view["items"]]
    assert {"iris/wrong-3.png", "iris/wrong-4.png"} <= set(names[:4])
    item = next(i for i in view["items"] if i["name"] == "iris/wrong-3.png")
    assert view["classes"][item["suggested"]] == HOSTILE
    assert cleaning.page.widget.pictures[str(item["key"])].startswith("data:image/png;base64,")
    view = message(cleaning, do="relabel", key=item["key"], label=item["suggested"])
    (now,) = [i for i in view["items"] if i["key"] == item["key"]]
    assert (now["action"], view["classes"][now["now"]]) == ("relabel", HOSTILE)
    assert view["edits"] == 1 and view["undo"] and view["said"].endswith(f"is now {HOSTILE}.")
    second = next(i for i in view["items"] if i["name"] == "iris/wrong-4.png")
    message(cleaning, do="drop", key=second["key"])
    only = message(
        cleaning, do="filter", kind="", label=view["classes"].index("iris"), state="done"
    )
    assert {i["name"] for i in only["items"]} == {"iris/wrong-3.png", "iris/wrong-4.png"}

    again = cleaned(lab.data(pictures))
    found = {i["name"]: i["action"] for i in again.page.widget.view["items"]}
    assert (found["iris/wrong-3.png"], found["iris/wrong-4.png"]) == ("relabel", "drop")
    assert message(again, do="undo")["edits"] == 1
    assert message(cleaning, do="page", page=99)["edits"] == 1, "the other kernel sees the undo"
    assert contents(pictures) == before
    assert "<img" not in again.html().replace("&lt;img", "")


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"do": "burn"},
        {"do": "drop"},
        {"do": "drop", "key": 10**9},
        {"do": "drop", "key": "0"},
        {"do": "drop", "key": -1},
        {"do": "relabel", "key": 0, "label": 99},
        {"do": "relabel", "key": 0, "label": None},
        {"do": "page", "page": "x"},
        {"do": "filter", "kind": "x", "label": {}, "state": 3},
    ],
)
def test_a_message_that_makes_no_sense_changes_nothing(content, small):
    view = message(small, **content)
    assert view["edits"] == 0 and view["page"] == 0 and view["filter"]["kind"] == ""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEPTON_RUNS", str(tmp_path_factory.mktemp("small")))
        random = np.random.default_rng(0)
        images = random.integers(0, 255, (40, 16, 16)).astype(np.uint8)
        return cleaned(lab.ImageDataset.from_arrays(images, random.integers(0, 2, 40)))


def test_pages_hold_24_and_the_edits_lie_beside_the_runs(small, own_runs, pictures):
    view = small.page.widget.view
    assert len(view["items"]) == min(24, view["total"])
    path = edits_path(lab.data(pictures))
    assert path.parent == own_runs / "_edits"
    assert path == edits_path(lab.data(pictures, val=0.3)), "however it is split"
    other = make_pictures(pictures.parent / "other" / "pictures", ("a", "b"), 6)
    assert path != edits_path(lab.data(other))


def test_a_run_on_edited_data_is_resumed_with_the_same_labels_while_cleaning_goes_on(pictures):
    cleaning = cleaned(lab.data(pictures))
    cleaning.relabel("iris/wrong-3.png", HOSTILE)
    data = cleaning.apply()
    run = lab.train(
        "lepton_glyphs", data, epochs=5, batch_size=8, workers=0, name="edited", background=True
    )
    run.stop()
    assert run.wait().state == "stopped"
    assert run.record["data"]["fingerprint"] == data.fingerprint()
    cleaning.drop("iris/wrong-4.png")
    run._data = None
    assert run.data.fingerprint() == data.fingerprint()
    assert lab.resume("edited").wait().state == "done"

    again = lab.clean(lab.run("edited"))
    assert again.path == cleaning.path and len(again.edits) == 2
    assert again.data.fingerprint() == lab.data(pictures).fingerprint()
    assert "before it was trained" in again.backbone
    kinds = {reason.kind for suspect in again.suspects for reason in suspect.reasons}
    assert kinds <= {"label", "neighbours", "copies", "loss"}
    frame = again.to_pandas()
    assert frame.set_index("id").loc["iris/wrong-4.png", "edit"] == "drop"


def test_clean_wants_data():
    from lepton_lab.workbench.standing import latest

    latest.data = None
    with pytest.raises(LeptonError, match="No data was used yet"):
        lab.clean()


def test_texts_are_cleaned_like_pictures_and_shown_as_text(tmp_path: Path) -> None:
    from tests.tiny_texts import make_text_model, make_texts

    rows = [
        f"{text};{('money' if name == 'sport' else 'sport') if i == 40 else name}"
        for i, (text, name) in enumerate(make_texts(90))
    ]
    (tmp_path / "r.csv").write_text("\n".join(["text;label", *rows]), "utf-8")
    model = make_text_model(tmp_path / "tiny")
    run = lab.train(str(model), lab.data(tmp_path / "r.csv"), epochs=6, lr=5e-3, layer_decay=1.0)
    cleaning = lab.clean(run)
    first = {cleaning.pool.samples[s.place].id for s in cleaning.suspects[:12]}
    assert "row 000042" in first  # the header is line 1
    cleaning.page._show()
    items = cleaning.page.widget.view["items"]
    shown = {cleaning.pool.samples.read(item["key"]) for item in items}
    assert {item["text"] for item in items} == shown and cleaning.page.widget.pictures == {}


def test_samples_without_one_class_each_are_refused(tmp_path: Path) -> None:
    rows = "\n".join(f"text number {i} of many;{i}.5" for i in range(30))
    (tmp_path / "n.csv").write_text(f"text;score\n{rows}", "utf-8")
    data = lab.data(tmp_path / "n.csv", text="text", label="score", task="text-classification")
    with pytest.raises(LeptonError, match="cannot be cleaned"):
        lab.clean(data)
