# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_lab.errors import DataError
from lepton_lab.metrics.entities import EntityMeasurement, entities, entity_scores

TAGS = st.sampled_from(
    ["O", "B-per", "I-per", "E-per", "S-per", "B-loc", "I-loc", "S-loc", "I-a-b", "B", "I"]
)
SENTENCE = st.lists(st.tuples(TAGS, TAGS), min_size=1, max_size=12)


@given(st.lists(TAGS, max_size=15))
@settings(max_examples=150, deadline=None)
def test_spans_of_any_sequence_are_those_of_seqeval(tags):
    seqeval = pytest.importorskip("seqeval.metrics.sequence_labeling")
    assert entities(tags) == seqeval.get_entities(tags)


@given(st.lists(SENTENCE, min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_every_number_is_that_of_seqeval(sentences):
    seqeval = pytest.importorskip("seqeval.metrics")
    true = [[a for a, _ in sentence] for sentence in sentences]
    predicted = [[b for _, b in sentence] for sentence in sentences]
    measured = EntityMeasurement(true, predicted, resamples=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "f1": seqeval.f1_score(true, predicted),
            "precision": seqeval.precision_score(true, predicted),
            "recall": seqeval.recall_score(true, predicted),
            "accuracy": seqeval.accuracy_score(true, predicted),
        }
        if measured.types:
            expected["f1_macro"] = seqeval.f1_score(true, predicted, average="macro")
            report = seqeval.classification_report(true, predicted, output_dict=True)
    for name, value in expected.items():
        assert measured.values[name] == pytest.approx(value, abs=1e-12), name
    for row in measured.per_type():
        theirs = report[row["type"]]
        assert row["precision"] == pytest.approx(theirs["precision"], abs=1e-12)
        assert row["recall"] == pytest.approx(theirs["recall"], abs=1e-12)
        assert row["f1"] == pytest.approx(theirs["f1-score"], abs=1e-12)
        assert row["support"] == theirs["support"]


def test_cases_that_can_be_counted_by_hand():
    """One of two spans right, one of three predictions: precision 1/3, recall 1/2, F1 2/5."""
    true = [["B-per", "I-per", "O", "B-loc"], ["O", "O"]]
    predicted = [["B-per", "I-per", "O", "B-per"], ["B-loc", "O"]]
    found = entity_scores(true, predicted)
    assert found["precision"] == pytest.approx(1 / 3)
    assert found["recall"] == pytest.approx(1 / 2)
    assert found["f1"] == pytest.approx(2 / 5)
    assert found["f1_macro"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["accuracy"] == pytest.approx(4 / 6)


def test_a_span_with_one_wrong_end_is_no_hit():
    assert entity_scores([["B-x", "I-x", "I-x"]], [["B-x", "I-x", "O"]])["f1"] == 0.0


def test_a_tagger_that_finds_nothing_scores_0_and_not_nan():
    found = entity_scores([["B-x", "O"]], [["O", "O"]])
    assert (found["f1"], found["precision"], found["recall"]) == (0.0, 0.0, 0.0)
    assert found["accuracy"] == 0.5


def test_without_any_span_the_mean_over_types_does_not_exist():
    found = entity_scores([["O"]], [["O"]])
    assert found["f1"] == 0.0
    assert math.isnan(found["f1_macro"])


def test_intervals_contain_their_points_and_do_not_depend_on_chance():
    generator = np.random.default_rng(1)
    names = ["O", "O", "B-x", "I-x", "B-y"]
    true = [[names[i] for i in generator.integers(0, 5, 9)] for _ in range(60)]
    noisy = [[t if generator.random() < 0.8 else "O" for t in sentence] for sentence in true]
    measured = EntityMeasurement(true, noisy)
    for name, (low, high) in measured.intervals.items():
        assert low < measured.values[name] < high, name
    assert measured.intervals == EntityMeasurement(true, noisy).intervals
    for row in measured.per_type():
        assert row["low"] <= row["f1"] <= row["high"]


def test_intervals_come_from_sentences_not_from_words():
    """Ten copies of a word in one sentence are one observation, so the interval stays wide."""
    one, other = ["B-x"] * 10, ["O"] * 10
    measured = EntityMeasurement([one, one, one, one], [one, other, one, other])
    low, high = measured.intervals["recall"]
    assert (low, high) == (0.0, 1.0)


def test_a_perfect_score_on_few_spans_is_not_called_certain():
    low, high = EntityMeasurement([["B-x"]] * 5, [["B-x"]] * 5).intervals["f1"]
    assert low < 0.7
    assert high == 1.0


@pytest.mark.parametrize(
    ("true", "predicted", "said"),
    [
        ([], [], "nothing to evaluate"),
        ([["O"]], [], "1 and 0 sentences"),
        ([["O"], ["O", "O"]], [["O"], ["O"]], "Sentence 1 has 2 true and 1 predicted"),
    ],
)
def test_tags_that_do_not_fit_are_refused(true, predicted, said):
    with pytest.raises(DataError, match=said):
        EntityMeasurement(true, predicted)
