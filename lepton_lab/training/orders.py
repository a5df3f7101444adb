# SPDX-License-Identifier: BSD-3-Clause
"""What each order does. To add one, write a function and put it into the table `ORDERS`.

An order takes effect between two steps. Those that change how training goes on are journaled with their
values, so that a run can be repeated with them at the same steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lepton_lab import durable
from lepton_lab.mailbox import check_changes

if TYPE_CHECKING:
    from lepton_lab.training.control import Order
    from lepton_lab.training.trainer import Trainer

REPEATED = ("set", "stop", "micro_batch", "plan")


def change(trainer: Trainer, values: dict[str, Any]) -> None:
    """New values from the next step on.

    A learning rate is the rate of the next step; the schedule goes on from there in proportion. Values are
    looked at again here, because an order may come from a file that anyone has written.
    """
    for name, value in check_changes(values).items():
        if name == "learning_rate":
            trainer.peak = float(value) / max(trainer.share, 1e-3)
        elif name == "weight_decay":
            for group in trainer.optimizer.param_groups:
                group["weight_decay"] = float(value) if group["decays"] else 0.0
        else:
            trainer.spec = replace(trainer.spec, **{name: value})
            trainer.task.spec = trainer.spec


def shrink(trainer: Trainer, values: dict[str, Any]) -> None:
    """Smaller micro-batches from the next step on, as a full memory once made them."""
    trainer.micro_batch = min(trainer.micro_batch, int(values["samples"]))


def plan(trainer: Trainer, values: dict[str, Any]) -> None:
    """Another number of steps for the whole run; the schedule goes on from here to its end."""
    trainer.course = trainer.course.changed(
        trainer.step, max(int(values["steps"]), trainer.step + 1)
    )


def pin(trainer: Trainer, values: dict[str, Any]) -> None:
    """Save now, and keep it for good."""
    trainer.save(pinned=True)


def evaluate(trainer: Trainer, values: dict[str, Any]) -> dict[str, float]:
    """The metrics of this moment on val, or on the split that is named; training goes on untouched."""
    name = values.get("split")
    split = trainer.data.split(name) if name else trainer.data.val or trainer.data.train
    found = dict(trainer.evaluate(split))
    trainer.report(split.name, found)
    return found


def compute(trainer: Trainer, values: dict[str, Any]) -> Any:
    """Call a function with the module as it is now, in evaluation mode."""
    work: Callable[[Any], Any] = values["work"]
    with trainer.at_rest() as module:
        return work(module)


def snapshot(trainer: Trainer, values: dict[str, Any]) -> str:
    """Write the weights of this moment for another process; returns the file's name in the run's folder."""
    import safetensors.torch

    from lepton_lab.training.saver import copy_of

    name = f"moment-{trainer.step}.safetensors"
    with trainer.at_rest() as module:
        weights = safetensors.torch.save(copy_of(module.state_dict()))
    durable.write_bytes(trainer.folder.parent / name, weights)
    return name


ORDERS: dict[str, Callable[[Trainer, dict[str, Any]], Any]] = {
    "set": change,
    "micro_batch": shrink,
    "plan": plan,
    "checkpoint": pin,
    "evaluate": evaluate,
    "compute": compute,
    "snapshot": snapshot,
}


def carry_out(trainer: Trainer, order: Order) -> None:
    """Do it and give the answer; an order that fails tells the one who gave it and never ends the run."""
    try:
        result = ORDERS[order.action](trainer, order.values)
    except Exception as error:
        if order.answer is None:
            trainer.warn(str(error).split("\n")[0])
        else:
            order.answer.set_exception(error)
        return
    if order.action in REPEATED:
        trainer.obeyed.append((trainer.step, order))
    if order.answer is not None:
        order.answer.set_result(result)
