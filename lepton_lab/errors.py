# SPDX-License-Identifier: BSD-3-Clause
"""The errors a user meets: three short lines, and a real exception behind them.

Every error says what happened, why (what was found) and what to type next. IPython asks an
exception for `_render_traceback_` before it prints one, so a notebook shows only those lines while
the cell still fails: "Run All" stops, nbval and nbclient see the error. In a plain script the usual
traceback ends with the same text. The original exception stays chained; `%lepton doctor --last`
prints it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class LeptonError(Exception):
    """What happened, why, and what to type.

    Args:
        what: One sentence: what happened, naming the culprit.
        why: What was found, or the nearest right choice. May be empty.
        todo: The next command or step, ready to paste. May be empty.

    >>> print(LeptonError("No model is called 'resnet5'.", "Did you mean resnet50?", "lab.models('resnet*')"))
    No model is called 'resnet5'.
    Did you mean resnet50?
    lab.models('resnet*')
    """

    def __init__(self, what: str, why: str = "", todo: str = "") -> None:
        self.what, self.why, self.todo = what, why, todo
        super().__init__("\n".join(line for line in (what, why, todo) if line))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.why, self.todo)

    def _render_traceback_(self) -> list[str]:
        return str(self).split("\n")


class NotFoundError(LeptonError):
    """A name that nothing bears: a model, verb, option, column, run or folder."""


class SpecError(LeptonError):
    """One or more values of a spec are wrong; all of them are told at once."""

    def __init__(self, what: str, why: str = "", todo: str = "", problems: Iterable[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__(what, why, todo)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.why, self.todo, self.problems)


class DataError(LeptonError):
    """A data set that cannot be read or cannot be trained on as it is."""


class WeightsError(LeptonError):
    """Pretrained weights that are not here and cannot be fetched, or do not fit."""


class StorageError(LeptonError):
    """A full disk, a read-only folder, a damaged file."""


class ParityError(LeptonError):
    """An export that does not compute what the model computes. Nothing was written."""


def nearest(name: str, choices: Iterable[str], n: int = 3) -> list[str]:
    """The choices most like `name`, best first: those that begin with it, then those that are spelled like it.

    Args:
        name: What was typed.
        choices: The names that exist.
        n: At most this many.

    >>> nearest("resnet5", ["resnet50", "vit_tiny", "resnet18"])
    ['resnet50', 'resnet18']
    """
    pool = list(dict.fromkeys(choices))
    lowered = {choice.lower(): choice for choice in pool}
    found = difflib.get_close_matches(name.lower(), list(lowered), n=n, cutoff=0.6)
    starts = sorted((c for c in pool if name and c.lower().startswith(name.lower())), key=len)
    ordered = starts + [lowered[f] for f in found]
    return list(dict.fromkeys(ordered))[:n]


def did_you_mean(name: str, choices: Iterable[str], n: int = 3) -> str:
    """The sentence that offers the nearest choices, or an empty string.

    >>> did_you_mean("adam", ["adamw", "sgd"])
    'Did you mean adamw?'
    """
    found = nearest(name, choices, n)
    if not found:
        return ""
    return "Did you mean " + (found[0] if len(found) == 1 else ", ".join(found[:-1]) + " or " + found[-1]) + "?"
