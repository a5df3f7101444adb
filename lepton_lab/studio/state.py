# SPDX-License-Identifier: BSD-3-Clause
"""What the Studio knows at one moment, as one frozen value.

What was typed is kept as it was typed; what came out of a step is kept with the request that it came
out of. A result whose request is no longer what the fields say is stale: it stays, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

Lines = tuple[str, ...]
STEPS = ("model", "data", "train", "run", "evaluate", "export")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Result:
    """What came out of a step.

    Attributes:
        value: The object of the API: a data set, a run, an evaluation, an artifact.
        made_from: What decides it; equal values would give the same again.
        about: Facts that were read off it once, to be shown.
    """

    value: Any
    made_from: Any
    about: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True)
class Busy:
    """Work under way: the step that does it, what it says, and how far it is (0 to 1) if it knows."""

    step: str
    words: str
    fraction: float | None = None


@dataclass(frozen=True)
class State:
    """Everything that is shown.

    Attributes:
        open: The step that is open.
        values: Step -> field -> value as it was typed; fields left alone are absent.
        problems: Step -> field -> the lines of an error; the field "" is the step itself.
        results: Step -> what came out of it.
        busy: The work under way.
        language: Of the code that is shown.
        say: The latest news, for a screen reader.
    """

    open: str = "model"
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _NOTHING)
    problems: Mapping[str, Mapping[str, Lines]] = field(default_factory=lambda: _NOTHING)
    results: Mapping[str, Result] = field(default_factory=lambda: _NOTHING)
    busy: Busy | None = None
    language: Literal["magic", "python"] = "magic"
    say: str = ""

    def typed(self, step: str) -> Mapping[str, Any]:
        """The fields of a step that were touched."""
        return self.values.get(step, _NOTHING)

    def value(self, step: str, name: str, default: Any = "") -> Any:
        """What was typed into one field."""
        return self.typed(step).get(name, default)

    def result(self, step: str) -> Any:
        """What came out of a step, or None."""
        found = self.results.get(step)
        return None if found is None else found.value

    def lines(self, step: str, name: str = "") -> Lines:
        """The error at a field, or at the step itself; empty when there is none."""
        return self.problems.get(step, {}).get(name, ())

    def wrong(self, step: str) -> bool:
        """Whether a field of the step has a value that it cannot have."""
        return any(name and lines for name, lines in self.problems.get(step, {}).items())

    def with_value(self, step: str, name: str, value: Any) -> State:
        """The state after a field was typed into."""
        typed = {**self.typed(step), name: value}
        return replace(self, values={**self.values, step: typed})

    def without_values(self, step: str) -> State:
        """The state with every field of a step as it was at first."""
        values = {name: typed for name, typed in self.values.items() if name != step}
        problems = {name: found for name, found in self.problems.items() if name != step}
        return replace(self, values=values, problems=problems)

    def without_value(self, step: str, name: str) -> State:
        """The state with one field as it was at first."""
        typed = {key: value for key, value in self.typed(step).items() if key != name}
        return replace(self, values={**self.values, step: typed}).with_problem(step, name, ())

    def with_problem(self, step: str, name: str, lines: Lines) -> State:
        """The state with an error at a field; no lines take it away."""
        found = {**self.problems.get(step, {}), name: lines}
        found = {key: value for key, value in found.items() if value}
        return replace(self, problems={**self.problems, step: found})

    def with_result(self, step: str, result: Result) -> State:
        """The state after a step gave something."""
        return replace(self, results={**self.results, step: result})

    def without_result(self, step: str) -> State:
        """The state as if a step had given nothing."""
        kept = {name: result for name, result in self.results.items() if name != step}
        return replace(self, results=kept)
