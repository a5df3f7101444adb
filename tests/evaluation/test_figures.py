# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from lepton_lab.errors import NotFoundError
from lepton_lab.evaluation import Evaluation, plots
from lepton_lab.evaluation.drawings.confusion import most_confused_classes
from lepton_lab.evaluation.figures import PLOTLY
from lepton_lab.evaluation.svg import Series
from tests.metrics.predictions import seeded

KINDS = ("confusion", "roc", "pr", "calibration", "per_class")
SVG = "{http://www.w3.org/2000/svg}"


def evaluation(n=300, classes=3, **options):
    p, t = seeded(n, classes)
    return Evaluation.from_predictions(p, t, [f"class {i}" for i in range(classes)], **options)


def words(svg):
    return [text.strip() for text in ElementTree.fromstring(svg).itertext() if text.strip()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [1, 2, 3, 35])
def test_every_chart_is_valid_plotly_strict_json_and_xml(kind, classes):
    figure = evaluation(classes=classes).plot(kind)
    shown = figure._repr_mimebundle_()
    assert set(shown) == {PLOTLY, "image/svg+xml", "text/plain"}
    json.dumps(shown[PLOTLY], allow_nan=False)
    assert len(figure.to_plotly().data) == len(figure.data)
    assert ElementTree.fromstring(shown["image/svg+xml"]).tag == f"{SVG}svg"
    assert len(figure.svg) < 60_000
    assert repr(figure) == shown["text/plain"] != ""


def test_an_unknown_chart_names_the_nearest():
    with pytest.raises(NotFoundError, match="confusion"):
        evaluation().plot("confuson")


def test_the_five_charts_are_registered_with_a_description():
    evaluation().plot()
    assert set(KINDS) <= set(plots.names())
    assert all(plot.description for plot in plots)


def test_the_confusion_picture_holds_every_count_of_the_matrix():
    ev = evaluation(classes=4)
    figure = ev.plot("confusion")
    expected = sorted(str(count) for count in ev.confusion.ravel() if count)
    found = sorted(word for word in words(figure.svg) if word.isdigit())
    assert found == expected
    assert np.array(figure.data[0]["z"]).sum(axis=1) == pytest.approx(np.ones(4), abs=1e-3)
    assert f"{300 - np.trace(ev.confusion)} of 300 wrong" in figure.text


def test_of_many_classes_the_most_confused_block_is_shown_and_said():
    confusion = np.diag(np.full(100, 5))
    confusion[7, 93] = confusion[50, 51] = 4
    shown = most_confused_classes(confusion)
    assert len(shown) == 30
    assert {7, 93, 50, 51} <= set(shown)
    assert (np.diff(shown) > 0).all()
    figure = evaluation(classes=40).plot("confusion")
    assert "the 30 of 40 classes with the most errors" in figure.text
    assert "the 30 of 40 classes" in words(figure.svg)[0]
    assert len(figure.data[0]["z"]) == 30


def test_curves_carry_the_area_of_their_class_lowest_first():
    ev = evaluation(classes=12)
    for kind, column in (("roc", "roc_auc"), ("pr", "average_precision")):
        figure = ev.plot(kind)
        lowest = np.sort(ev.class_columns()[column])[:8]
        assert [float(trace["name"].split()[0]) for trace in figure.data] == pytest.approx(
            lowest, abs=6e-4
        )
        assert "the 8 lowest of 12 classes" in figure.text
        assert all(len(trace["x"]) <= 200 for trace in figure.data)


def test_the_curve_of_two_classes_is_that_of_the_second():
    figure = evaluation(classes=2).plot("roc")
    assert len(figure.data) == 1
    assert figure.data[0]["name"].endswith("class 1")


def test_no_two_lines_share_both_colour_and_dash():
    nothing = np.zeros(1)
    lines = [Series.styled(i, "", nothing, nothing) for i in range(16)]
    assert len({(line.color, line.dash) for line in lines}) == 16


def test_samples_of_one_class_have_no_curve_and_the_chart_says_so():
    p, _ = seeded(20, 3)
    figure = Evaluation.from_predictions(p, np.zeros(20, int), "abc").plot("roc")
    assert figure.data == []
    assert "all samples are of one class" in figure.text


def test_calibration_bars_are_the_filled_bins():
    ev = evaluation()
    bars = ev.plot("calibration").data[0]
    assert sum(count for count, _ in bars["customdata"]) == 300
    assert len(bars["x"]) == len(bars["y"]) == len(bars["customdata"])
    gaps = [n / 300 * abs(y - c) for y, (n, c) in zip(bars["y"], bars["customdata"], strict=True)]
    assert sum(gaps) == pytest.approx(ev["ece"], abs=1e-3)


def test_the_class_chart_puts_the_weakest_on_top_with_the_recall_interval():
    ev = evaluation(classes=5)
    precision, recall, f1 = ev.plot("per_class").data
    assert f1["x"] == sorted(f1["x"])
    assert set(recall["error_x"]) >= {"array", "arrayminus"}
    assert min(recall["error_x"]["arrayminus"]) >= 0
    symbols = {trace["marker"]["symbol"] for trace in (precision, recall, f1)}
    assert len(symbols) == 3
