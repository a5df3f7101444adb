# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import ast
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_lab import spec
from lepton_lab.magics.parser import parse_line
from lepton_lab.magics.show import as_magic, as_python
from lepton_lab.magics.verb import Option, Request, Verb
from lepton_lab.magics.verbs import verbs

TEXT = st.text(min_size=1, max_size=12) | st.sampled_from(
    [
        "--epochs=3",
        "-",
        "--",
        "my photos",
        "it's",
        'say "hi"',
        "a\nb",
        "x;",
        "x?",
        "$HOME",
        "{x}",
        "a,b",
        "\\",
        "a\\",
        "#no",
        "=",
        "a=b",
        " lead",
        "é\u2028b",
        "\x7f",
        "\x85",
        "%lepton",
        "\ttab",
        "None",
    ]
)


def values(option: Option) -> st.SearchStrategy[Any]:
    """Values that the type and the bounds of an option allow, other than its default."""
    about = option.field.metadata
    low, high = about.get("low"), about.get("high")
    if about.get("check") is not None:
        return st.sampled_from(["90s", "10m", "1h30m"])
    parts: list[st.SearchStrategy[Any]] = []
    for member in option.members:
        if get_origin(member) is Literal:
            parts.append(st.sampled_from(get_args(member)))
        elif get_origin(member) is tuple:
            parts.append(st.lists(TEXT, min_size=1, max_size=3).map(tuple))
        elif member is bool:
            parts.append(st.booleans())
        elif member is int:
            parts.append(st.integers(int(low or 0), int(min(high or 10**6, 10**6))))
        elif member is float:
            parts.append(st.floats(low or 0.0, high or 1e6))
        elif member is str:
            parts.append(TEXT)
    return st.one_of(parts)


@st.composite
def requests(draw: st.DrawFn) -> tuple[Verb, dict[str, Any], dict[str, Any]]:
    verb = draw(st.sampled_from(list(verbs)))
    places = {}
    for place in verb.positionals:
        if place.required or draw(st.booleans()):
            places[place.name] = draw(
                st.lists(TEXT, min_size=1, max_size=3).map(tuple) if place.many else TEXT
            )
    names = draw(st.lists(st.sampled_from(list(verb.options)), unique=True)) if verb.options else []
    options = {name: draw(values(verb.options[name])) for name in verb.options if name in names}
    return verb, places, options


def as_parsed(line: str) -> Request:
    """Parse what `as_magic` wrote, a line or a cell."""
    if line.startswith("%%lepton "):
        head, _, body = line.removeprefix("%%lepton ").partition("\n")
        return parse_line(head, body)
    return parse_line(line.removeprefix("%lepton "))


@settings(max_examples=400, deadline=None)
@given(requests())
def test_a_shown_line_means_what_it_was_made_from(
    made: tuple[Verb, dict[str, Any], dict[str, Any]],
) -> None:
    verb, places, options = made
    request = as_parsed(as_magic(verb, places, options))
    assert (request.verb, request.positionals, request.options) == (verb, places, options)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(made=requests())
def test_a_shown_line_survives_the_shell_that_it_is_pasted_into(
    shell: Any, made: tuple[Verb, dict[str, Any], dict[str, Any]]
) -> None:
    verb, places, options = made
    code = ast.parse(shell.transform_cell(as_magic(verb, places, options)))
    call = code.body[0].value
    assert isinstance(call, ast.Call)
    assert call.func.attr in ("run_line_magic", "run_cell_magic")
    name, *rest = [ast.literal_eval(argument) for argument in call.args]
    assert name == "lepton"
    request = parse_line(*rest)
    assert (request.verb, request.positionals, request.options) == (verb, places, options)


@settings(max_examples=200, deadline=None)
@given(requests())
def test_shown_python_passes_the_same_values(
    made: tuple[Verb, dict[str, Any], dict[str, Any]],
) -> None:
    verb, places, options = made
    call = ast.parse(as_python(verb, places, options), mode="eval").body
    words, keywords = flattened(call)
    expected = [
        word for value in places.values() for word in ([value] if isinstance(value, str) else value)
    ]
    assert words == expected
    assert keywords == options


def flattened(call: ast.expr) -> tuple[list[str], dict[str, Any]]:
    """The texts and the keywords of a call and of the calls in it, read and not run."""
    assert isinstance(call, ast.Call)
    words: list[str] = []
    keywords = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
    for argument in call.args:
        if isinstance(argument, ast.Call):
            inner_words, inner = flattened(argument)
            words += inner_words
            keywords |= inner
        else:
            value = ast.literal_eval(argument)
            words += value if isinstance(value, list) else [] if value is None else [value]
    return words, keywords


@settings(max_examples=200, deadline=None)
@given(requests())
def test_a_spec_comes_back_from_its_changes(
    made: tuple[Verb, dict[str, Any], dict[str, Any]],
) -> None:
    verb, places, options = made
    for part in verb.parts:
        before = spec.parse(part.cls, {k: v for k, v in options.items() if k in part.options()})
        request = as_parsed(as_magic(verb, places, spec.changes(before)))
        assert spec.parse(part.cls, request.given(part.cls)) == before


@pytest.mark.parametrize(
    ("line", "magic", "python"),
    [
        (
            "train resnet18 './my photos' --lr=3e-4 --epochs=5",
            "%lepton train resnet18 './my photos' --epochs=5 --learning-rate=0.0003",
            "lab.train('resnet18', './my photos', epochs=5, learning_rate=0.0003)",
        ),
        (
            "train resnet18 pets --val=0.2 --weights=none --epochs=2 --no-keep-best",
            "%lepton train resnet18 pets --epochs=2 --no-keep-best --weights=none --val=0.2",
            "lab.train(lab.load_model('resnet18', weights='none'), lab.data('pets', val=0.2), "
            "epochs=2, keep_best=False)",
        ),
        ("predict 'a b.jpg'", "%lepton predict 'a b.jpg'", "lab.predict(None, 'a b.jpg')"),
        ("predict r x y", "%lepton predict r x y", "lab.predict('r', ['x', 'y'])"),
        ("evaluate --split=val", "%lepton evaluate --split=val", "lab.evaluate(split='val')"),
        ("runs", "%lepton runs", "lab.runs()"),
        ("runs pets*", "%lepton runs 'pets*'", "lab.runs('pets*')"),
        ("runs pets-1", "%lepton runs pets-1", "lab.run('pets-1')"),
        ("train", "%lepton train", "lab.train(None)"),
        ("doctor --last", "%lepton doctor --last", "lab.doctor(last=True)"),
    ],
)
def test_code_is_shown_as_a_person_would_write_it(line: str, magic: str, python: str) -> None:
    request = parse_line(line)
    assert request.verb is not None
    assert as_magic(request.verb, request.positionals, request.options) == magic
    assert as_python(request.verb, request.positionals, request.options) == python


def test_a_place_that_is_skipped_is_named_in_a_cell() -> None:
    assert as_magic(verbs.get("train"), {"data": "digits"}, {"epochs": 2}) == (
        '%%lepton train\ndata = "digits"\nepochs = 2\n'
    )


def test_variables_are_written_as_variables() -> None:
    shown = as_python(
        verbs.get("train"), {"model": "net", "data": "ds"}, {"val": 0.1}, {"net", "ds"}
    )
    assert shown == "lab.train(net, lab.data(ds, val=0.1))"
