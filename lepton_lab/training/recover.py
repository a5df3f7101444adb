# SPDX-License-Identifier: BSD-3-Clause
"""What happens when the memory is full or the loss is no number.

Full memory: the step is done again in micro-batches of half the size, so that effective batch, order,
schedule and step stay as they were (to summation order for models without batch statistics). A loss
that is no number: back to the last finite checkpoint, once, at a tenth of the rate; if it comes again,
the run ends and names the samples.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device's (or the host's) memory is full."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def halve(trainer: Trainer, error: BaseException) -> None:
    """Give the memory back and halve the micro-batch; raises LeptonError when one sample is too much."""
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
    parts = -(-trainer.plan.batch_size // trainer.micro_batch)
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
    """Go on from the last finite checkpoint at a lower rate; raises LeptonError the second time."""
    named = ", ".join(found.samples[:4]) + (" …" if len(found.samples) > 4 else "")
    if trainer.rolled_back:
        raise LeptonError(
            f"Training stopped: {found.told}, twice.",
            f"The batch had: {named}. Checkpoints up to step {trainer.last_saved} are kept.",
            f"--learning-rate={trainer.peak * COOLER:.1g}",
        )
    trainer.log.clear()
    trainer.saver.wait()
    for path in checkpoint.newest(trainer.folder):
        try:
            trainer.restore(path)
            break
        except StorageError:
            continue
    else:
        raise LeptonError(
            f"Training stopped: {found.told}.",
            f"No checkpoint was there to go back to. The batch had: {named}.",
            f"--learning-rate={trainer.peak * COOLER:.1g}",
        )
    trainer.rolled_back = True
    trainer.peak *= COOLER
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
