# SPDX-License-Identifier: BSD-3-Clause
"""What a run can be told while it trains: the half of `Run` that gives orders.

An order to a run of this kernel goes through its `Control`; one to a run of another process through its
folder. The methods are the same, and so is what they do.
"""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from lepton_lab.errors import LeptonError
from lepton_lab.journal.folder import LIVE
from lepton_lab.workbench import assets
from lepton_lab.workbench.remote import RemoteControl

if TYPE_CHECKING:
    from lepton_lab.journal import RunFolder
    from lepton_lab.training import Control
    from lepton_lab.workbench.model import LeptonModel


class Steering:
    """Orders to a run, from wherever it is asked."""

    folder: RunFolder
    _control: Control | None
    _model: LeptonModel | None

    @property
    def elsewhere(self) -> bool:
        """Whether another process trains it (or did): this one only reads what that one writes."""
        return self._control is None or isinstance(self._control, RemoteControl)

    def stop(self) -> Self:
        """Finish the step, save, load the best weights. Returns at once."""
        return self._order("stop")

    def pause(self) -> Self:
        """Rest at the next step boundary, saved."""
        return self._order("pause")

    def resume(self, **options: Any) -> Self:
        """Go on after a pause; or, when the run was stopped or crashed, from its newest whole checkpoint."""
        if self._reached() is not None:
            return self._order("resume")
        from lepton_lab.workbench.going_on import resume

        going = resume(self, **options)
        self._control, self._model = going._control, going._model
        return self

    def set(self, **values: Any) -> Self:
        """Change values from the next step on: learning_rate, weight_decay, clip, patience, ...

        Raises:
            SpecError: A value is wrong or cannot change while training.
        """
        from lepton_lab.mailbox import check_changes

        return self._order("set", **check_changes(values))

    def checkpoint(self) -> Self:
        """Save at the next step boundary and keep that checkpoint for good."""
        return self._order("checkpoint")

    def evaluate_now(self, split: str | None = None) -> dict[str, float]:
        """The metrics of this moment, between two steps; training then goes on as if nothing had been."""
        found: dict[str, float] = self._ask("evaluate", **({"split": split} if split else {}))
        return found

    def predict_now(self, inputs: Any, top: int = 5) -> Any:
        """Predict with the weights of this moment: see `lab.predict`."""
        from lepton_lab.workbench.predicting import predict_with

        record = self.folder.record
        about = SimpleNamespace(
            classes=tuple(record["model"]["classes"]),
            preprocessing=record["model"]["preprocessing"],
            files=assets.load(self.folder.path),
        )
        task = record["spec"]["task"]
        return self._ask(
            "compute", work=partial(predict_with, inputs=inputs, about=about, task=task, top=top)
        )

    def _order(self, action: str, **values: Any) -> Self:
        self._live().give(action, **values)
        return self

    def _ask(self, action: str, **values: Any) -> Any:
        """Give an order and wait for its answer."""
        control, answer = self._live(), Future[Any]()
        control.give(action, answer=answer, **values)
        while not answer.done():
            control.poll()
            if control.over.wait(0.05) and not answer.done():
                control.poll()
                answer.cancel()
        if answer.cancelled():
            name = self.folder.name
            raise LeptonError(
                f"Run '{name}' ended before it could answer.", "", f"lab.evaluate('{name}')"
            )
        return answer.result()

    def _reached(self) -> Control | None:
        """The way to the run while it trains, here or elsewhere; None when it is over."""
        if self._control is not None:
            return None if self._control.over.is_set() else self._control
        return RemoteControl(self.folder) if self.folder.record["state"] in LIVE else None

    def _live(self) -> Control:
        control = self._reached()
        if control is None:
            name, state = self.folder.name, self.folder.record["state"]
            resumable = state in ("stopped", "crashed", "failed")
            raise LeptonError(
                f"Run '{name}' does not train (it is {state}).",
                "",
                f"lab.resume('{name}')" if resumable else f"lab.run('{name}')",
            )
        return control
