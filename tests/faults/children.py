# SPDX-License-Identifier: BSD-3-Clause
"""Kernels that may be killed: processes forked from a warm one that has imported torch already.

`start` calls a function of this module in a process of its own; what the function returns (JSON) comes back with
the exit code and with all that the process wrote to its terminal.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

warm = multiprocessing.get_context("forkserver")
warm.set_forkserver_preload(["torch", "torchvision", "timm", "lepton_lab", __name__])


def warm_process(target: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """A process that is forked from the warm one, begun."""
    # An IPython of another test may have put a module of its own in the place of the main one.
    main = sys.modules["__main__"]
    main.__spec__ = getattr(main, "__spec__", None)
    process = warm.Process(target=target, args=args)
    process.start()
    return process


RECIPE: dict[str, Any] = {
    "epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "augment": "strong", "mixup": 0.2, "ema": 0.9,
    "accumulate": 2, "checkpoint_every": 1,
}  # fmt: skip


class Child:
    """A process, where it answers, and what it said."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], runs: Path, scratch: Path
    ) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        stem = scratch / f"child-{random.SystemRandom().getrandbits(48):x}"
        self.answer, self.log = stem.with_suffix(".json"), stem.with_suffix(".log")
        self.process = warm_process(_inside, (function, args, str(runs), str(self.answer), str(self.log)))

    def wait(self, seconds: float = 60.0) -> Child:
        """Until it has ended; one that hangs is killed and has no answer."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.kill()
        return self

    def kill(self, how: int = signal.SIGKILL) -> None:
        """Send a signal to it and to its loader workers, as a notebook does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid or 0, how)
        if how == signal.SIGKILL:
            self.process.join()

    @property
    def left(self) -> int:
        """Processes of its group that are still there (its loader workers, when it was killed)."""
        import psutil

        group, found = self.process.pid, 0
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                alive = process.status() != psutil.STATUS_ZOMBIE
                found += alive and os.getpgid(process.pid) == group
        return found

    @property
    def killed(self) -> bool:
        return self.process.exitcode == -signal.SIGKILL

    @property
    def value(self) -> Any:
        """What the function returned; None when it never came to that."""
        return json.loads(self.answer.read_text()) if self.answer.exists() else None

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")


def _inside(function: Any, args: Any, runs: str, answer: str, log: str) -> None:
    os.setsid()
    terminal = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for stream in (1, 2):
        os.dup2(terminal, stream)
    multiprocessing.set_start_method("fork", force=True)
    os.environ.update(LEPTON_RUNS=runs, LEPTON_DISPLAY="silent", HF_HUB_OFFLINE="1")
    import torch

    torch.set_num_threads(1)
    try:
        value = function(*args)
        Path(answer + ".part").write_text(json.dumps(value))
        Path(answer + ".part").rename(answer)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        raise


@dataclass(frozen=True)
class Kill:
    """When a process kills itself: at the end of step `at`, before the `at`-th call by which the writer of
    checkpoints changes the disk, in the middle of the `at`-th file of weights, or `at` seconds after training began.
    """

    how: str
    at: float

    def arm(self) -> None:
        """Make it happen in this process."""
        {"step": _at_step, "write": _at_write, "file": _in_file, "time": _at_time}[self.how](
            self.at
        )


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _at_step(at: float) -> None:
    from lepton_lab.training.trainer import Trainer

    original = Trainer.after_step

    def after_step(self: Any, batch: Any, epoch: int) -> None:
        original(self, batch, epoch)
        if self.step >= at:
            _die()

    Trainer.after_step = after_step  # type: ignore[method-assign]


def _at_write(at: float) -> None:
    calls = iter(range(1, 10**9))
    for name in ("fsync", "replace", "rename", "mkdir", "unlink", "rmdir"):
        setattr(os, name, _counted(getattr(os, name), calls, at))


def _counted(original: Any, calls: Any, at: float) -> Any:
    def call(*args: Any, **keywords: Any) -> Any:
        if threading.current_thread().name == "lepton-saver" and next(calls) >= at:
            _die()
        return original(*args, **keywords)

    return call


def _in_file(at: float) -> None:
    from lepton_lab.training import checkpoint

    original, calls = checkpoint.save_file, iter(range(1, 10**9))

    def save_file(table: Any, file: Path) -> None:
        original(table, file)
        if next(calls) >= at:
            os.truncate(file, random.randrange(file.stat().st_size))
            _die()

    checkpoint.save_file = save_file  # type: ignore[assignment]


