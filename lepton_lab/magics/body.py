# SPDX-License-Identifier: BSD-3-Clause
"""The body of a `%%lepton VERB` cell: TOML, one option per line.

    %%lepton train
    model = "resnet18"
    data = "photos"
    epochs = 10
    learning_rate = 1e-3

Keys are the Python names of the options (a dash counts as an underscore) and of the positionals.
TOML is used because it reads `1e-3` as a number and `no` as nothing but an error.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from lepton_lab.errors import did_you_mean
from lepton_lab.magics.scan import Problem, Scan, short
from lepton_lab.magics.verb import Positional, Verb


class BodyError(ValueError):
    """A body that is no TOML. The message has the line and its number within the body, from 1."""


def read(body: str) -> dict[str, Any]:
    r"""The keys and values of a body.

    Raises:
        BodyError: The body is no TOML.

    >>> read("epochs = 3\nlearning-rate = 1e-3")
    {'epochs': 3, 'learning_rate': 0.001}
    """
    try:
        values = tomllib.loads(body.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise BodyError(_explain(body, str(error))) from error
    return {key.replace("-", "_"): value for key, value in values.items()}


def merge(verb: Verb, state: Scan, values: Mapping[str, Any]) -> dict[str, Any]:
    """Add a body to what the line gave; the line wins, so that one value can be tried in passing.

    Returns:
        The positionals of the body by name. Problems are added to `state`.
    """
    places = {place.name: place for place in verb.positionals}
    words: dict[str, Any] = {}
    seen: set[str] = set()
    for key, value in values.items():
        option = verb.keys.get(key)
        if key in places:
            words[key] = _word(places[key], value, state)
        elif option is None:
            guess = did_you_mean(key, [*places, *verb.keys], 1)
            state.problems.append(
                Problem(f"`{verb.name}` has no option `{short(key)}`. {guess}".rstrip())
            )
        elif option.name in seen:
            state.problems.append(Problem(f"`{option.name}` is given twice in the cell."))
        else:
            seen.add(option.name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            text = str(value) if number and set(option.members) <= {str, type(None)} else value
            state.given.setdefault(option.name, text)
    return words


def _word(place: Positional, value: Any, state: Scan) -> Any:
    """A positional's value: text, or a list of texts where it takes many."""
    if isinstance(value, str):
        return (value,) if place.many else value
    if (
        place.many
        and isinstance(value, list)
        and value
        and all(isinstance(item, str) for item in value)
    ):
        return tuple(value)
    wanted = "a list of texts" if place.many else "text in quotes"
    state.problems.append(Problem(f'`{place.name}` needs {wanted}; got "{short(str(value))}".'))
    return None


def _explain(body: str, message: str) -> str:
    """The parser's message with the line it means."""
    match = re.search(r"\(at line (\d+), column \d+\)|\(at end of document\)", message)
    lines = body.replace("\r\n", "\n").split("\n")
    filled = [number for number, line in enumerate(lines, 1) if line.strip()]
    number = int(match[1]) if match and match[1] else (filled or [1])[-1]
    reason = message[: match.start()].strip().rstrip(".") if match else message
    return f"line {number} (`{short(lines[number - 1].strip())}`): {reason}"
