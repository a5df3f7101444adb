# SPDX-License-Identifier: BSD-3-Clause
"""The way to a run that another process trains: letters in its folder instead of a queue.

It has the manners of `Control`, so nobody who gives orders needs to know where the run trains.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab import mailbox
from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.journal import RunFolder
from lepton_lab.journal.folder import LIVE
from lepton_lab.training import Control

if TYPE_CHECKING:
    import torch

LOOK_EVERY = 0.5


class RemoteControl(Control):
    """Orders to a run of another process, and the Event that tells that it is over.

    Args:
        folder: The run's folder.
        own: The process is this one's child, whose end this process sees; otherwise the folder is asked.
    """

    def __init__(self, folder: RunFolder, *, own: bool = False) -> None:
        super().__init__()
        self.folder, self.own = folder, own
        self._asked: dict[str, Callable[[mailbox.Answer], None]] = {}
        self._polling = threading.Lock()
        self._seen = 0.0
        self._stopping = False

    def give(self, action: str, *, answer: Future[Any] | None = None, **values: Any) -> None:
        """Post an order; a function to compute with the weights of the moment gets a copy of them."""
        self._stopping = self._stopping or action == "stop"
        if answer is None:
            mailbox.post(self.folder.path, action, values)
        elif action == "compute":
            self._ask("snapshot", {}, answer, lambda name: self._with_weights(name, values["work"]))
        else:
            self._ask(action, values, answer, lambda value: value)

    def stop_ordered(self) -> bool:
        """Whether a stop was ordered from here."""
        return self._stopping

    def poll(self) -> None:
        """Hand over the answers that have come, and see whether the run is over."""
        with self._polling:
            for letter, take in list(self._asked.items()):
                found = mailbox.collect_answer(self.folder.path, letter)
                if found is not None:
                    del self._asked[letter]
                    take(found)
            if not self.own and time.monotonic() - self._seen > LOOK_EVERY:
                self._seen = time.monotonic()
                if self.folder.record["state"] not in LIVE:
                    self.over.set()

    def _ask(
        self,
        action: str,
        values: dict[str, Any],
        answer: Future[Any],
        use: Callable[[Any], Any],
    ) -> None:
        def take(found: mailbox.Answer) -> None:
            try:
                if found.error:
                    raise LeptonError(*found.error[:3])
                answer.set_result(use(found.value))
            except Exception as error:
                answer.set_exception(error)

        with self._polling:
            self._asked[mailbox.post(self.folder.path, action, values, answer=True)] = take

    def _with_weights(self, name: str, work: Callable[[torch.nn.Module], Any]) -> Any:
        """Call `work` with a module that has the weights of a file in the run's folder; the file goes."""
        from safetensors.torch import load

        from lepton_lab.workbench.loading import built_of

        path = self.folder.path / Path(name).name
        try:
            weights = load(path.read_bytes())
        except OSError as error:
            raise StorageError(f"{path} cannot be read.", str(error)) from error
        path.unlink(missing_ok=True)
        built = built_of(self.folder.record, self.folder.path)
        built.module.load_state_dict(weights)
        return work(built.module.eval())
