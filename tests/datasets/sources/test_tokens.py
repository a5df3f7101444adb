# SPDX-License-Identifier: BSD-3-Clause
"""Words with tags from files and tables: what is read, what is said, what is left out."""

from __future__ import annotations

import json

import pytest

import lepton_lab as lab
from lepton_lab.datasets.sources import sources
from lepton_lab.datasets.sources.tokens import recognizes
from lepton_lab.errors import DataError

CONLL = """-DOCSTART- -X- O O

Anna NNP I-NP B-PER
Smith NNP I-NP I-PER
lives VBZ I-VP O
in IN I-PP O
Paris NNP I-NP B-LOC

Bob NNP I-NP B-PER
left VBD I-VP O
"""
WHOLE = {"val": 0.0, "test": 0.0, "dedupe": False}


def read(source, **options):
    """All samples: id -> (words, tags), and the data set."""
    data = lab.data(source, **{**WHOLE, **options})
    assert (data.content, data.labels, data.task) == ("tokens", "tags", "token-classification")
    found = {
        s.id: (list(s.payload), [data.classes[tag] for tag in s.label])
        for split in data.splits()
        for s in split
    }
    return data, found


def said(data, code):
    return next(f for f in data.problems if f.code == code)


def write(path, text):
    path.write_text(text, "utf-8")
    return path


def test_columns_of_a_shared_task(tmp_path):
    data, found = read(write(tmp_path / "eng.conll", CONLL))
    assert found == {
        "eng/00001": (
            ["Anna", "Smith", "lives", "in", "Paris"],
            ["B-PER", "I-PER", "O", "O", "B-LOC"],
        ),
        "eng/00002": (["Bob", "left"], ["B-PER", "O"]),
    }
    assert data.classes == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert dict(data.columns) == {"tokens": "1", "tags": "4"}
    assert said(data, "guessed-columns").what.startswith("The lines have 4 columns")


@pytest.mark.parametrize("separator", [" ", "\t", "   "])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_two_columns_between_blanks_or_tabs(tmp_path, separator, ends):
    lines = ["Anna|B-PER", "left|O", "", "", "in|O", "Rome|B-LOC", "  ", "# |O".replace(" ", "")]
    text = ends.join(lines).replace("|", separator)
    _, found = read(write(tmp_path / "a.txt", text))
    assert [words for words, _ in found.values()] == [["Anna", "left"], ["in", "Rome"], ["#"]]


def test_other_encodings_and_comments(tmp_path):
    text = "# id = 1\nJosé B-PER\nleft O\n\n# id = 2\nBob B-PER\n"
    for encoding in ("utf-8-sig", "utf-16", "latin-1"):
        path = tmp_path / f"{encoding}.conll"
        path.write_bytes(text.encode(encoding))
        data, found = read(path)
        assert [words for words, _ in found.values()] == [["José", "left"], ["Bob"]]
        assert said(data, "encoding").severity == "info"


def test_only_a_line_feed_ends_a_line(tmp_path):
    """U+2028 and U+0085 stand within words of real social text."""
    _, found = read(write(tmp_path / "a.conll", "a\u2028b B-X\nc\u0085 O\n"))
    assert list(found.values()) == [(["a\u2028b", "c\u0085"], ["B-X", "O"])]


def test_a_word_of_nothing_between_tabs_stays_a_word(tmp_path):
    data, found = read(write(tmp_path / "a.conll", "Rome\tB-LOC\n\tO\nfell\tO\n"))
    assert list(found.values()) == [(["Rome", "", "fell"], ["B-LOC", "O", "O"])]
    finding = data.audit()["invisible-words"]
    assert finding.count == 1


def test_a_number_before_each_word_is_no_word(tmp_path):
    text = "1\tAnna\tB-PER\n2\tleft\tO\n\n1\tBob\tB-PER\n"
    _, found = read(write(tmp_path / "a.tsv", text))
    assert [words for words, _ in found.values()] == [["Anna", "left"], ["Bob"]]


def test_another_tag_column_by_its_number(tmp_path):
    path = write(tmp_path / "a.conll", CONLL)
    data, found = read(path, tags="3")
    assert found["a/00001"][1] == ["B-NP", "I-NP", "B-VP", "B-PP", "B-NP"]
    assert said(data, "tag-scheme").what.startswith("The tags are in IOB1")
    with pytest.raises(DataError, match='no column "9"') as error:
        read(path, tags="9")
    assert "4 columns" in error.value.why and "tags='4'" in error.value.todo


def test_a_line_of_another_width_costs_its_sentence_and_is_named(tmp_path):
    text = "Anna B-PER\nleft O\n\nNew York B-LOC\n\nBob B-PER\n"
    data, found = read(write(tmp_path / "a.conll", text))
    assert [words for words, _ in found.values()] == [["Anna", "left"], ["Bob"]]
    finding = said(data, "ragged-rows")
    assert finding.severity == "error"
    assert finding.ids == ("a.conll, sentence of line 4",)
    assert finding.details == ("3 columns in its line 1",)


def test_broken_sequences_are_named_and_read_as_the_metric_reads_them(tmp_path):
    text = "Anna B-PER\nleft O\nRome I-LOC\n\nBob B-PER\n"
    data, found = read(write(tmp_path / "a.conll", text))
    assert found["a/00001"][1] == ["B-PER", "O", "B-LOC"]
    finding = said(data, "broken-tags")
    assert finding.ids == ("a/00001",)
    assert finding.details == ('O before I-LOC at word 3, "Rome"',)


