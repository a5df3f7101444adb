# SPDX-License-Identifier: BSD-3-Clause
"""`resume`, `branch` and `reproduce`: runs that begin where another one was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lepton_lab.workbench.given import run_from
from lepton_lab.workbench.launching import launch

if TYPE_CHECKING:
    from lepton_lab.workbench.handle import Run


def resume(
    run: Any = None,
    *,
    background: bool = False,
    now: bool = False,
    isolate: bool = False,
    view: str = "auto",
) -> Run:
    """Go on with a run that was stopped, failed or lost its process, exactly as if it had never stopped.

    Args:
        run: A run or its name; the latest when left out.
        background: Return at once.
        now: Train beside a run that is under way on the same device.
        isolate: Train in a process of its own.
        view: Name of the live view.

    Raises:
        LeptonError: It is under way or done, its data changed, or no whole checkpoint is left.
    """
    from lepton_lab.workbench.starting import resumed

    work = resumed(run_from(run))
    work.now = now
    return launch(work, background, isolate, view)


def branch(
    run: Any,
    step: int | None = None,
    *,
    background: bool = False,
    isolate: bool = False,
    view: str = "auto",
    **changes: Any,
) -> Run:
    """A child of a run from one of its kept checkpoints.

    Args:
        run: The parent or its name.
        step: A step that has a checkpoint; the newest when left out.
        background: Return at once.
        isolate: Train in a process of its own.
        view: Name of the live view.
        **changes: Fields of `TrainSpec`.
    """
    from lepton_lab.workbench.starting import branched

    return launch(branched(run_from(run), step, **changes), background, isolate, view)


def reproduce(
    run: Any = None,
    *,
    name: str = "",
    background: bool = False,
    isolate: bool = False,
    view: str = "auto",
) -> Run:
    """Train a run again from its first step, with its control actions at their steps, to the same weights.

    Args:
        run: A run or its name; the latest when left out.
        name: Name of the new run.
        background: Return at once.
        isolate: Train in a process of its own.
        view: Name of the live view.
    """
    from lepton_lab.workbench.starting import repeated

    return launch(repeated(run_from(run), name=name), background, isolate, view)
