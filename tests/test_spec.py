# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import Literal, get_args, get_origin

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_lab import spec
from lepton_lab.errors import SpecError
from lepton_lab.spec import DataSpec, ModelSpec, RunSpec, TrainSpec

# Deadlines and speed say nothing about the code on a machine that others use too.
few = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
SPECS = [ModelSpec, DataSpec, TrainSpec]
EVERY_FIELD = [(cls, f) for cls in SPECS for f in fields(cls)]


def problems(cls: type, **values: object) -> tuple[str, ...]:
    with pytest.raises(SpecError) as caught:
        spec.parse(cls, values)
    return caught.value.problems


def one(cls: type, **values: object) -> object:
    """The value that the one field given has after parsing."""
    (name,) = values
    return getattr(spec.parse(cls, values), spec.names(cls)[name].name)


# What is asked, as text or as a Python value

# Fields whose values are checked one by one.
VALID = {"budget": ["", "90s", 0.5, 600.0, "10m", "1h30m", "2.5h"]}


def values_of(cls: type, f: object) -> st.SearchStrategy:
    """Any value that a field may have."""
    if f.metadata["check"] is not None:
        return st.sampled_from(VALID[f.name])
    low, high = f.metadata["low"], f.metadata["high"]
    kinds = {
        int: st.integers(-(2**70) if low is None else low, 2**70 if high is None else high),
        float: st.floats(low, high, allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        str: st.text(),
        type(None): st.none(),
    }
    annotation = spec.hint(cls, f.name)
    parts = (
        [annotation]
        if get_origin(annotation) in (Literal, tuple) or not get_args(annotation)
        else get_args(annotation)
    )
    return st.one_of(*[one_kind(part, kinds) for part in parts])


def one_kind(part: object, kinds: dict) -> st.SearchStrategy:
    if get_origin(part) is Literal:
        return st.sampled_from(get_args(part))
    if get_origin(part) is tuple:
        return st.lists(
            st.text("abc éÜ.-<>", min_size=1).map(str.strip).filter(bool), max_size=4
        ).map(tuple)
    return kinds[part]


def as_text(value: object) -> str:
    """What a user would type for it."""
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)


def specs_of(cls: type) -> st.SearchStrategy:
    return st.fixed_dictionaries({}, optional={f.name: values_of(cls, f) for f in fields(cls)})


@pytest.mark.parametrize(("cls", "f"), EVERY_FIELD, ids=lambda item: getattr(item, "name", ""))
def test_text_means_what_the_python_value_means(cls, f):
    @few
    @given(values_of(cls, f))
    def check(value):
        expected = spec.parse(cls, {f.name: value})
        assert getattr(expected, f.name) == value
        assert type(getattr(expected, f.name)) is type(value) or isinstance(value, (int, float))
        assert spec.parse(cls, {f.name: as_text(value)}) == expected
        assert spec.parse(cls, {f.name.replace("_", "-"): as_text(value)}) == expected

    check()


@pytest.mark.parametrize("cls", SPECS)
def test_nothing_asked_is_the_defaults_and_the_defaults_can_be_asked_for(cls):
    assert spec.parse(cls, {}) == cls()
    assert spec.parse(cls, {f.name: spec.default(f) for f in fields(cls)}) == cls()


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("auto", "auto"),
        ("AUTO", "auto"),
        ("find", "find"),
        ("1e-3", 0.001),
        (0.1, 0.1),
        (1, 1.0),
        ("0", 0.0),
    ],
)
def test_a_learning_rate_is_a_word_or_a_number(asked, meant):
    found = one(TrainSpec, lr=asked)
    assert found == meant
    assert isinstance(found, (str, float))


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("32", 32),
        (32.0, 32),
        ("32.0", 32),
        ("1e3", 1000),
        (np.int64(7), 7),
        (np.float32(8), 8),
        (" 9 ", 9),
    ],
)
def test_a_whole_number_may_be_written_in_any_way_that_is_whole(asked, meant):
    found = one(TrainSpec, batch_size=asked)
    assert found == meant
    assert type(found) is int


