# SPDX-License-Identifier: BSD-3-Clause
"""What a step is: its fields, what it shows, its code and its actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lepton_lab.errors import LeptonError
from lepton_lab.magics.show import as_magic, as_python
from lepton_lab.magics.verb import Option, Part, Request, Verb
from lepton_lab.spec import changes, convert, hint, parse
from lepton_lab.studio.state import State

Block = dict[str, Any]
Change = Callable[[State], State]
Tell = Callable[[str, float | None], None]
Mark = Literal["", "done", "busy", "stale", "failed", "locked"]


@dataclass(frozen=True)
class Action:
    """Something that a button does.

    Attributes:
        words: What is said while it lasts; empty for what is done at once, on the thread that asks.
        work: (state, tell) -> what becomes of the state. `tell(words, fraction)` says how far it is.
    """

    words: str
    work: Callable[[State, Tell], Change]


@dataclass(frozen=True)
class Step:
    """One step of the Studio.

    Attributes:
        key: Its name in states and messages.
        title: The word on its tab.
        parts: The spec classes whose fields it has.
        panel: What it shows.
        mark: How it stands: a mark, and the words for it.
        request: The request that it would make, or made; raises LeptonError while something is missing.
        actions: Button -> action.
        own: Fields of no spec.
        sets: Field of no spec -> the state after something was typed into it, where it sets more than itself.
        name: The variable that its code gives the result to.
        after: Lines that follow, for that variable, given the state and the language.
        text: Code that no verb can write; empty where the request says it.
    """

    key: str
    title: str
    parts: tuple[Part, ...]
    panel: Callable[[State], list[Block]]
    mark: Callable[[State], tuple[Mark, str]]
    request: Callable[[State], Request]
    actions: Mapping[str, Action] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    sets: Mapping[str, Callable[[State, Any], State]] = field(default_factory=dict)
    name: str = ""
    after: Callable[[State, str], Sequence[str]] = lambda state, language: ()
    text: Callable[[State], str] = lambda state: ""

    @property
    def options(self) -> dict[str, Option]:
        """Field -> option, of all its specs."""
        return {n: Option(f, part.cls) for part in self.parts for n, f in part.options().items()}

    def problem(self, name: str, value: Any) -> tuple[str, ...]:
        """What is wrong with a value, in up to three lines; empty when nothing is."""
        option = self.options.get(name)
        if option is None:
            if name in self.own:
                return ()
            raise LeptonError(f"The step '{self.key}' has no field '{name}'.")
        try:
            convert(option.field, value, hint(option.cls, name))
        except ValueError as error:
            what = str(error).replace(f"`{option.flag}`", label(option.name), 1)
            return what, f"It is the {option.help}.", f"Its usual value is {shown(option.default)}."
        return ()

    def code(self, state: State, language: str) -> str:
        """The cell that does the same; what is missing when there is no such cell yet."""
        try:
            request = self.request(state)
        except LeptonError as error:
            return "".join(f"# {line}\n" for line in (error.what, error.why) if line).rstrip()
        return self.text(state) or written(
            request, language, self.name, self.after(state, language)
        )


def written(request: Request, language: str, name: str = "", after: Sequence[str] = ()) -> str:
    """A request as a cell: a magic, or Python."""
    verb = request.verb
    if verb is None:
        return ""
    bound = f"{name} = " if name else ""
    if language == "magic":
        line = as_magic(verb, request.positionals, request.options)
        if line.startswith("%%"):
            return line.rstrip()
        return "\n".join([bound + line, *after])
    line = as_python(verb, request.positionals, request.options)
    return "\n".join(["import lepton_lab as lab", "", bound + line, *after])


def given(state: State, step: str, cls: type, fields: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of a spec that differ from their default, typed.

    Raises:
        SpecError: One has a value that it cannot have.
    """
    typed = {n: v for n, v in state.typed(step).items() if n in Part(cls, tuple(fields)).options()}
    return changes(parse(cls, typed))


def ask(verb: Verb, positionals: Mapping[str, Any], options: Mapping[str, Any]) -> Request:
    """A request with the options in the order of the verb."""
    ordered = {name: options[name] for name in verb.options if name in options}
    return Request(verb, dict(positionals), ordered)


def made_from(request: Request) -> tuple[Any, ...]:
    """What decides a result: requests with equal ones would give the same again."""
    return tuple(request.positionals.items()), tuple(request.options.items())


def changed(state: State, step: str, wanted: Callable[[State], Request]) -> bool:
    """Whether the fields of a step ask for another result than it has; fields that ask for nothing do too."""
    result = state.results.get(step)
    try:
        return result is not None and result.made_from != made_from(wanted(state))
    except LeptonError:
        return result is not None


def beside(path: Path) -> str:
    """A path as it is seen from the notebook."""
    here, absolute = Path.cwd(), path.absolute()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)


def label(name: str) -> str:
    """A field's name as a person reads it.

    >>> label("learning_rate")
    'Learning rate'
    """
    return name.replace("_", " ").capitalize()


def shown(value: Any) -> str:
    """A value as it is typed.

    >>> shown(("a", "b")), shown(None), shown(0.1), shown(True)
    ('a,b', '', '0.1', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)
