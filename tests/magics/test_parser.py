# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pytest
from IPython.core.error import UsageError

from lepton_lab.errors import LeptonError
from lepton_lab.magics.parser import parse_line, parse_words, split_words
from lepton_lab.magics.usage import MagicUsageError
from lepton_lab.spec import DataSpec, ModelSpec, TrainSpec


def refused(line: str, body: str | None = None) -> MagicUsageError:
    with pytest.raises(MagicUsageError) as caught:
        parse_line(line, body)
    return caught.value


def test_a_line_becomes_a_verb_its_words_and_typed_options() -> None:
    request = parse_line("train resnet18 ./photos --epochs=3 --lr 1e-3 --bs=16 --val=0.2")
    assert request.verb is not None
    assert request.verb.name == "train"
    assert request.positionals == {"model": "resnet18", "data": "./photos"}
    assert request.options == {"epochs": 3, "learning_rate": 0.001, "batch_size": 16, "val": 0.2}
    assert type(request.options["epochs"]) is int


def test_options_are_sorted_into_the_specs_that_own_them() -> None:
    request = parse_line("train a b --weights=none --epochs=2 --exclude=x,y --image-size=96")
    assert request.given(TrainSpec) == {"epochs": 2}
    assert request.given(ModelSpec) == {"weights": "none", "image_size": 96}
    assert request.given(DataSpec) == {"exclude": ("x", "y")}


def test_quotes_keep_spaces_and_braces_and_dollars_are_plain_characters() -> None:
    request = parse_line("""train 'my model' "my photos/{x} $HOME" --name="it's" """)
    assert request.positionals == {"model": "my model", "data": "my photos/{x} $HOME"}
    assert request.options["name"] == "it's"


def test_one_trailing_semicolon_is_dropped_but_a_quoted_one_is_kept() -> None:
    assert parse_line("runs digits;").positionals == {"run": "digits"}
    assert parse_line("runs 'digits;'").positionals == {"run": "digits;"}


def test_switches_take_flag_no_flag_and_a_word() -> None:
    assert parse_line("train --no-keep-best").options == {"keep_best": False}
    assert parse_line("train --keep-best").options == {"keep_best": True}
    assert parse_line("train --keep-best=off").options == {"keep_best": False}
    assert parse_line("train --channels-last a b").positionals == {"model": "a", "data": "b"}
    assert parse_line("train --channels-last=auto").options == {"channels_last": "auto"}


def test_words_after_two_dashes_are_names_even_with_a_leading_dash() -> None:
    request = parse_line("train --epochs=2 -- -odd --epochs=3")
    assert request.positionals == {"model": "-odd", "data": "--epochs=3"}
    assert request.options == {"epochs": 2}


def test_a_single_dash_value_after_a_space_is_taken_as_a_value() -> None:
    assert "at least 0" in str(refused("train --lr -1"))


def test_required_places_are_served_before_optional_ones() -> None:
    assert parse_line("predict cat.jpg").positionals == {"inputs": ("cat.jpg",)}
    several = parse_line("predict pets-1 a.jpg b.jpg")
    assert several.positionals == {"model": "pets-1", "inputs": ("a.jpg", "b.jpg")}


def test_nothing_and_help_are_requests_without_a_verb() -> None:
    assert parse_line("").verb is None
    assert not parse_line("  ").help
    assert parse_line("--help").help
    assert parse_line("train x --bogus --help").help


def test_a_repeated_list_option_adds_names() -> None:
    assert parse_line("data pets --exclude=a,b --exclude=c").options == {"exclude": ("a", "b", "c")}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b", ("a", "b")),
        (" a , b ,", ("a", "b")),
        (r"salt\, pepper,x", ("salt, pepper", "x")),
        (r"\ a\ ,b", (" a ", "b")),
        (r"back\\slash", ("back\\slash",)),
        ("", ()),
    ],
)
def test_names_separated_by_commas_can_hold_commas_and_spaces(
    text: str, names: tuple[str, ...]
) -> None:
    assert split_words(text) == names


def test_the_error_is_both_ours_and_a_usage_error_but_not_exactly_one() -> None:
    error = refused("train --epoch=3")
    assert isinstance(error, LeptonError)
    assert isinstance(error, UsageError)
    assert type(error) is not UsageError
    assert error._render_traceback_() == str(error).split("\n")


@pytest.mark.parametrize(
    ("line", "culprit", "command"),
    [
        ("trian a b", "trian", "%lepton train a b"),
        ("train a b --epoch=3", "--epoch=3", "%lepton train a b --epochs=3"),
        ("train a b --ep=3", "--ep=3", "%lepton train a b --epochs=3"),
        ("train a b -epochs=3", "-epochs=3", "%lepton train a b --epochs=3"),
        ("train a b epochs=3", "epochs=3", "%lepton train a b --epochs=3"),
        ("train a b --epochs = 3", "--epochs=3", "%lepton train a b --epochs=3"),
        ("train a b --no-keep-best=yes", "--no-keep-best", "%lepton train a b --no-keep-best"),
        ("train a b c", '"c"', "%lepton train --help"),
        ("train a b --lr=fast", "fast", "%lepton train --help"),
        ("train a b --lr", "--learning-rate", "%lepton train --help"),
        ("train a b --lr --bs=3", "--learning-rate", "%lepton train --help"),
        ("train a b --no-epochs", "--epochs", "%lepton train --help"),
        ("train a b --epochs=2 --epochs=3", "--epochs", "%lepton train --help"),
        ("train a b --lr=1 --learning-rate=1", "--learning-rate", "%lepton train --help"),
        ("train 'a b", "'a b", "%lepton --help"),
        ("predict", "INPUT", "%lepton predict --help"),
        ("predict --top=0 x.png", "--top", "%lepton predict --help"),
        ("runs --sort=x", "--sort=x", "%lepton runs --help"),
        ("data pets --val=1.5", "1.5", "%lepton data --help"),
        ("xyzzy", "xyzzy", "%lepton --help"),
    ],
)
def test_a_mistake_is_named_and_answered_with_a_command_that_parses(
    line: str, culprit: str, command: str
) -> None:
    lines = str(refused(line)).split("\n")
    assert len(lines) <= 4
    assert culprit in lines[0]
    assert lines[-1] == command
    parse_line(command.removeprefix("%lepton"))


@pytest.mark.parametrize("verb", ["tune", "explain", "monitor"])
def test_a_verb_that_is_not_built_is_not_there(verb: str) -> None:
    assert f"No verb is called '{verb}'" in str(refused(verb))


def test_all_problems_are_told_at_once() -> None:
    error = refused("train a b c --lr=fast --bs=0 --no-epochs --precison=bf16 --clean=maybe")
    text = " ".join(error.problems)
    for culprit in ('"c"', "fast", "--batch-size", "--no-epochs", "--precison", "maybe"):
        assert culprit in text
    assert len(str(error).split("\n")) <= 4
    assert "And 3 more." in str(error)


def test_a_long_or_hostile_word_does_not_swell_the_message() -> None:
    error = refused("train a b --" + "x" * 5000)
    assert len(str(error)) < 400
    shown = str(refused("train a b '--evil\x1b[31m\u202e\n=1'"))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(shown.split("\n")) <= 4


def test_words_of_a_terminal_are_parsed_like_a_line() -> None:
    assert parse_words(["train", "my photos", "--epochs=2"]).positionals == {"model": "my photos"}
