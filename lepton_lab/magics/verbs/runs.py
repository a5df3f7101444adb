# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton runs`: the runs of this project; one name shows that run; an action does something with it.

`%lepton runs stop digits-1` is the verb `runs stop`: each action is a record of its own, so its places,
options, help and completion are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lepton_lab.magics.verb import Part, Positional, Request, Verb
from lepton_lab.magics.verbs.train import TrainOptions
from lepton_lab.mailbox import CHANGEABLE
from lepton_lab.spec import TrainSpec, option

RUN = Positional("run", "run", "name of a run, or a variable; the latest when left out")


@dataclass(frozen=True)
class RunsOptions:
    """Which runs are listed."""

    tag: str = option("", "only runs with this tag")


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """List runs by wildcard and tag, or return the one run of that name."""
    from lepton_lab import workbench

    word, wanted = request.word("run"), request.given(RunsOptions)
    if wanted or word is None or any(mark in word for mark in "*?["):
        return workbench.runs(word or "*", **wanted)
    return workbench.resolve_run(word, namespace)


def _named(request: Request, namespace: Mapping[str, Any]) -> Any:
    from lepton_lab import workbench

    return workbench.resolve_run(request.word("run"), namespace)


def _pause(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Order a rest; returns the Run."""
    return _named(request, namespace).pause()


def _resume(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Go on after a pause, a stop or a crash; returns the Run."""
    return _named(request, namespace).resume(**request.given(TrainOptions))


def _stop(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Order a stop, here or in another process; returns the Run."""
    return _named(request, namespace).stop()


def _set(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Change values of a run under way; returns the Run."""
    return _named(request, namespace).set(**request.given(TrainSpec))


def _rename(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Give a run another name; returns it."""
    return _named(request, namespace).rename(request.word("name"))


def _tag(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Add tags; returns the Run."""
    return _named(request, namespace).tag(*request.word("tags"))


def _untag(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Take tags away; returns the Run."""
    return _named(request, namespace).untag(*request.word("tags"))


def _delete(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Put a run into the trash; returns what can undo it."""
    return _named(request, namespace).delete()


def _restore(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Bring a deleted run back; returns it."""
    from lepton_lab import workbench

    return workbench.restore(request.word("name"))


def _compare(request: Request, namespace: Mapping[str, Any]) -> Any:
    """What differs between runs, and which is better; returns the Comparison."""
    from lepton_lab import workbench

    words = (request.word("first"), request.word("second"), *(request.word("more") or ()))
    return workbench.compare(*(workbench.resolve_run(word, namespace) for word in words))


def _action(
    name: str,
    description: str,
    call: Callable[[Request, Mapping[str, Any]], Any],
    positionals: tuple[Positional, ...] = (RUN,),
    *,
    parts: tuple[Part, ...] = (),
    function: str = "",
    example: str = "",
) -> Verb:
    """An action: a method of the run, unless a public function is named."""
    line = f"runs {name} {example or 'digits-1'}"
    return Verb(
        f"runs {name}", description, positionals, parts, function or f".{name}", call, (line,)
    )


_TAGS = Positional("tags", "word", "words to find it by", "TAG", required=True, many=True)
_ONE = Positional("run", "run", "name of a run, or a variable", required=True)
ACTIONS = (
    _action("pause", "rest at the next step, saved", _pause),
    _action(
        "resume",
        "go on after a pause, a stop or a crash",
        _resume,
        parts=(Part(TrainOptions),),
        example="digits-1 --background",
    ),
    _action("stop", "finish the step, save and end; also for a run of another kernel", _stop),
    _action(
        "set",
        "change values from the next step on",
        _set,
        parts=(Part(TrainSpec, CHANGEABLE),),
        example="digits-1 --learning-rate=1e-4",
    ),
    _action(
        "compare",
        "what differs, and which is better on the same samples",
        _compare,
        (
            Positional("first", "run", "a run", "A", required=True),
            Positional("second", "run", "another run", "B", required=True),
            Positional("more", "run", "further runs", "RUN", many=True),
        ),
        function="compare",
        example="digits-1 digits-2",
    ),
    _action(
        "rename",
        "give a run another name",
        _rename,
        (RUN, Positional("name", "word", "the new name", required=True)),
        example="digits-1 baseline",
    ),
    _action("tag", "add tags", _tag, (RUN, _TAGS), example="digits-1 baseline"),
    _action("untag", "take tags away", _untag, (RUN, _TAGS), example="digits-1 baseline"),
    _action("delete", "put a run into the trash", _delete, (_ONE,)),
    _action(
        "restore",
        "bring a deleted run back",
        _restore,
        (Positional("name", "deleted", "name of a deleted run", "RUN", required=True),),
        function="restore",
    ),
)

RECORD = Verb(
    name="runs",
    description="the runs of this project, or one of them; and what to do with them",
    positionals=(Positional("run", "run", "name of a run, or wildcard", metavar="RUN|PATTERN"),),
    parts=(Part(RunsOptions),),
    function="runs",
    call=call,
    examples=("runs --tag=baseline", "runs digits*"),
    actions=ACTIONS,
)
