# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn import metrics as sk

from lepton_lab.errors import DataError
from lepton_lab.evaluation import Evaluation
from lepton_lab.rendering import Table
from tests.metrics.predictions import predictions, seeded

AVERAGES = [f"{m}_{a}" for m in ("precision", "recall", "f1") for a in ("micro", "weighted")]
RANKED = ["log_loss", "roc_auc", "average_precision", "ece", "brier"]
KEYS = ["accuracy", "balanced_accuracy", "precision", "recall", "f1", *AVERAGES, *RANKED, "n"]


def evaluation(n=200, classes=3, **options):
    p, t = seeded(n, classes)
    return Evaluation.from_predictions(p, t, [f"class {i}" for i in range(classes)], **options)


def test_it_is_a_mapping_with_the_same_keys_everywhere():
    ev = evaluation()
    assert set(ev) == set(KEYS)
    assert set(evaluation(classes=6)) == {*KEYS, "top5"}
    assert dict(ev)["n"] == 200
    assert set(ev.intervals) == set(KEYS) - {"n"}
    with pytest.raises(KeyError):
        ev["acc"]


def test_the_numbers_are_scikit_learns():
    ev = evaluation(classes=4)
    t, guessed = ev.targets, ev.predictions
    assert ev["accuracy"] == pytest.approx(sk.accuracy_score(t, guessed))
    assert ev["f1"] == pytest.approx(sk.f1_score(t, guessed, average="macro"))
    area = sk.roc_auc_score(t, ev.probabilities, multi_class="ovr")
    assert ev["roc_auc"] == pytest.approx(area)
    np.testing.assert_array_equal(ev.confusion, sk.confusion_matrix(t, guessed))


def test_the_worst_samples_are_those_with_the_highest_loss_named():
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.5, 0.5]])
    ev = Evaluation.from_predictions(p, [0, 1, 0, 0], ["cat", "dog"], ids=["a", "b", "c", "d"])
    worst = ev.worst(2)
    assert [sample.id for sample in worst] == ["b", "c"]
    assert worst[0][1:4] == ("dog", "cat", 0.9)
    assert worst[0].loss == pytest.approx(-math.log(0.1))
    assert len(ev.worst(99)) == 4
    assert ev.worst(0) == []


def test_confused_pairs_come_most_frequent_first_with_the_surest_mistakes_as_examples():
    p = np.array([[0.4, 0.6, 0], [0.1, 0.9, 0], [0, 1, 0], [0.2, 0.1, 0.7], [1, 0, 0]])
    ev = Evaluation.from_predictions(p, [0, 0, 1, 1, 0], ["x", "y", "z"], ids=list("abcde"))
    first, second = ev.confused()
    assert first == ("x", "y", 2, 3, ("b", "a"))
    assert second == ("y", "z", 1, 2, ("d",))
    assert ev.confused(1, examples=1)[0].examples == ("b",)


def test_a_perfect_model_confuses_nothing():
    ev = Evaluation.from_predictions(np.eye(3), [0, 1, 2], "abc")
    assert ev.confused() == []
    assert "misclassified" in ev._repr_mimebundle_()["text/html"]


def test_absent_and_rare_classes_are_told_in_the_notes_and_are_none_in_json():
    p, t = seeded(60, 4)
    t = np.where(t == 3, 0, t)
    t[t == 2] = 1
    t[0] = 2
    ev = Evaluation.from_predictions(p, t, ["a", "b", "rare", "absent"], notes=["chosen on val"])
    assert ev.notes[0] == "chosen on val"
    assert any("3 of 4 classes" in note and "absent" in note for note in ev.notes)
    assert any("Fewer than 5" in note and "rare" in note for note in ev.notes)
    columns = ev.to_dict()["per_class"]
    assert columns["recall"][3] is columns["roc_auc"][3] is columns["recall_low"][3] is None
    row = ev.per_class.rows[3]
    assert list(row[:3]) == ["absent", 0, "–"]
    assert "n/a" in ev.per_class.note


