# SPDX-License-Identifier: BSD-3-Clause
"""A training in a process of its own: a crash there takes neither the kernel nor its variables.

The child runs the same session, loop and seeds on the same weights and data, so the result is the same
bit for bit. Everything crosses through the run's folder: the journal and the checkpoints come back,
orders go by letter. It is its own session, so a Ctrl-C in the notebook does not reach it; it reads its
standard input and, when that ends because the kernel is gone, finishes the step, saves and ends too.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import lepton_lab
from lepton_lab import mailbox
from lepton_lab.datasets import handover
from lepton_lab.errors import LeptonError
from lepton_lab.events import RunEnded
from lepton_lab.journal import JournalWriter, RunFolder
from lepton_lab.journal.process import this_process
from lepton_lab.journal.tail import Tail
from lepton_lab.workbench.loading import chosen_weights
from lepton_lab.workbench.remote import RemoteControl
from lepton_lab.workbench.session import Session

if TYPE_CHECKING:
    from lepton_lab.training import Control

WEIGHTS, LOG, FAILED = "start.safetensors", "process.log", "failed"
LOOK_EVERY = 0.1
PATIENCE = 60.0


class IsolatedSession(Session):
    """The side of the kernel: starts the process, hands its events on, takes its result."""

    def _control(self) -> Control:
        return RemoteControl(self.work.folder, own=True)

    def _record(self) -> None:
        """The child keeps the journal and the record."""
        self.ended: RunEnded | None = None

    def _train_here(self, where: dict[str, Any]) -> str:
        """Wait for the child while its events pass by.

        Raises:
            LeptonError: What ended the child, in its own words; or that it was killed.
        """
        folder = self.work.folder
        try:
            before = folder.journal.stat().st_size
        except FileNotFoundError:
            before = 0
        tail = Tail(folder.journal, before)
        child = self._launch()
        try:
            while child.poll() is None:
                self._follow_on(tail, where)
                self.control.poll()
                self.control.over.wait(LOOK_EVERY)
            self._follow_on(tail, where)
        finally:
            _close(child)
        refused = mailbox.collect_answer(folder.path, FAILED)
        self._take_weights()
        if self.ended is None:
            self._record_loss(where)
        if refused is not None:
            raise LeptonError(*refused.error[:3])
        if self.ended is None:
            raise _crash(folder, child.returncode)
        return self.ended.state

    def _record_end(self, where: dict[str, Any], state: str, message: str, seconds: float) -> None:
        """What the child has told is not told again."""
        if self.ended is None:
            super()._record_end(where, state, message, seconds)

    def _record_loss(self, where: dict[str, Any]) -> None:
        """The child is gone without an end, so its journal is ended from here."""
        where["best"] = self.work.folder.record.get("best") or {}
        journal = JournalWriter(self.work.folder.journal)
        self.closing.append(journal.close)
        self.bus.subscribe(journal)

    def _follow_on(self, tail: Tail, where: dict[str, Any]) -> None:
        for event in tail.read():
            where["step"] = event.step
            where["epoch"] = getattr(event, "epoch", where["epoch"])
            if isinstance(event, RunEnded):
                self.ended = event
            self.bus.emit(event)

    def _launch(self) -> subprocess.Popen[bytes]:
        """Start the child and tell it what to train."""
        work, folder = self.work, self.work.folder
        folder.update(state="starting", process=this_process())
        if handover.needed(work.data) and not (folder.path / handover.FOLDER).is_dir():
            handover.save(work.data, folder.path / handover.FOLDER)
        if work.checkpoint is None:
            _write_weights(work.built.module, folder.path / WEIGHTS)
        package = str(Path(lepton_lab.__file__).parents[1])
        paths = [package, os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "LEPTON_RUNS": str(folder.path.parent),
            "LEPTON_DISPLAY": "silent",
        }
        with (folder.path / LOG).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        assert child.stdin is not None
        child.stdin.write(json.dumps(self._task()).encode() + b"\n")
        child.stdin.flush()
        return child

    def _task(self) -> dict[str, Any]:
        """What the child cannot read from the run's folder."""
        import torch

        work = self.work
        replay = {s: [[o.action, o.values] for o in orders] for s, orders in work.replay.items()}
        return {
            "folder": str(work.folder.path),
            "checkpoint": str(work.checkpoint) if work.checkpoint is not None else None,
            "branch": work.branch,
            "learning_rate": work.learning_rate,
            "replay": replay,
            "threads": torch.get_num_threads(),
            "precision": torch.get_float32_matmul_precision(),
            "deterministic": torch.are_deterministic_algorithms_enabled(),
        }

    def _take_weights(self) -> None:
        """The module of this process gets the weights that the child chose; without any it stays as it was."""
        folder, module = self.work.folder, self.work.built.module
        try:
            module.load_state_dict(chosen_weights(folder, folder.record))
        except LeptonError:
            return
        module.eval().requires_grad_(True)


