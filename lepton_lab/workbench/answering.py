# SPDX-License-Identifier: BSD-3-Clause
"""Answers of any task: the runtime prepares and reads, the module computes in between.

This is the way an artifact goes too, with its graph in the module's place, so that what is seen in the
notebook is what will be served.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import DataError
from lepton_lab.rendering import Table, bundle, escape, visible
from lepton_lab.runtime.batches import batches
from lepton_lab.runtime.errors import InputError
from lepton_lab.runtime.inputs import preparer
from lepton_lab.runtime.outputs import Answer, output
from lepton_lab.workbench.drawings import drawing

if TYPE_CHECKING:
    import torch

    from lepton_lab.workbench.predicting import About

AT_ONCE = 32
SHOWN = 20


def answer_with(
    module: torch.nn.Module, inputs: Any, *, about: About, task: str, top: int = 5
) -> Any:
    """Answers of a module in evaluation mode: one for one input, `Answers` for several.

    Args:
        module: As its task calls it.
        inputs: What the task's content takes, a list of it, a data set or one of its splits.
        about: Classes, preprocessing and files of the model.
        task: What the model does.
        top: Classes to show for each, where the answer is of classes.

    Raises:
        DataError: An input cannot be used, and why.
    """
    from lepton_lab.datasets.contents import contents
    from lepton_lab.exporting.signatures import signatures
    from lepton_lab.tasks import tasks

    signature = signatures.get(task)
    ready = preparer(about.preprocessing, about.files)
    reads = output(signature.interface(about)["output"], tuple(about.classes))  # type: ignore[arg-type]
    named = _named(inputs, contents.get(tasks.get(task).content))
    training = module.training
    compute = signature.compute(module.eval(), about.preprocessing)
    found: list[Answered] = []
    try:
        prepared = ((one, _prepared(ready, *one)) for one in named)
        for part in batches(prepared, AT_ONCE):
            rows = [row for _, row in part]
            outputs = reads.cut(compute(ready.collate(rows)), rows)
            for ((name, source), row), values in zip(part, outputs, strict=True):
                answer = reads.answer(values, row, name)
                found.append(Answered(_shown(answer, top), source))
    finally:
        module.train(training)
    # A pair (samples, rate) is one input, although it is a tuple.
    one = len(found) == 1 and not (isinstance(inputs, (list, tuple)) and len(inputs) == 1)
    return found[0] if one else Answers(found)


@dataclass(frozen=True, eq=False, repr=False)
class Answered:
    """The runtime's answer, and the input it was given to; attributes of the answer are its own.

    Attributes:
        answer: What an artifact would answer.
        source: The input.
    """

    answer: Answer
    source: Any

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.answer, name)

    def __str__(self) -> str:
        return str(self.answer)

    def __repr__(self) -> str:
        return f"{type(self.answer).__name__}({self.answer})"

    def html(self) -> str:
        """The input with the answer drawn into it; escaped text where there is no picture of it."""
        drawn = drawing(self.answer, self.source)
        return drawn.html() if drawn is not None else f"<div>{escape(self.answer)}</div>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(visible(str(self.answer)), self.html())


class Answers(Sequence[Answered]):
    """Answers for several inputs, in their order."""

    def __init__(self, items: Sequence[Answered]) -> None:
        self.items = list(items)

    def __getitem__(self, index: Any) -> Any:
        return Answers(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def to_json(self) -> list[dict[str, Any]]:
        """Every answer as JSON values."""
        return [item.to_json() for item in self.items]

    def table(self) -> Table:
        """A line for each."""
        rows = [(item.name or f"input {i}", str(item)) for i, item in enumerate(self.items, 1)]
        return Table(("input", "answer"), rows, f"{len(rows)} answers")

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if len(self.items) > SHOWN:
            return self.table()._repr_mimebundle_()
        return bundle(self.table().text(), "".join(item.html() for item in self.items))


def _named(inputs: Any, content: Any) -> list[tuple[str, Any]]:
    """(name, what the runtime prepares) of everything that the inputs stand for."""
    if hasattr(inputs, "held_out"):
        inputs = inputs.held_out
    if hasattr(inputs, "samples") and hasattr(inputs, "read"):
        return [(sample.id, inputs.read(i)) for i, sample in enumerate(inputs)]
    found: list[tuple[str, Any]] = content.inputs(inputs)
    return found


def _prepared(ready: Any, name: str, source: Any) -> Any:
    try:
        return ready.prepare(source)
    except InputError as error:
        who = error.name or name or "The input"
        raise DataError(f"{who} cannot be used.", f"{error.reason}.") from error


def _shown(answer: Answer, top: int) -> Answer:
    if is_dataclass(answer) and hasattr(answer, "shown"):
        return replace(answer, shown=top)  # type: ignore[type-var]
    return answer