@pytest.mark.parametrize("seed", [2**53 + 1, 2**63 - 1, 12345678901234567890])
@pytest.mark.parametrize("kind", [int, str])
def test_a_large_seed_is_kept_to_the_last_digit(seed, kind):
    assert one(TrainSpec, seed=kind(seed)) == seed


@pytest.mark.parametrize("word", ["true", "True", "yes", "on", "1", True])
def test_words_for_true(word):
    assert one(TrainSpec, keep_best=word) is True
    assert one(TrainSpec, channels_last=word) is True


@pytest.mark.parametrize("word", ["false", "FALSE", "no", "off", "0", False])
def test_words_for_false(word):
    assert one(TrainSpec, keep_best=word) is False
    assert one(TrainSpec, channels_last=word) is False


@pytest.mark.parametrize("path", [Path("a") / "b", PurePosixPath("a/b")])
def test_a_path_is_taken_as_its_text(path):
    assert one(DataSpec, path=path) == str(Path("a") / "b")
    assert one(ModelSpec, weights=path) == str(Path("a") / "b")


def test_an_entry_of_a_folder_is_taken_as_its_path(tmp_path):
    (tmp_path / "flowers").mkdir()
    with os.scandir(tmp_path) as entries:
        entry = next(entries)
    assert one(DataSpec, path=entry) == str(tmp_path / "flowers")


@pytest.mark.parametrize(
    "asked",
    [
        "cat,dog",
        " cat , dog ,",
        ["cat", "dog"],
        ("cat", "dog"),
        {"dog", "cat"},
        frozenset({"cat", "dog"}),
    ],
)
def test_names_are_a_list_or_separated_by_commas(asked):
    assert one(DataSpec, exclude=asked) == ("cat", "dog")


def test_none_and_nothing_mean_that_an_optional_number_is_left_out():
    assert one(ModelSpec, image_size=None) is None
    assert one(ModelSpec, image_size="") is None
    assert one(ModelSpec, image_size="224") == 224


# What cannot be meant


def test_all_problems_are_told_at_once_and_three_of_them_in_the_message():
    asked = {
        "epochs": 0,
        "lr": "fast",
        "optimiser": "adam",
        "augment": "wild",
        "workers": -1,
        "ema": "x",
    }
    with pytest.raises(SpecError) as caught:
        spec.parse(TrainSpec, asked, where="train")
    error = caught.value
    assert len(error.problems) == 6
    assert error.what == error.problems[0]
    assert error.why == " ".join(error.problems[1:3])
    assert error.todo == "%lepton train --help"
    for (name, value), problem in zip(asked.items(), error.problems, strict=True):
        full = spec.names(TrainSpec)[name].name if name in spec.names(TrainSpec) else name
        assert full.replace("_", "-") in problem
        assert name == "optimiser" or str(value) in problem


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("epoch", "epochs"),
        ("learning_rat", "learning_rate"),
        ("batchsize", "batch_size"),
        ("weight-deca", "weight_decay"),
    ],
)
def test_a_name_that_is_nearly_right_is_answered_with_the_nearest(typed, meant):
    (problem,) = problems(TrainSpec, **{typed: 1})
    assert problem.startswith(f"There is no option '{typed}'. Did you mean {meant}")


def test_a_name_like_no_other_is_told_without_a_guess_and_ignored_only_when_asked():
    assert problems(TrainSpec, zzzz=1) == ("There is no option 'zzzz'.",)
    assert spec.parse(TrainSpec, {"zzzz": 1, "epochs": 2}, strict=False) == TrainSpec(epochs=2)


def test_an_option_given_by_its_name_and_by_its_alias_is_not_a_guess():
    assert problems(TrainSpec, lr=0.1, learning_rate=0.2) == ("`--learning-rate` is given twice.",)


BOUNDED = [
    (cls, f)
    for cls, f in EVERY_FIELD
    if f.metadata["low"] is not None or f.metadata["high"] is not None
]


