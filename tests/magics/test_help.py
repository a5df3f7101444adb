# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import re

import pytest

from lepton_lab.magics.help import overview, page
from lepton_lab.magics.parser import parse_line
from lepton_lab.magics.verb import Verb
from lepton_lab.magics.verbs import verbs


def test_the_overview_names_every_verb_and_only_those_that_are_built() -> None:
    text = str(overview())
    for verb in verbs:
        assert f"  {verb.name:<9} {verb.description}" in text
    assert verbs.names() == [
        "models",
        "data",
        "clean",
        "train",
        "evaluate",
        "predict",
        "compress",
        "export",
        "serve",
        "runs",
        "studio",
        "doctor",
    ]


@pytest.mark.parametrize("verb", list(verbs), ids=lambda verb: verb.name)
def test_a_page_has_signature_options_two_examples_and_the_python_twin(verb: Verb) -> None:
    lines = str(page(verb)).split("\n")
    assert lines[0].startswith(f"%lepton {verb.name}")
    for option in verb.options.values():
        shown = re.compile(rf"  --(\[no-\])?{option.flag[2:]}[=, ]")
        start = [line for line in lines if shown.match(line)]
        assert len(start) == 1
        assert option.help in start[0]
    examples = [line.strip() for line in lines if line.strip().startswith("%lepton ")][1:]
    assert len(examples) == 2
    for example in examples:
        assert parse_line(example.removeprefix("%lepton")).verb is verb
    assert "lab." in lines[-1]


@pytest.mark.parametrize("verb", list(verbs), ids=lambda verb: verb.name)
def test_options_and_places_of_a_verb_never_share_a_name(verb: Verb) -> None:
    names = [place.name for place in verb.positionals] + list(verb.keys)
    assert len(names) == len(set(names))
    assert sum(len(part.options()) for part in verb.parts) == len(verb.options)
    assert all(option.help for option in verb.options.values())
    assert not [option.name for option in verb.options.values() if option.name.startswith("no_")]


def test_defaults_on_a_page_can_be_typed_as_they_stand() -> None:
    for line in str(page(verbs.get("train"))).split("\n"):
        word = line.split()[0].rstrip(",") if line.strip() else ""
        if word.startswith("--") and "=" in word and not word.endswith("=…"):
            assert parse_line(f"train {word}").options


def test_help_shows_itself_without_script_or_markup_of_its_text() -> None:
    shown = page(verbs.get("train"))._repr_mimebundle_()
    assert shown["text/plain"].startswith("%lepton train")
    assert shown["text/html"].startswith("<pre")
    assert "<script" not in shown["text/html"]