def test_a_folder_with_a_file_per_split(tmp_path):
    for name in ("eng.train", "eng.testa", "eng.testb"):
        write(tmp_path / name, CONLL.replace("Bob", name.replace(".", "")))
    write(tmp_path / "README.md", "nothing")
    data, _ = read(tmp_path)
    assert {split.name: len(split) for split in data.splits()} == {"train": 2, "val": 2, "test": 2}


def test_documents_stay_on_one_side(tmp_path):
    parts = [f"-DOCSTART- O\n\nAnna{i} B-PER\n\nleft{i} O\n\nRome{i} B-LOC\n" for i in range(12)]
    data, _ = read(write(tmp_path / "a.conll", "\n".join(parts)), val=0.3)
    sides = {split.name: {int(s.id.rsplit("/")[-1]) - 1 for s in split} for split in data.splits()}
    documents = {side: {i // 3 for i in ids} for side, ids in sides.items()}
    assert documents["train"] and documents["val"]
    assert not documents["train"] & documents["val"]
    assert said(data, "documents").count == 12


def test_json_lines(tmp_path):
    rows = [
        {"tokens": ["Anna", "left"], "ner_tags": ["B-PER", "O"]},
        {"tokens": ["Rome", "007"], "ner_tags": ["B-NA", "B-007"]},
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    data, found = read(path)
    assert list(found.values())[1] == (["Rome", "007"], ["B-NA", "B-007"])
    assert "I-NA" in data.classes and "I-007" in data.classes


def test_bad_rows_are_named_by_kind(tmp_path):
    rows = [
        {"tokens": ["Anna", "left"], "tags": ["B-PER", "O"]},
        {"tokens": ["Rome"], "tags": ["O", "O"]},
        {"tokens": [], "tags": []},
        {"tokens": ["x", "y"], "tags": ["O", None]},
        {"tokens": [" ", ""], "tags": ["O", "O"]},
        {"tokens": ["Bob"], "tags": ["B-PER"]},
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    data, found = read(path)
    assert len(found) == 2
    assert said(data, "ragged-tags").details == ("1 word, 2 tags",)
    assert said(data, "missing-tags").details == ('word 2, "y"',)
    assert said(data, "empty-sentences").count == 2
    assert {"ragged-tags", "missing-tags"} <= set(data.audit().codes)


def test_numbers_without_names_are_refused_until_a_file_names_them(tmp_path):
    rows = [{"tokens": ["Anna", "left"], "ner_tags": [1, 0]}, {"tokens": ["x"], "ner_tags": [-100]}]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError, match="nothing says what they mean") as error:
        read(path)
    assert "labels.txt" in error.value.todo
    write(tmp_path / "labels.txt", "O\nB-PER\nI-PER\n")
    data, found = read(path)
    assert list(found.values()) == [(["Anna", "left"], ["B-PER", "O"])]
    assert said(data, "missing-tags").count == 1


def test_features_of_the_datasets_library():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=["O", "B-PER", "I-PER"])),
        }
    )
    rows = {"tokens": [["Anna", "Smith"], ["left"]], "ner_tags": [[1, 2], [0]]}
    table = datasets.Dataset.from_dict(rows, features=features)
    data, found = read(table)
    assert list(found.values()) == [(["Anna", "Smith"], ["B-PER", "I-PER"]), (["left"], ["O"])]
    both, _ = read(datasets.DatasetDict({"train": table, "validation": table}))
    assert len(both.train) == len(both.val) == 2
    assert data.classes == both.classes


def test_records_in_memory_and_tags_without_marks():
    data, found = read(
        [
            {"words": ["Anna", "Smith", "left"], "labels": ["PER", "PER", "O"]},
            {"words": ["Rome"], "labels": ["LOC"]},
        ]
    )
    assert next(iter(found.values()))[1] == ["B-PER", "I-PER", "O"]
    assert said(data, "tag-scheme").what == "The tags have no B- and I-."


def test_words_without_any_entity_are_nothing_to_train_on(tmp_path):
    with pytest.raises(DataError, match=r"No word .* bears a tag but O") as error:
        read(write(tmp_path / "a.conll", "a O\nb O\n"))
    assert "1 sentence" in error.value.why


def test_an_unknown_type_in_val_stops_with_its_name(tmp_path):
    write(tmp_path / "train.conll", "Anna B-PER\n\nBob B-PER\n")
    write(tmp_path / "dev.conll", "Rome B-LOC\n")
    with pytest.raises(DataError, match="not in train") as error:
        read(tmp_path)
    assert "B-LOC" in str(error.value)


@pytest.mark.parametrize("text", ["", "one\ncolumn\n", "-DOCSTART- O\n", "a b\nc d e\nf\n\n"])
def test_a_file_that_claims_to_be_columns_and_is_not_is_refused(tmp_path, text):
    with pytest.raises(DataError):
        read(write(tmp_path / "a.conll", text), task="token-classification")


def test_only_what_looks_like_words_with_tags_is_recognized(tmp_path):
    assert recognizes(write(tmp_path / "a.txt", CONLL))
    for name, text in {
        "notes.txt": "A sentence with words.\nAnother one here.\n",
        "b.tsv": "text\tlabel\nwell done\tpos\n",
        "c.csv": "word,tag\nAnna,B-PER\n",
        "empty.txt": "",
    }.items():
        assert not recognizes(write(tmp_path / name, text)), name
    assert not recognizes(tmp_path / "none.conll")
    assert not recognizes(["Anna"]) and not recognizes("a\0b")
    first = next(s for s in sources if s.recognizes(tmp_path / "a.txt"))
    assert first.name == "tokens"
