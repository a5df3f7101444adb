# SPDX-License-Identifier: BSD-3-Clause
"""The code that each step shows does what the step did: it is run, and the results are compared."""

from __future__ import annotations

import ast
import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_lab.magics.verb import Option
from lepton_lab.spec import parse
from lepton_lab.studio import Studio
from lepton_lab.studio.contract import shown
from lepton_lab.studio.steps import STEPS
from lepton_lab.studio.steps.train import wanted
from tests.magics.test_show import as_parsed, flattened, values


def weights(run: Any) -> str:
    """A hash of every weight, bit for bit."""
    hasher = hashlib.sha256()
    for name, tensor in sorted(run.model.module.state_dict().items()):
        hasher.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return hasher.hexdigest()


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import atexit

    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    folder = tmp_path_factory.mktemp("ipython")
    made = InteractiveShell(config=config, ipython_dir=str(folder))
    made.run_line_magic("load_ext", "lepton_lab")
    yield made
    atexit.unregister(made.atexit_operations)
    made.atexit_operations()


def result(code: str, name: str, language: str, shell: Any) -> Any:
    """What the code gives to its variable, in a namespace of its own."""
    if language == "python":
        namespace: dict[str, Any] = {}
        exec(code, namespace)
        return namespace[name]
    shell.user_ns.pop(name, None)
    shell.run_cell(code, store_history=False).raise_error()
    return shell.user_ns[name]


@pytest.mark.parametrize("language", ["magic", "python"])
def test_the_code_of_every_step_gives_what_the_studio_has(
    done: Studio, shell: Any, language: str
) -> None:
    def ran(step: str, name: str) -> Any:
        return result(done.code(language, step), name, language, shell)

    assert ran("data", "data").fingerprint() == done.data.fingerprint()
    run = ran("train", "run")
    assert run.name != done.run.name
    assert run.spec.train == done.run.spec.train
    assert weights(run) == weights(done.run)
    assert run.history["train/loss"] == done.run.history["train/loss"]
    assert done.code(language, "run") == done.code(language, "train")
    assert dict(ran("evaluate", "evaluation")) == dict(done.evaluation)
    artifact = ran("export", "artifact")
    assert artifact.certificate["samples"] == done.artifact.certificate["samples"]
    assert artifact.manifest["labels"] == done.artifact.manifest["labels"]


@pytest.mark.parametrize("language", ["magic", "python"])
@pytest.mark.parametrize(
    "typed",
    [
        {"query": "resnet18"},
        {"query": "mobilenetv3*", "max_params": "10M"},
        {"licence": "mit", "source": "timm", "cached": "false"},
    ],
)
def test_the_code_of_a_search_finds_the_models_that_are_listed(
    shell: Any, language: str, typed: dict[str, str]
) -> None:
    from lepton_lab.studio.steps.model import found

    studio = Studio()
    for name, value in typed.items():
        studio.controller.set("model", name, value)
    listed = result(studio.code(language), "found", language, shell)
    assert sorted(listed.names) == sorted(one.name for one in found(studio.state))


def test_options_and_odd_names_reach_the_code_as_they_are(shell: Any) -> None:
    from lepton_lab.magics.parser import parse_line

    studio = Studio("lepton_glyphs")
    take = studio.controller.set
    take("data", "path", "my photos; rm -rf <b>'x'")
    take("data", "exclude", "a b,c")
    take("train", "freeze", "2")
    take("train", "channels_last", "false")
    take("train", "keep_best", False)
    line = studio.code("magic", "train").removeprefix("run = %lepton ")
    request = parse_line(line)
    assert request.word("data") == "my photos; rm -rf <b>'x'"
    assert dict(request.options) == {
        "freeze": 2,
        "channels_last": False,
        "keep_best": False,
        "exclude": ("a b", "c"),
    }
    ast.parse(studio.code("python", "train"))


def test_a_step_that_lacks_something_says_so_in_a_comment() -> None:
    studio = Studio()
    for step in ("data", "train", "run", "evaluate", "export"):
        assert all(line.startswith("# ") for line in studio.code("python", step).splitlines())


@st.composite
def typed(draw: st.DrawFn) -> list[tuple[str, str, str]]:
    """Things typed into fields, in any order, some of them wrong."""
    places: list[tuple[str, Option]] = [
        (step, option)
        for step in ("data", "train")
        for option in STEPS[step].options.values()
        if option.name != "device"
    ]
    chosen = draw(st.lists(st.sampled_from(places), max_size=8))
    return [
        (step, option.name, shown(draw(values(option) | st.just("nonsense"))))
        for step, option in chosen
    ]


@settings(max_examples=120, deadline=None)
@given(typed())
def test_whatever_is_typed_both_codes_ask_for_what_the_studio_would_do(
    events: list[tuple[str, str, str]],
) -> None:
    studio = Studio("lepton_glyphs")
    studio.controller.set("data", "path", "digits")
    for step, name, value in events:
        studio.controller.set(step, name, value)
    magic, python = studio.code("magic", "train"), studio.code("python", "train")
    if studio.state.wrong("train") or studio.state.wrong("data"):
        assert magic.startswith("# ") and python.startswith("# ")
        return
    request = wanted(studio.state)
    again = as_parsed(magic.removeprefix("run = "))
    assert (again.positionals, again.options) == (request.positionals, request.options)
    words, keywords = flattened(ast.parse(python).body[-1].value)
    assert words == ["lepton_glyphs", "digits"] and keywords == request.options
    for part in STEPS["train"].parts:
        mine = parse(part.cls, dict(studio.state.typed("train")))
        assert parse(part.cls, again.given(part.cls)) == mine
