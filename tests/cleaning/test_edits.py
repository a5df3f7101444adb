# SPDX-License-Identifier: BSD-3-Clause
"""The edits file: it survives everything, loses nothing, and names past states for good."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

import lepton_lab as lab
from lepton_lab.cleaning import EditsFile
from lepton_lab.datasets.edits import Edit, content_digest, read
from lepton_lab.errors import DataError, StorageError
from tests.conftest import make_pictures

HOSTILE = '<img src=x onerror=alert(1)>"\n\u202e'


def edit(data: lab.ImageDataset, place: int, action: str, label: str = "") -> Edit:
    sample = data.train[place]
    return Edit(action, sample.id, content_digest(sample, data.checks), label)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_edits_stand_in_order_and_undo_takes_back_one_after_the_other(tmp_path):
    file = EditsFile(tmp_path / "deep" / "edits.jsonl")
    assert file.undo() is None and not file.path.exists()
    first, second = Edit("drop", HOSTILE, "aa"), Edit("relabel", HOSTILE, "aa", "</script>")
    file.add(first)
    file.add(second)
    assert EditsFile(file.path).log.edits == (first, second)
    assert file.log.standing == {HOSTILE: second}
    assert file.undo() == second
    assert file.log.standing == {HOSTILE: first}
    file.add(Edit("keep", "\udcff.png", "bb"))
    assert [e.id for e in EditsFile(file.path).log.edits] == [HOSTILE, "\udcff.png"]
    assert len(file.path.read_text().splitlines()) == 4, "nothing is ever taken out"


def test_damaged_and_torn_lines_are_passed_over_and_never_swallow_the_next_edit(tmp_path):
    file = EditsFile(tmp_path / "edits.jsonl")
    file.add(Edit("drop", "a", "aa"))
    with file.path.open("ab") as raw:
        raw.write(b'\xff\x00 no json\n[1, 2]\n{"action": "burn", "id": "x", "digest": "1"}\n')
        raw.write(b'{"action": "drop", "id": 3, "digest": "1"}\n{"action": "rel')
    file.add(Edit("keep", "b", "bb"))
    log = read(file.path)
    assert [e.id for e in log.edits] == ["a", "b"]
    assert (log.damaged, log.lines) == (5, 7)


def test_two_writers_lose_nothing_and_see_each_other(tmp_path):
    files = [EditsFile(tmp_path / "edits.jsonl") for _ in range(2)]

    def write(file: EditsFile, name: str) -> None:
        for i in range(40):
            file.add(Edit("drop", f"{name}{i}", "aa"))

    threads = [threading.Thread(target=write, args=pair) for pair in zip(files, "ab", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files[0].log.standing.keys() == files[1].log.standing.keys()
    assert len(files[0].log.standing) == 80 and files[0].log.damaged == 0
    last = files[0].log.edits[-1]
    assert files[1].undo() == last and last not in files[0].log.edits


def test_a_file_that_cannot_be_written_is_told_in_three_lines(tmp_path):
    (tmp_path / "blocked").write_text("")
    with pytest.raises(StorageError, match="Nothing was changed"):
        EditsFile(tmp_path / "blocked" / "edits.jsonl").add(Edit("drop", "a", "aa"))


def test_an_edited_data_set_differs_in_its_edits_alone_and_no_file_is_touched(flowers, tmp_path):
    before = contents(flowers)
    data = lab.data(flowers)
    print_before, file = data.fingerprint(), EditsFile(tmp_path / "edits.jsonl")
    other = next(c for c in data.classes if c != data.classes[data.train[0].label])
    file.add(edit(data, 0, "relabel", other))
    file.add(edit(data, 1, "drop"))
    file.add(edit(data, 2, "keep"))
    changed = data.edited(file.path)
    assert len(changed.train) == len(data.train) - 1
    assert changed.classes[changed.train[0].label] == other
    assert changed.train[0].id == data.train[0].id
    assert [s.id for s in changed.train[1:]] == [s.id for s in data.train[2:]]
    assert [s.label for s in changed.val] == [s.label for s in data.val]
    assert changed.fingerprint() != print_before == data.fingerprint()
    assert changed.original is data and "edited" in {f.code for f in changed.problems}
    again = lab.data(flowers, edits=file.path)
    assert again.fingerprint() == changed.fingerprint()
    assert contents(flowers) == before


def test_a_state_stays_what_it_was_while_the_cleaning_goes_on(flowers, tmp_path):
    data, file = lab.data(flowers), EditsFile(tmp_path / "edits.jsonl")
    file.add(edit(data, 0, "drop"))
    then = data.edited(file.path)
    assert then.spec.edits.endswith("edits.jsonl@1")
    file.undo()
    file.add(edit(data, 1, "drop"))
    assert lab.data(flowers, edits=then.spec.edits).fingerprint() == then.fingerprint()
    assert data.edited(file.path).fingerprint() != then.fingerprint()
    file.path.write_text("")
    with pytest.raises(DataError, match="shorter than it was"):
        lab.data(flowers, edits=then.spec.edits)
    with pytest.raises(DataError, match="no edits file"):
        lab.data(flowers, edits="nowhere.jsonl")


def test_an_edit_is_not_applied_to_another_picture_of_the_same_name(flowers, tmp_path):
    data, file = lab.data(flowers), EditsFile(tmp_path / "edits.jsonl")
    lost = edit(data, 0, "drop")
    file.add(lost)
    make_pictures(tmp_path / "new", ("iris", "rose", "tulip"), 1, side=48)
    new = next((tmp_path / "new").rglob("*.png"))
    (flowers / lost.id).write_bytes(new.read_bytes())
    changed = lab.data(flowers, edits=file.path)
    assert [f.ids for f in changed.problems if f.code == "edits-lost"] == [(lost.id,)]
    assert len(changed.train) + len(changed.val) + len(changed.test) == 48


def test_dropping_all_of_train_is_refused(flowers, tmp_path):
    data, path = lab.data(flowers), tmp_path / "edits.jsonl"
    lines = [
        {"action": "drop", "id": s.id, "digest": content_digest(s, data.checks)} for s in data.train
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    with pytest.raises(DataError, match="every sample of train"):
        data.edited(path)
