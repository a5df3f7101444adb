# SPDX-License-Identifier: BSD-3-Clause
"""Orders and their answers between processes: small files in the folder of a run.

A run that trains in another kernel, or in a process of its own, is ordered by a letter in `orders/`,
one JSON file, written aside and renamed. The loop collects letters a few times a second and takes them
away; an answer that is wanted comes back in `answers/` under the same number. Nothing has to be open,
nothing listens, and a letter that nobody collects does no harm.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lepton_lab import durable
from lepton_lab.errors import LeptonError, SpecError, StorageError, did_you_mean
from lepton_lab.spec import TrainSpec, parse

ACTIONS = ("stop", "pause", "resume", "set", "checkpoint", "evaluate", "snapshot")
CHANGEABLE = (
    "learning_rate",
    "weight_decay",
    "clip",
    "patience",
    "checkpoint_every",
    "label_smoothing",
)
ORDERS, ANSWERS = "orders", "answers"


@dataclass(frozen=True)
class Letter:
    """An order that came by file.

    Attributes:
        id: Its number, by which the answer is found.
        action: One of `ACTIONS`.
        values: Plain JSON values.
        answer: Whether the sender waits for an answer.
    """

    id: str
    action: str
    values: dict[str, Any]
    answer: bool


@dataclass(frozen=True)
class Answer:
    """What came back: a value, or the three lines of an error."""

    value: Any = None
    error: tuple[str, ...] = ()


def post(
    folder: Path, action: str, values: Mapping[str, Any] | None = None, *, answer: bool = False
) -> str:
    """Order something of the run in `folder`; returns the letter's number at once.

    Args:
        folder: The run's folder.
        action: One of `ACTIONS`.
        values: JSON values that go with it.
        answer: Whether an answer is wanted, which `collect_answer` then finds.

    Raises:
        LeptonError: There is no such action.
        StorageError: The folder cannot be written.
    """
    if action not in ACTIONS:
        raise LeptonError(
            f"A run cannot be asked to '{action}'.",
            did_you_mean(action, ACTIONS) or f"It can be asked to {', '.join(ACTIONS)}.",
        )
    number = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
    text = {"action": action, "values": dict(values or {}), "answer": answer}
    durable.write_json(folder / ORDERS / f"{number}.json", text)
    return number


def collect(folder: Path) -> list[Letter]:
    """The letters that wait, oldest first; they are taken away. What is no letter is thrown away."""
    letters = []
    for path in sorted((folder / ORDERS).glob("[0-9]*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(path.read_text("utf-8"))
            if said["action"] in ACTIONS:
                wanted = said.get("answer") is True
                letters.append(Letter(path.stem, said["action"], dict(said["values"]), wanted))
        path.unlink(missing_ok=True)
    return letters


def answer(
    folder: Path, letter: str, value: Any = None, error: BaseException | None = None
) -> None:
    """Answer a letter. A disk that refuses the answer costs the sender the answer and nothing else."""
    lines = (str(error) or type(error).__name__).split("\n") if error is not None else []
    with contextlib.suppress(StorageError):
        said = {"value": value if error is None else None, "error": lines}
        durable.write_text(folder / ANSWERS / f"{letter}.json", json.dumps(said))


def collect_answer(folder: Path, letter: str) -> Answer | None:
    """The answer to a letter, taken away; None while there is none."""
    path = folder / ANSWERS / f"{letter}.json"
    if not path.exists():
        return None
    said = durable.read_json(path)
    path.unlink(missing_ok=True)
    return Answer(said["value"], tuple(said["error"]))


def clear(folder: Path) -> None:
    """Throw away what an earlier process of this run left."""
    for name in (ORDERS, ANSWERS):
        shutil.rmtree(folder / name, ignore_errors=True)


def check_changes(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a `set` order, typed; raises SpecError before anything is ordered."""
    spec = parse(TrainSpec, values, where="train")
    wrong = [name for name in values if name.replace("-", "_") not in (*CHANGEABLE, "lr")]
    if wrong or not values:
        named = f"'{wrong[0]}' cannot change" if wrong else "Nothing was named to change"
        raise SpecError(
            f"{named} while a run trains.",
            f"These can: {', '.join(CHANGEABLE)}.",
            "run.set(learning_rate=1e-4)",
        )
    known = {"lr": "learning_rate"}
    names = [known.get(key, key.replace("-", "_")) for key in values]
    typed = {name: getattr(spec, name) for name in names}
    words = [name for name, value in typed.items() if isinstance(value, str)]
    if words:
        raise SpecError(
            f"`{words[0]}` cannot become '{typed[words[0]]}' while a run trains.",
            "That is decided before the first step; now it takes a number.",
            "run.set(learning_rate=1e-4)",
        )
    return typed