def main() -> int:
    """The side of the child: read the task from standard input, train, leave errors as an answer."""
    faulthandler.enable()
    task = json.loads(sys.stdin.buffer.readline())
    folder = RunFolder(task["folder"])
    try:
        session = _session(task, folder)
        threading.Thread(target=_end_with_parent, args=(session.control,), daemon=True).start()
        session.start(background=True).wait()
    except Exception as error:
        mailbox.answer(folder.path, FAILED, error=error)
        raise
    return 0


def _session(task: dict[str, Any], folder: RunFolder) -> Session:
    """The same session as in the kernel, made from the run's folder."""
    import torch

    from lepton_lab.training.control import Order
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.starting import work_of

    torch.set_num_threads(task["threads"])
    torch.set_float32_matmul_precision(task["precision"])
    torch.use_deterministic_algorithms(task["deterministic"])
    work = work_of(Run(folder), folder)
    work.now, work.branch, work.learning_rate = True, task["branch"], task["learning_rate"]
    work.replay = {
        int(step): [Order(action, values) for action, values in orders]
        for step, orders in task["replay"].items()
    }
    if task["checkpoint"] is not None:
        work.checkpoint = Path(task["checkpoint"])
    else:
        _read_weights(work.built.module, folder.path / WEIGHTS)
    return Session(work, "silent")


def _end_with_parent(control: Control) -> None:
    """Standard input ends when the kernel does: stop in order, and do not outlive it for long."""
    sys.stdin.buffer.read()
    control.give("stop", by="the end of its kernel")
    if not control.wait(PATIENCE):
        os._exit(1)


def _write_weights(module: Any, path: Path) -> None:
    import safetensors.torch

    from lepton_lab import durable
    from lepton_lab.training.saver import copy_of

    durable.write_bytes(path, safetensors.torch.save(copy_of(module.state_dict())))


def _read_weights(module: Any, path: Path) -> None:
    import safetensors.torch

    module.load_state_dict(safetensors.torch.load(path.read_bytes()))
    path.unlink()


def _close(child: subprocess.Popen[bytes]) -> None:
    """End the pipe, which ends a child that still lives, and wait for it."""
    pipe: IO[bytes] | None = child.stdin
    closing: list[Callable[[], Any]] = [pipe.close] if pipe is not None else []
    for close in closing:
        try:
            close()
        except OSError:
            continue
    child.wait()


def _crash(folder: RunFolder, code: int) -> LeptonError:
    """What is known of a process that ended without a word."""
    how = f"ended with code {code}"
    if code < 0:
        how = f"was killed by {signal.Signals(-code).name}"
    lines = (folder.path / LOG).read_text("utf-8", "replace").strip().splitlines()
    fatal = next((line for line in lines if line.startswith("Fatal Python error")), "")
    last = fatal or (lines[-1] if lines else "")
    return LeptonError(
        f"The process that trained run '{folder.name}' {how}.",
        f"The kernel and every checkpoint are unharmed. {last[:200]}".strip(),
        f"lab.resume('{folder.name}')",
    )


if __name__ == "__main__":
    sys.exit(main())
