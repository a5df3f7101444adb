# SPDX-License-Identifier: BSD-3-Clause
"""What happens when the memory is full or the loss is no number.

Full memory: the step is done again in micro-batches of half the size, so that effective batch, order,
schedule and step stay as they were (to summation order for models without batch statistics). Where the
step may be half taken, the run goes back to its newest checkpoint first and does the steps since then again, with the
orders they were given. A loss that is no number, or that diverges: back to the last good checkpoint, once, at a
tenth of the rate; if it comes again, the run ends and names the samples.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.events import Alert, Controlled
from lepton_lab.training import checkpoint

if TYPE_CHECKING:
    from lepton_lab.training.trainer import Trainer

COOLER = 0.1


class NotFiniteError(Exception):
    """The loss of a step (or its gradient) is no number.

    Attributes:
        step: Its step.
        found: What it was.
        samples: Names of the samples in its batch.
        what: What was no number: "loss", "gradient" or "weights".
    """

    def __init__(self, step: int, found: float, samples: Sequence[str], what: str = "loss") -> None:
        self.step, self.found, self.samples, self.what = step, found, list(samples), what
        super().__init__(self.told)

    @property
    def told(self) -> str:
        """What happened, as part of a sentence."""
        return f"the {self.what} became {self.found} at step {self.step}"


class DivergedError(NotFiniteError):
    """The loss exploded and is still a number."""

    @property
    def told(self) -> str:
        """What happened, as part of a sentence."""
        return f"the loss diverged: it was {self.found:.3g} at step {self.step}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device's (or the host's) memory is full."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def halve(trainer: Trainer, error: BaseException) -> None:
    """Give the memory back and halve the micro-batch; raises LeptonError when one sample is too much."""
    _make_room(trainer, error)
    _tell_size(trainer)


def redo(trainer: Trainer, error: BaseException) -> None:
    """Halve the micro-batch and go on from the newest checkpoint: the step under way may be half taken.

    Raises:
        LeptonError: One sample is too much, or no checkpoint is there.
    """
    reached, cooled = trainer.step, trainer.rolled_back
    _make_room(trainer, error)
    trainer.optimizer.state.clear()
    if not _go_back(trainer, checkpoint.newest):
        raise LeptonError(
            f"The memory of {trainer.device} was full after step {reached}.",
            "No checkpoint was there to go back to.",
            f"--accumulate={_parts(trainer)}",
        ) from error
    if cooled and not trainer.rolled_back:
        trainer.rolled_back = True
        trainer.peak *= COOLER
    for step, order in trainer.obeyed:
        if step >= trainer.step:
            trainer.control.again(step, order)
    trainer.obeyed = [(step, order) for step, order in trainer.obeyed if step < trainer.step]
    trainer.bus.emit(Controlled(trainer.step, "rollback", {"from": reached, "memory": "full"}))
    _tell_size(trainer)


def _make_room(trainer: Trainer, error: BaseException) -> None:
    trainer.optimizer.zero_grad(set_to_none=True)
    trainer.log.drop_step()
    release(error)
    if trainer.micro_batch == 1:
        raise LeptonError(
            f"The memory of {trainer.device} is too small for a single sample.",
            "No smaller micro-batch is left; everything up to the last checkpoint is kept.",
            "--image-size=..., or a smaller model: lab.models(max_params='10M')",
        ) from error
    trainer.micro_batch = -(-trainer.micro_batch // 2)


def _parts(trainer: Trainer) -> int:
    return -(-trainer.plan.batch_size // trainer.micro_batch)


def _tell_size(trainer: Trainer) -> None:
    """Journal the new micro-batch, so that a repetition takes it at the same step, and tell the user."""
    parts, samples = _parts(trainer), {"samples": trainer.micro_batch}
    trainer.bus.emit(Controlled(trainer.step, "micro_batch", samples))
    trainer.bus.emit(
        Alert(
            trainer.step,
            "warning",
            f"The memory of {trainer.device} was full; going on with {trainer.micro_batch} x {parts} "
            f"samples a step (same effective batch of {trainer.plan.batch_size}).",
            f"--accumulate={parts}",
        )
    )


def release(error: BaseException | None = None) -> None:
    """Let go of the frames that keep tensors alive: the error's own, and those that IPython remembers."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    result = getattr(shell, "last_execution_result", None)
    remembered = [getattr(result, name, None) for name in ("error_in_exec", "error_before_exec")]
    remembered += [getattr(sys, name, None) for name in ("last_exc", "last_value")]
    for seen in (error, *remembered):
        while isinstance(seen, BaseException):
            seen.__traceback__ = None
            seen = seen.__cause__ or seen.__context__
    for name in ("last_traceback", "last_exc", "last_value", "last_type"):
        if hasattr(sys, name):
            setattr(sys, name, None)
    for name in ("InteractiveTB", "SyntaxTB"):
        formatter = getattr(shell, name, None)
        for part in ("tb", "etype", "evalue", "last_syntax_error"):
            if hasattr(formatter, part):
                setattr(formatter, part, None)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def roll_back(trainer: Trainer, found: NotFiniteError) -> None:
    """Go on from the last good checkpoint at a lower rate; raises LeptonError the second time."""
    named = ", ".join(found.samples[:4]) + (" …" if len(found.samples) > 4 else "")
    if trainer.rolled_back:
        raise LeptonError(
            f"Training stopped: {found.told}, twice.",
            f"The batch had: {named}. Checkpoints up to step {trainer.last_saved} are kept.",
            f"--learning-rate={trainer.peak * COOLER:.1g}",
        )
    if not _go_back(trainer, _good_ones):
        raise LeptonError(
            f"Training stopped: {found.told}.",
            f"No checkpoint was there to go back to. The batch had: {named}.",
            f"--learning-rate={trainer.peak * COOLER:.1g}",
        )
    trainer.rolled_back = True
    trainer.peak *= COOLER
    trainer.obeyed.clear()
    facts = {"from": found.step, "learning_rate": trainer.peak, "samples": found.samples}
    trainer.bus.emit(Controlled(trainer.step, "rollback", facts))
    trainer.bus.emit(
        Alert(
            trainer.step,
            "warning",
            f"{found.told.capitalize()}; back to step {trainer.step} at a tenth of the rate. "
            f"The batch had: {named}.",
        )
    )


def _go_back(trainer: Trainer, choose: Callable[[Path], list[Path]]) -> bool:
    """Restore the first whole one of the checkpoints chosen; the micro-batch stays as small as it is."""
    trainer.log.clear()
    trainer.saver.wait()
    samples = trainer.micro_batch
    for path in choose(trainer.folder):
        try:
            trainer.restore(path)
        except StorageError:
            continue
        trainer.micro_batch = min(samples, trainer.micro_batch)
        return True
    return False


def _good_ones(folder: Path) -> list[Path]:
    """The checkpoints, newest first; those saved while the loss was already too high come last."""

    def poor(path: Path) -> bool:
        try:
            return not checkpoint.read_state(path).get("losses", {}).get("well", True)
        except StorageError:
            return True

    return sorted(checkpoint.newest(folder), key=poor)