@pytest.mark.parametrize(("cls", "f"), BOUNDED, ids=lambda item: getattr(item, "name", ""))
def test_bounds_belong_to_what_is_allowed_and_nothing_beyond_them(cls, f):
    whole = int in (get_args(spec.hint(cls, f.name)) or (spec.hint(cls, f.name),))
    for bound, beyond, word in (
        (f.metadata["low"], -1, "at least"),
        (f.metadata["high"], 1, "at most"),
    ):
        if bound is None:
            continue
        assert one(cls, **{f.name: bound}) == bound
        assert one(cls, **{f.name: str(bound)}) == bound
        outside = bound + beyond * (1 if whole else max(abs(bound) * 1e-6, 1e-6))
        (problem,) = problems(cls, **{f.name: outside})
        assert problem.startswith(f"`--{f.name.replace('_', '-')}` must be {word} {bound:g}; got ")


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), -float("inf"), "nan", "inf", "1e999", np.nan, 10**400, "9" * 400],
)
@pytest.mark.parametrize("name", ["learning_rate", "epochs", "warmup", "batch_size"])
def test_numbers_that_are_none_are_refused(name, value):
    (problem,) = problems(TrainSpec, **{name: value})
    assert problem.startswith(f"`--{name.replace('_', '-')}` ")


