# SPDX-License-Identifier: BSD-3-Clause
"""A line, and perhaps a TOML body -> a typed `Request`.

Options are the Python names of the spec fields with `-` for `_`, in full, because notebooks live
for years; the aliases are those that a field declares. Values are typed by `spec.parse`. All
problems of a line are told at once, with the line put right where there is no doubt what was
meant.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from lepton_lab import spec
from lepton_lab.errors import NotFoundError, SpecError, nearest
from lepton_lab.magics import body as toml
from lepton_lab.magics.scan import Problem, Scan, scan, short, split, too_many
from lepton_lab.magics.verb import Positional, Request, Verb
from lepton_lab.magics.verbs import verbs


def parse_line(line: str, body: str | None = None) -> Request:
    """The request of a line after `%lepton`, with the body of its cell.

    Raises:
        MagicUsageError: With every problem of the line and the body.
    """
    line = line.strip()
    if line.endswith(";"):
        line = line[:-1]
    try:
        words = split(line)
    except ValueError:
        _refuse(
            [Problem(f"A quotation mark is not closed in: {short(line)}")],
            'Put names with spaces between two marks, as in "my photos".',
            "%lepton --help",
        )
    return parse_words(words, body)


def parse_words(words: Sequence[str], body: str | None = None) -> Request:
    """The request of the words of a line, verb first; see `parse_line`."""
    if not words or words[0] in ("--help", "-h", "help"):
        return Request(None, help=bool(words))
    verb = find_verb(words)
    rest = words[len(verb.words) :]
    state = scan(verb, rest)
    if state.help:
        return Request(verb, help=True)
    if state.awaiting is not None:
        state.problems.append(Problem(_missing_value(state)))
    named = _merge_body(verb, state, body)
    positionals = _place(verb, state, named, rest)
    options = _typed(verb, state)
    if state.problems:
        _report(verb, state.problems)
    return Request(verb, positionals, options)


def find_verb(words: Sequence[str]) -> Verb:
    """The verb that a line begins with. Raises MagicUsageError that offers the nearest one."""
    try:
        verb = verbs.get(words[0]).named_by(words)
    except NotFoundError as error:
        likely = nearest(words[0], verbs.names(), 1)
        todo = f"%lepton {shlex.join([*likely, *words[1:]])}" if likely else "%lepton --help"
        what = f"No verb is called '{short(words[0])}'."
        _refuse([Problem(what)], error.why, todo if len(todo) < 200 else "%lepton --help", error)
    _refuse_unknown_action(verb, words)
    return verb


def _refuse_unknown_action(verb: Verb, words: Sequence[str]) -> None:
    """Two names where a verb takes one: the first was to be an action."""
    if len(words) < 3 or not verb.actions or any(word.startswith("-") for word in words[1:3]):
        return
    actions = [action.words[1] for action in verb.actions]
    likely = nearest(words[1], actions, 1)
    todo = f"%lepton {shlex.join([verb.name, *likely, *words[2:]])}" if likely else ""
    _refuse(
        [Problem(f"`{verb.name}` has no action '{short(words[1])}'.")],
        f"It has {', '.join(actions)}.",
        todo if todo and len(todo) < 200 else f"%lepton {verb.name} --help",
    )


def split_words(text: str) -> tuple[str, ...]:
    r"""Names separated by commas; a backslash keeps a comma, a space or a backslash as it is.

    >>> split_words(r"cat, dog,salt\, pepper")
    ('cat', 'dog', 'salt, pepper')
    """
    pieces = re.findall(r"(?:\\.|[^,\\]|\\$)+", text, re.DOTALL)
    return tuple(
        re.sub(r"\\(.)", r"\1", word, flags=re.DOTALL) for word in map(_trim, pieces) if word
    )


def _trim(piece: str) -> str:
    """Without the spaces around it, except one that a backslash keeps."""
    piece = piece.lstrip()
    bare = piece.rstrip()
    kept = (len(bare) - len(bare.rstrip("\\"))) % 2 and len(bare) < len(piece)
    return bare + piece[len(bare)] if kept else bare


def _missing_value(state: Scan) -> str:
    option = state.awaiting
    assert option is not None
    choices = "|".join(option.choices)
    return f"`{option.flag}` needs a value: `{option.flag}={choices or '…'}`."


def _merge_body(verb: Verb, state: Scan, body: str | None) -> dict[str, Any]:
    if body is None:
        return {}
    try:
        return toml.merge(verb, state, toml.read(body))
    except toml.BodyError as error:
        _refuse(
            [Problem(f"The cell below %%lepton {verb.name} is no TOML: {error}.")],
            'Write one `option = value` per line, text in quotes: `name = "first"`.',
            f"%lepton {verb.name} --help",
            error,
        )


def _place(
    verb: Verb, state: Scan, named: Mapping[str, Any], words: Sequence[str]
) -> dict[str, Any]:
    """Give each word its place. Required places are served first, the others from left to right."""
    placed = {name: value for name, value in named.items() if value is not None}
    free = [place for place in verb.positionals if place.name not in placed]
    rest = list(state.positionals)
    if len(rest) < len(free):
        optional = len(rest) - sum(place.required for place in free)
        free = [p for i, p in enumerate(free) if p.required or _optionals(free[:i]) < optional]
    for place in free:
        if rest and place.many:
            placed[place.name], rest = tuple(rest), []
        elif rest:
            placed[place.name] = rest.pop(0)
    state.problems += [too_many(verb, words, extra) for extra in rest]
    for place in verb.positionals:
        if place.required and place.name not in placed and place.name not in named:
            state.problems.append(Problem(f"`{verb.name}` needs {place.shown}: {place.help}."))
    return placed


def _optionals(places: Sequence[Positional]) -> int:
    return sum(not place.required for place in places)


def _typed(verb: Verb, state: Scan) -> dict[str, Any]:
    """The options that were given, as the types of their fields."""
    typed: dict[str, Any] = {}
    for part in verb.parts:
        values = {name: state.given[name] for name in part.options() if name in state.given}
        for name, value in values.items():
            if verb.options[name].words and isinstance(value, str):
                values[name] = split_words(value)
        try:
            built: Any = spec.parse(part.cls, values)
        except SpecError as error:
            state.problems += [Problem(text) for text in error.problems]
        else:
            typed |= {name: getattr(built, name) for name in values}
    return {name: typed[name] for name in verb.options if name in typed}


def _report(verb: Verb, problems: Sequence[Problem]) -> NoReturn:
    """Say the first three problems; offer the line put right when there is just one."""
    only = problems[0] if len(problems) == 1 else None
    todo = f"%lepton {shlex.join([*verb.words, *only.repaired])}" if only and only.repaired else ""
    if not todo or len(todo) > 200 or not todo.isprintable():
        todo = f"%lepton {verb.name} --help"
    others = " ".join(problem.text for problem in problems[1:3])
    if len(problems) > 3:
        others += f" And {len(problems) - 3} more."
    _refuse(problems, others, todo)


def _refuse(
    problems: Sequence[Problem], why: str, todo: str, cause: Exception | None = None
) -> NoReturn:
    from lepton_lab.magics.usage import MagicUsageError

    texts = [problem.text for problem in problems]
    raise MagicUsageError(texts[0], why, todo, texts) from cause
