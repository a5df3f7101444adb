# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton runs ACTION RUN`: every action is a verb of two words, with its own help and completion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError, SpecError
from lepton_lab.journal import new_run
from lepton_lab.magics.complete import offers
from lepton_lab.magics.help import page
from lepton_lab.magics.parser import parse_line
from lepton_lab.magics.perform import perform
from lepton_lab.magics.show import as_magic, as_python
from lepton_lab.magics.verbs import verbs

RUNS = verbs.get("runs")
NAMES = [action.words[1] for action in RUNS.actions]


def do(line: str, namespace: dict[str, Any] | None = None) -> Any:
    return perform(parse_line(line), namespace or {})


def texts(line: str, **namespace: Any) -> list[str]:
    return [text for text, _ in offers([f"%lepton {line}"], namespace)[1]]


@pytest.fixture
def two() -> None:
    for name in ("digits-1", "digits-2"):
        new_run(name, {"parent": {}}).update(state="done")


@pytest.mark.parametrize("action", RUNS.actions, ids=lambda action: action.words[1])
def test_each_action_has_a_page_and_an_example_that_reads_back(action: Any) -> None:
    text = str(page(action))
    assert text.startswith(f"%lepton {action.name}")
    assert str(page(RUNS)).count(f"  {action.name} ") == 1
    for option in action.options.values():
        assert option.flag in text
    (example,) = action.examples
    request = parse_line(example)
    assert request.verb is action
    assert as_magic(action, request.positionals, request.options).startswith(
        f"%lepton {action.name}"
    )
    assert parse_line(f"{action.name} --help").help


@pytest.mark.parametrize(
    ("line", "python"),
    [
        ("runs stop", "lab.run().stop()"),
        ("runs pause digits-1", "lab.run('digits-1').pause()"),
        ("runs resume x --background", "lab.run('x').resume(background=True)"),
        ("runs set x --lr=1e-4 --clip=2", "lab.run('x').set(learning_rate=0.0001, clip=2.0)"),
        ("runs tag x a b", "lab.run('x').tag('a', 'b')"),
        ("runs rename x y", "lab.run('x').rename('y')"),
        ("runs compare a b c", "lab.compare('a', 'b', 'c')"),
        ("runs restore x", "lab.restore('x')"),
        ("runs --tag=good", "lab.runs(tag='good')"),
        ("runs -- stop", "lab.run('stop')"),
    ],
)
def test_a_line_has_its_python_twin_and_is_written_back(line: str, python: str) -> None:
    request = parse_line(line)
    assert request.verb is not None
    assert as_python(request.verb, request.positionals, request.options) == python
    shown = as_magic(request.verb, request.positionals, request.options)
    again = parse_line(shown.removeprefix("%lepton "))
    assert (again.verb, again.positionals, again.options) == (
        request.verb,
        request.positionals,
        request.options,
    )


def test_the_first_word_is_completed_to_runs_and_actions_the_second_to_runs(two: None) -> None:
    assert set(texts("runs ")) >= {"digits-1", "digits-2", *NAMES}
    assert texts("runs re") == ["resume", "rename", "restore"]
    assert texts("runs stop ")[:2] == ["digits-2", "digits-1"]
    assert "stop" not in texts("runs stop ")
    assert texts("runs set digits-1 --learn") == ["--learning-rate="]
    lab.run("digits-1").delete()
    assert texts("runs restore ") == ["digits-1"]
    assert texts("runs pause dig") == ["digits-2"]


def test_an_action_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(SpecError) as caught:
        parse_line("runs puase digits-1")
    assert caught.value.what == "`runs` has no action 'puase'."
    assert caught.value.todo == "%lepton runs pause digits-1"
    with pytest.raises(SpecError, match="needs NAME"):
        parse_line("runs rename")
    with pytest.raises(SpecError, match="no option"):
        parse_line("runs stop x --learning-rate=1")


def test_runs_are_tagged_renamed_deleted_and_restored_by_lines(two: None) -> None:
    assert do("runs tag digits-1 good first").tags == ("first", "good")
    assert do("runs untag digits-1 first").tags == ("good",)
    assert do("runs --tag=good").names == ["digits-1"]
    assert do("runs rename digits-1 best").name == "best"
    held = lab.run("digits-2")
    assert do("runs rename held other", {"held": held}).name == "other"
    assert do("runs delete best").name == "best"
    assert lab.runs().names == ["other"]
    assert do("runs restore best").tags == ("good",)
    assert sorted(do("runs").names) == ["best", "other"]


def test_a_run_under_way_takes_orders_and_a_stopped_one_goes_on(flowers: Path) -> None:
    run = lab.train(
        "lepton_glyphs", lab.data(flowers), epochs=400, batch_size=8, background=True, name="live"
    )
    with pytest.raises(SpecError, match="Nothing was named"):
        do("runs set live")
    with pytest.raises(SpecError, match="cannot become 'auto'"):
        do("runs set live --learning-rate=auto")
    assert do("runs set live --learning-rate=1e-5") is run
    assert do("runs pause") is run
    assert do("runs resume live") is run
    assert do("runs stop live").wait().state == "stopped"
    actions = [e.action for e in run.events if type(e).__name__ == "Controlled"]
    assert actions == ["set", "pause", "resume", "stop"]
    going = do("runs resume live --background")
    assert going.name == "live"
    assert do("runs stop live").wait().state == "stopped"
    with pytest.raises(LeptonError, match="does not train"):
        do("runs pause live")


def test_runs_are_compared_by_a_line(flowers: Path) -> None:
    data = lab.data(flowers)
    for name, epochs in (("one", 1), ("two", 2)):
        lab.train("lepton_glyphs", data, epochs=epochs, name=name)
    found = do("runs compare one two")
    assert found.differences == {"epochs": (1, 2)}
    assert found.paired[0].n == len(data.held_out)