@pytest.mark.parametrize(
    ("name", "value", "needs"),
    [
        ("epochs", "many", 'a whole number; got "many"'),
        ("epochs", 1.5, "a whole number; got 1.5"),
        ("epochs", True, "a whole number; got True"),
        ("epochs", None, "a whole number; got None"),
        ("epochs", [1], "a whole number; got [1]"),
        ("learning_rate", "fast", 'a number such as 3e-4, `auto` or `find`; got "fast"'),
        ("batch_size", "", 'a whole number or `auto`; got ""'),
        ("schedule", "cosin", "`polynomial`"),
        ("keep_best", "maybe", 'true or false; got "maybe"'),
        ("keep_best", 2, "true or false; got 2"),
        ("optimizer", 3, "text; got 3"),
        ("warmup", np.zeros(3), "a number such as 3e-4; got [0. 0. 0.]"),
        ("schedule", np.array(["a", "b"]), "`cosine`"),
        ("learning_rate", {"a": 1}, "a number such as 3e-4, `auto` or `find`; got {'a': 1}"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_with_what_is_needed_and_what_was_found(
    name, value, needs
):
    (problem,) = problems(TrainSpec, **{name: value})
    assert problem.startswith(f"`--{name.replace('_', '-')}` needs ")
    assert needs in problem


@pytest.mark.parametrize("value", [np.zeros(3), [1, 2], ["a", 3], object(), 2.5])
@pytest.mark.parametrize(
    ("cls", "name"), [(ModelSpec, "image_size"), (DataSpec, "exclude"), (DataSpec, "path")]
)
def test_no_value_whatever_brings_up_an_error_from_the_depths(cls, name, value):
    (problem,) = problems(cls, **{name: value})
    assert problem.startswith(f"`--{name.replace('_', '-')}` needs ")


def test_a_long_value_is_cut_in_the_message():
    (problem,) = problems(TrainSpec, epochs="x" * 5000)
    assert len(problem) < 150


# Records


@pytest.mark.parametrize("cls", SPECS)
def test_a_spec_is_the_same_after_json(cls):
    @few
    @given(specs_of(cls))
    def check(values):
        made = spec.parse(cls, values)
        text = json.dumps(spec.to_json(made), allow_nan=False)
        assert spec.from_json(cls, json.loads(text)) == made

    check()


@few
@given(specs_of(ModelSpec), specs_of(DataSpec), specs_of(TrainSpec))
def test_a_whole_run_is_the_same_after_json(model, data, train):
    made = RunSpec(
        spec.parse(ModelSpec, model), spec.parse(DataSpec, data), spec.parse(TrainSpec, train)
    )
    again = spec.from_json(RunSpec, json.loads(json.dumps(spec.to_json(made))))
    assert again == made
    assert spec.fingerprint(again) == spec.fingerprint(made)


def test_fields_of_another_version_are_ignored_and_missing_ones_get_their_default():
    record = spec.to_json(RunSpec(train=TrainSpec(epochs=3)))
    record["train"]["invented_later"] = {"deep": [1]}
    record["invented_later"] = 1
    del record["train"]["seed"], record["data"]
    assert spec.from_json(RunSpec, record) == RunSpec(train=TrainSpec(epochs=3))
    assert spec.from_json(RunSpec, {}) == RunSpec()


@pytest.mark.parametrize(
    "record",
    [
        {"train": {"epochs": "x"}},
        {"train": {"epochs": -3}},
        {"train": None},
        {"model": 3},
        [],
        None,
        "x",
    ],
)
def test_a_damaged_record_is_refused_in_words(record):
    with pytest.raises(SpecError):
        spec.from_json(RunSpec, record)


def test_changes_are_the_fields_that_differ_from_their_default_in_order():
    assert spec.changes(TrainSpec()) == {}
    made = spec.parse(TrainSpec, {"seed": 7, "lr": 0.1, "epochs": 5, "name": "x"})
    assert list(spec.changes(made).items()) == [("learning_rate", 0.1), ("seed", 7), ("name", "x")]


@few
@given(specs_of(TrainSpec))
def test_what_changes_say_is_enough_to_make_the_spec_again(values):
    made = spec.parse(TrainSpec, values)
    assert spec.parse(TrainSpec, spec.changes(made)) == made


def test_a_fingerprint_is_the_same_in_every_process_and_another_for_every_other_spec():
    made = RunSpec(
        ModelSpec("resnet18"), DataSpec("flowers", exclude=("a", "b")), TrainSpec(learning_rate=0.1)
    )
    code = (
        "from lepton_lab.spec import *\n"
        "print(fingerprint(RunSpec(ModelSpec('resnet18'), parse(DataSpec, {'path': 'flowers', 'exclude': {'b', 'a'}}),"
        " TrainSpec(learning_rate=0.1))))"
    )
    for seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        assert done.stdout.strip() == spec.fingerprint(made)
    others = [
        replace(made, train=replace(made.train, **change))
        for change in ({"seed": 1}, {"epochs": 6}, {"freeze": "1"})
    ]
    assert len({spec.fingerprint(other) for other in (made, *others)}) == 4


def test_specs_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        TrainSpec().epochs = 3


# What parsers, completion and forms read off the fields


@pytest.mark.parametrize(("cls", "f"), EVERY_FIELD, ids=lambda item: getattr(item, "name", ""))
def test_every_field_has_a_line_of_help_and_a_default_that_it_takes(cls, f):
    assert f.metadata["help"]
    assert "\n" not in f.metadata["help"]
    assert spec.convert(f, spec.default(f), spec.hint(cls, f.name)) == spec.default(f)


def test_choices_are_the_words_of_a_field_and_each_can_be_asked_for():
    assert spec.choices(TrainSpec, "precision") == ("auto", "fp32", "bf16", "fp16")
    assert spec.choices(TrainSpec, "channels_last") == ("auto", "true", "false")
    assert spec.choices(TrainSpec, "learning_rate") == ("auto", "find")
    assert spec.choices(TrainSpec, "optimizer") == ()
    for cls, f in EVERY_FIELD:
        for word in spec.choices(cls, f.name):
            spec.parse(cls, {f.name: word})


def test_names_are_the_fields_and_their_aliases_and_no_alias_hides_a_field():
    known = spec.names(TrainSpec)
    assert known["lr"] is known["learning_rate"]
    assert known["bs"] is known["batch_size"]
    assert [name for name in known if name == known[name].name] == [
        f.name for f in fields(TrainSpec)
    ]


def test_a_list_as_default_is_not_shared():
    @dataclass(frozen=True)
    class Made:
        words: list = spec.option(["a"], "words")  # noqa: RUF009

    Made().words.append("b")
    assert Made().words == ["a"]