def _at_time(at: float) -> None:
    from lepton_lab.training.trainer import Trainer

    original = Trainer.begin

    def begin(self: Any, epoch: int) -> None:
        if epoch == 0 or self.step:
            timer = threading.Timer(at, _die)
            timer.daemon = True
            timer.start()
        original(self, epoch)

    Trainer.begin = begin  # type: ignore[method-assign]


def add_dropout() -> None:
    """Every model built in this process drops inputs while it trains; names of parameters stay."""
    from torch.nn.functional import dropout

    from lepton_lab import catalog

    def with_dropout(original: Any) -> Any:
        def make(*args: Any, **keywords: Any) -> Any:
            built = original(*args, **keywords)
            built.module.register_forward_pre_hook(
                lambda module, inputs: (dropout(inputs[0], 0.1, module.training),)
            )
            return built

        return make

    for name in ("build", "from_config"):
        setattr(catalog, name, with_dropout(getattr(catalog, name)))


def train(
    images: str, name: str, options: Mapping[str, Any], kill: Kill | None = None
) -> dict[str, Any]:
    """Train to the end, unless it is killed."""
    import lepton_lab as lab

    add_dropout()
    data = lab.data(images)
    if kill is not None:
        kill.arm()
    begun = time.monotonic()
    run = lab.train("lepton_glyphs", data, name=name, **options)
    return {"state": run.state, "digest": digest(run), "seconds": time.monotonic() - begun}


def resume(name: str, workers: int, kill: Kill | None = None) -> dict[str, Any]:
    """Go on with a run, with so many loader workers (as on another machine)."""
    import lepton_lab as lab

    add_dropout()
    run = lab.run(name)
    state = run.state
    run.folder.update(plan={**run.record["plan"], "workers": workers})
    if kill is not None:
        kill.arm()
    resumed = lab.resume(name)
    return {"before": state, "state": resumed.state, "digest": digest(resumed)}


def several(images: str, count: int, at: float) -> list[str]:
    """Train `count` short runs without a name from the moment `at` on; their names."""
    import lepton_lab as lab

    data = lab.data(images)
    time.sleep(max(at - time.time(), 0))
    return [
        lab.train("lepton_glyphs", data, epochs=1, batch_size=8, learning_rate=1e-3).name
        for _ in range(count)
    ]


def refused(images: str) -> list[str]:
    """Train as somebody who may write nowhere; the lines of the error."""
    import lepton_lab as lab
    from lepton_lab.errors import LeptonError

    data = lab.data(images)
    for entry in Path(images).rglob("*"):
        entry.stat()
    model = lab.load_model("lepton_glyphs")
    assert model.module is not None
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        lab.train(model, data, epochs=1)
    except LeptonError as error:
        return str(error).split("\n")
    return []


def interrupted(images: str, name: str, started: str, slow: float) -> dict[str, Any]:
    """A blocking training with two loader workers whose steps take `slow` seconds; how it ended."""
    import psutil

    import lepton_lab as lab
    from lepton_lab.training.trainer import Trainer

    original = Trainer.after_step

    def after_step(self: Any, batch: Any, epoch: int) -> None:
        Path(started).touch()
        time.sleep(slow)
        original(self, batch, epoch)

    Trainer.after_step = after_step  # type: ignore[method-assign]
    add_dropout()
    data = lab.data(images)
    run = lab.train("lepton_glyphs", data, name=name, **{**RECIPE, "workers": 2})
    returned, state = time.time(), run.state
    run.wait()
    over = time.time()
    time.sleep(max(returned + 2.0 - time.time(), 0.0))
    children = [c.pid for c in psutil.Process().children(recursive=True)]
    return {
        "state": state, "returned": returned, "over": over, "children": len(children), "end": run.state,
    }  # fmt: skip


def digest(run: Any) -> str:
    """All bits that the run ended with: its model's, and those of its last checkpoint."""
    from lepton_lab.training import checkpoint

    trees, facts = checkpoint.load(checkpoint.newest(run.folder.checkpoints)[0])
    found = hashlib.sha256(str(facts["step"]).encode())
    _into(found, {"trees": trees, "model": run.model.module.state_dict()})
    return found.hexdigest()


def _into(found: Any, tree: Any) -> None:
    if isinstance(tree, Mapping):
        for key in tree:
            found.update(str(key).encode())
            _into(found, tree[key])
    elif isinstance(tree, (list, tuple)):
        for value in tree:
            _into(found, value)
    elif hasattr(tree, "numpy"):
        found.update(tree.detach().contiguous().cpu().numpy().tobytes())
    else:
        found.update(repr(tree).encode())