@settings(max_examples=40, deadline=None)
@given(predictions())
def test_every_evaluation_is_strict_json_and_shows_itself_in_twelve_lines(case):
    p, t = case
    ev = Evaluation.from_predictions(p, t, [f"c{i}" for i in range(p.shape[1])])
    told = json.loads(json.dumps(ev.to_dict(), allow_nan=False))
    assert told["metrics"]["n"] == len(t)
    assert sum(count for _, _, count in told["confusion"]) == len(t)
    shown = ev._repr_mimebundle_()
    assert len(shown["text/plain"].split("\n")) <= 12
    assert all(len(line) <= 120 for line in shown["text/plain"].split("\n"))
    assert shown["text/html"].startswith("<div")


def test_one_sample_of_one_class_is_measured_as_far_as_it_goes():
    ev = Evaluation.from_predictions([[1.0]], [0], ["only"])
    assert ev["accuracy"] == 1
    assert math.isnan(ev["roc_auc"])
    assert ev.to_dict()["metrics"]["roc_auc"] is None
    assert "n/a" in str(ev)


def test_the_text_has_each_headline_number_with_its_interval_and_n():
    ev = evaluation(classes=6, split="val", notes=["val also chose the best epoch"])
    text = str(ev)
    low, high = ev.intervals["f1"]
    assert f"{ev['f1']:.3f} [{low:.3f}, {high:.3f}]" in text
    assert text.startswith("Evaluation on val: 200 samples, 6 classes")
    assert "note: val also chose the best epoch" in text
    assert "most confused: class" in text


def test_too_many_notes_are_counted_not_cut_off_in_silence():
    ev = evaluation(notes=[f"note {i}" for i in range(20)])
    lines = str(ev).split("\n")
    assert len(lines) == 12
    assert lines[-1] == "… 16 more notes (.notes)"


def test_pandas_gets_a_row_per_sample_or_per_class():
    ev = evaluation()
    frame = ev.to_pandas()
    assert list(frame) == ["id", "true", "predicted", "correct", "probability", "loss"]
    assert frame["correct"].mean() == pytest.approx(ev["accuracy"])
    assert frame["loss"].mean() == pytest.approx(ev["log_loss"])
    by_class = ev.to_pandas("classes")
    assert by_class["f1"].mean() == pytest.approx(ev["f1"])
    assert by_class["n"].sum() == 200
    with pytest.raises(ValueError, match="'samples' or 'classes'"):
        ev.to_pandas("pixels")


def test_the_class_table_has_an_interval_for_each_recall():
    table = evaluation().per_class
    assert isinstance(table, Table)
    assert len(table.rows) == 3
    assert " to " in table.rows[0][4]


def test_arrays_and_names_that_do_not_fit_are_refused():
    p, t = seeded(10, 3)
    with pytest.raises(DataError, match="2 class names for 3 outputs"):
        Evaluation.from_predictions(p, t, ["a", "b"])
    with pytest.raises(DataError, match="9 ids for 10 samples"):
        Evaluation.from_predictions(p, t, "abc", ids=list("123456789"))
    with pytest.raises(DataError, match=r"'s4\.jpg'"):
        bad = p.copy()
        bad[4] = np.nan
        Evaluation.from_predictions(bad, t, "abc", ids=[f"s{i}.jpg" for i in range(10)])


def test_two_evaluations_of_the_same_samples_are_compared_in_pairs():
    p, t = seeded(300, 3)
    better = Evaluation.from_predictions((p + 2 * np.eye(3)[t]) / 3, t, "abc")
    ev = Evaluation.from_predictions(p, t, "abc")
    assert ev.compare(better).better == "b"
    with pytest.raises(DataError, match="same samples"):
        ev.compare(Evaluation.from_predictions(p[1:], t[1:], "abc"))


def test_the_repr_is_one_line():
    assert repr(evaluation()).startswith("Evaluation(split='test', n=200, accuracy=0.")
