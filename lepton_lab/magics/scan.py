# SPDX-License-Identifier: BSD-3-Clause
"""Words of a line -> positionals and options, before anything is typed or refused.

The parser and completion both walk a line with `scan`, so they agree on what each word is, also in
a line that is only half written. Problems are collected, never raised here.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lepton_lab.errors import nearest
from lepton_lab.magics.verb import Option, Verb
from lepton_lab.rendering import visible


@dataclass(frozen=True)
class Problem:
    """What is wrong, in one sentence or two, and the whole line put right where that is certain."""

    text: str
    repaired: tuple[str, ...] = ()


@dataclass
class Scan:
    """What the words after the verb are.

    Attributes:
        positionals: Words known by their place.
        given: Option name -> its value as written (True and False for switches).
        problems: Everything that cannot be meant.
        awaiting: The option whose value would be the next word, if any.
        help: `--help` was there.
        literal: `--` was there: whatever follows is a positional.
        swallowed: Index of a word that belongs to a problem that is told already.
    """

    positionals: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    awaiting: Option | None = None
    help: bool = False
    literal: bool = False
    swallowed: int = -1


def split(line: str) -> list[str]:
    """The words of a line by the rules of a POSIX shell; on Windows a backslash is itself.

    Raises:
        ValueError: A quotation mark is not closed.

    >>> split("train resnet18 'my photos' --epochs=3")
    ['train', 'resnet18', 'my photos', '--epochs=3']
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    if os.name == "nt":
        lexer.escape = ""
    return list(lexer)


def scan(verb: Verb, words: Sequence[str]) -> Scan:
    """Sort the words after the verb."""
    state = Scan()
    for index, word in enumerate(words):
        if index == state.swallowed:
            continue
        if state.awaiting is not None:
            _value(verb, state, words, index)
        elif state.literal or not word.startswith("-") or word == "-":
            state.positionals.append(word)
        elif word == "--":
            state.literal = True
        elif word == "--help":
            state.help = True
        else:
            _option(verb, state, words, index)
    return state


def find(verb: Verb, name: str) -> tuple[Option | None, bool]:
    """The option that a word without dashes names, and whether it says `no-` in front."""
    key = name.replace("-", "_")
    if key in verb.keys:
        return verb.keys[key], False
    option = verb.options.get(key.removeprefix("no_")) if key.startswith("no_") else None
    return option, option is not None


def short(word: str) -> str:
    """A word as a message quotes it: control characters visible, at most 60 characters."""
    text = visible(word)
    return text if len(text) <= 60 else text[:59] + "…"


def _value(verb: Verb, state: Scan, words: Sequence[str], index: int) -> None:
    """The word after `--option`."""
    option, word = state.awaiting, words[index]
    assert option is not None
    state.awaiting = None
    if word == "=":
        following = words[index + 1] if index + 1 < len(words) else ""
        repaired = (*words[: index - 1], f"{option.flag}={following}", *words[index + 2 :])
        _say(
            state, f'Write `{option.flag}={short(following)}` without spaces around "=".', repaired
        )
        state.swallowed = index + 1
    elif word.startswith("--"):
        _say(state, f'`{option.flag}` needs a value; got "{short(word)}". Write `{option.flag}=…`.')
    else:
        _give(state, option, word)


def _option(verb: Verb, state: Scan, words: Sequence[str], index: int) -> None:
    """A word that begins with a dash."""
    word = words[index]
    name, equals, value = word.lstrip("-").partition("=")
    option, negative = find(verb, name) if word.startswith("--") else (None, False)
    if option is None:
        _unknown(verb, state, words, index)
    elif negative and not option.switch:
        _say(
            state,
            f"`{option.flag}` is no switch: write `{option.flag}=…` instead of `{short(word)}`.",
        )
    elif negative and equals:
        right = (*words[:index], f"--{name}", *words[index + 1 :])
        _say(state, f"`--{name}` takes no value; got `{short(word)}`.", right)
    elif negative:
        _give(state, option, False)
    elif equals:
        _give(state, option, value)
    elif option.switch:
        _give(state, option, True)
    else:
        state.awaiting = option


def _unknown(verb: Verb, state: Scan, words: Sequence[str], index: int) -> None:
    """Say which option was probably meant, and what the line would then be."""
    name, equals, value = words[index].lstrip("-").partition("=")
    key = name.replace("-", "_")
    likely = nearest(key, verb.keys, 1)
    if likely and len(key) > 1:
        flag = verb.keys[likely[0]].flag
        repaired = (*words[:index], flag + equals + value, *words[index + 1 :])
        _say(
            state,
            f"`{verb.name}` has no option `{short(words[index])}`. Did you mean `{flag}`?",
            repaired,
        )
    else:
        listed = ", ".join(f"`{option.flag}`" for option in list(verb.options.values())[:4])
        has = (
            f"It has {listed}{' …' if len(verb.options) > 4 else '.'}"
            if listed
            else "It has no options."
        )
        _say(state, f"`{verb.name}` has no option `{short(words[index])}`. {has}")


def too_many(verb: Verb, words: Sequence[str], extra: str) -> Problem:
    """The problem of a word for which there is no place left."""
    match = re.match(r"([A-Za-z_][\w-]*)=", extra)
    option = find(verb, match[1])[0] if match else None
    if match and option:
        right = f"{option.flag}={extra[match.end() :]}"
        return Problem(
            f'Options begin with two dashes: write `{short(right)}` for "{short(extra)}".',
            tuple(right if word == extra else word for word in words),
        )
    return Problem(
        f'`{verb.name}` takes {verb.takes}; "{short(extra)}" is one too many. '
        "Names with spaces need quotes."
    )


def _give(state: Scan, option: Option, value: Any) -> None:
    if option.name in state.given and option.words and isinstance(value, str):
        value = f"{state.given[option.name]},{value}"
    elif option.name in state.given:
        _say(state, f"`{option.flag}` is given twice.")
    state.given[option.name] = value


def _say(state: Scan, text: str, repaired: Sequence[str] = ()) -> None:
    state.problems.append(Problem(text, tuple(repaired)))
