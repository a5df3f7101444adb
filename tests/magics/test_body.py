# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pytest

from lepton_lab.magics.parser import parse_line
from lepton_lab.magics.usage import MagicUsageError


def test_a_body_gives_options_and_names() -> None:
    body = """
    model = "resnet18"   # a comment
    data = "my photos"
    epochs = 3
    learning-rate = 1e-3
    exclude = ["a, b", "c"]
    keep_best = false
    """
    request = parse_line("train", body)
    assert request.positionals == {"model": "resnet18", "data": "my photos"}
    assert request.options == {
        "epochs": 3,
        "learning_rate": 0.001,
        "exclude": ("a, b", "c"),
        "keep_best": False,
    }


def test_the_line_wins_over_the_body() -> None:
    assert parse_line("train a b --epochs=1", "epochs = 9\nbs = 4\n").options == {
        "epochs": 1,
        "batch_size": 4,
    }


def test_names_of_the_line_fill_the_places_that_the_body_leaves() -> None:
    assert parse_line("train digits", 'model = "resnet18"').positionals == {
        "model": "resnet18",
        "data": "digits",
    }


def test_predict_takes_its_inputs_from_a_list() -> None:
    request = parse_line("predict", 'inputs = ["a.jpg", "b.jpg"]\ntop = 3')
    assert request.positionals == {"inputs": ("a.jpg", "b.jpg")}
    assert request.options == {"top": 3}


def test_a_number_stands_for_itself_where_text_is_wanted() -> None:
    assert parse_line("train", "freeze = 2").options == {"freeze": 2}


@pytest.mark.parametrize(
    ("body", "culprit"),
    [
        ("epochs = 3\nlr: 1e-3\n", "line 2 (`lr: 1e-3`)"),
        ("epochs = 3\n\nname = first\n", "line 3 (`name = first`)"),
        ('name = "first', 'line 1 (`name = "first`)'),
        ("epochs = 3\nepochs = 4\n", "epochs"),
    ],
)
def test_a_body_that_is_no_toml_names_the_line(body: str, culprit: str) -> None:
    with pytest.raises(MagicUsageError) as caught:
        parse_line("train a b", body)
    lines = str(caught.value).split("\n")
    assert len(lines) == 3
    assert culprit in lines[0]
    assert lines[2] == "%lepton train --help"


@pytest.mark.parametrize(
    ("body", "culprit"),
    [
        ("epoch = 3", "`epoch`. Did you mean epochs?"),
        ("learning_rate = 1\nlr = 2", "learning_rate"),
        ("epochs = 2.5", "--epochs"),
        ("epochs = 1979-05-27", "--epochs"),
        ("model = 3", "`model` needs text"),
        ("[train]\nepochs = 3", "`train`"),
        ("epochs = nan", "--epochs"),
    ],
)
def test_a_wrong_key_or_value_in_a_body_is_named(body: str, culprit: str) -> None:
    with pytest.raises(MagicUsageError) as caught:
        parse_line("train a b", body)
    assert culprit in str(caught.value)
    assert len(str(caught.value).split("\n")) <= 4


def test_windows_line_ends_are_line_ends() -> None:
    assert parse_line("train", "epochs = 3\r\nseed = 1\r\n").options == {"epochs": 3, "seed": 1}
