# SPDX-License-Identifier: BSD-3-Clause
"""A message in, one call of the public API, a new state out. No page is needed.

Short work is done on the thread that brings the message; long work has a thread of its own, one at a
time, so that the kernel is never kept waiting. An error becomes the lines at the field or the step.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from lepton_lab.errors import LeptonError
from lepton_lab.journal.folder import LIVE
from lepton_lab.studio.contract import Action, Change
from lepton_lab.studio.state import Busy, State
from lepton_lab.studio.steps import STEPS, cleaning, train

logger = logging.getLogger(__name__)
LOOK = 0.3


class Controller:
    """Holds the state and changes it.

    Args:
        changed: Called with the state after every change, from whichever thread made it.
        state: Where to begin.
    """

    def __init__(self, changed: Callable[[State], None], state: State | None = None) -> None:
        self.state = state or State()
        self._changed = changed
        self._lock = threading.RLock()
        self._idle = threading.Event()
        self._idle.set()
        self._watched: set[str] = set()
        self._heard: Any = None
        self._preparing = False
        self._next: tuple[str, str] | None = None

    def handle(self, message: Mapping[str, Any]) -> None:
        """Do what a message asks for: open, set, press or language.

        Raises:
            LeptonError: It is no message, or names what does not exist. The state is as before.
        """
        kind = message.get("do")
        if kind == "open":
            self.open(str(message.get("step")))
        elif kind == "set":
            self.set(str(message.get("step")), str(message.get("field")), message.get("value"))
        elif kind == "press":
            self.press(str(message.get("step")), str(message.get("action")))
        elif kind == "language" and message.get("value") in ("magic", "python"):
            self._become(lambda now: replace(now, language=message["value"]))
        else:
            raise LeptonError(f"The Studio does not know how to do {str(kind)[:40]!r}.")

    def open(self, step: str) -> None:
        """Show a step."""
        _step(step)
        self._become(lambda now: replace(now, open=step))
        self._prepare()

    def set(self, step: str, name: str, value: Any) -> None:
        """Type something into a field; what is wrong with it is kept at the field."""
        if not isinstance(value, (str, bool, int, float, type(None))):
            raise LeptonError(f"A field takes text, not {type(value).__name__}.")
        lines = _step(step).problem(name, value)
        sets: Callable[[State, Any], State] | None = _step(step).sets.get(name)

        def typed(now: State) -> State:
            # What went wrong before may go right with what is typed now.
            clean = now.with_problem(step, "", ()).with_problem("train", "", ())
            if sets is not None:
                changed: State = sets(clean, value)
                return changed
            return clean.with_value(step, name, value).with_problem(step, name, lines)

        self._become(typed)

    def press(self, step: str, action: str) -> None:
        """Do what a button of a step does; long work goes on after this returns."""
        if action.startswith("go:"):
            self.open(action.removeprefix("go:"))
            return
        found = _step(step).actions.get(action)
        if found is None:
            raise LeptonError(f"The step '{step}' has no action '{action}'.")
        if not found.words:
            self._work(step, found)
            return
        with self._lock:
            if self.state.busy is not None:
                # What nobody asked for keeps nobody waiting longer than it must; a branch was promised.
                waits = self._preparing or action == "branch"
                self._next = (step, action) if waits else None
                return
            self._preparing = action == "prepare"
            self._idle.clear()
            self._become(
                lambda now: replace(
                    now.with_problem(step, "", ()), busy=Busy(step, found.words), say=found.words
                )
            )
        thread = threading.Thread(
            target=self._work, args=(step, found), name="lepton-studio", daemon=True
        )
        thread.start()

    def branch(self, name: str, step: Any) -> None:
        """Start a branch of a run of this Studio, and follow it."""
        self._become(
            lambda now: now.with_value("run", "of", name).with_value(
                "run", "at", None if step is None else int(step)
            )
        )
        self.press("run", "branch")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the work under way, but not for a run; tells whether it is over."""
        return self._idle.wait(timeout)

    def refresh(self) -> None:
        """Show the state again, because a run in it has changed."""
        self._become(lambda now: now)

    def _become(self, change: Change) -> None:
        with self._lock:
            self.state = change(self.state)
            try:
                self._changed(self.state)
            except Exception:  # a page that cannot be drawn must not stop the work
                logger.warning("the Studio could not be shown", exc_info=True)

    def _work(self, step: str, action: Action) -> None:
        """Do it, and tell how it went. Nothing leaves here but the new state."""
        try:
            change = action.work(self.state, self._tell)
        except Exception as error:
            change = _failed(step, error)
        lasting = bool(action.words)

        def done(now: State) -> State:
            after = change(now.with_problem(step, "", ()))
            return replace(after, busy=None) if lasting else after

        with self._lock:
            self._become(done)
            following = self._next if lasting else None
            if following is not None:
                self._next = None
                self.press(*following)
            elif lasting:
                self._idle.set()
        self._watch()
        self._prepare()

    def _tell(self, words: str, fraction: float | None = None) -> None:
        def told(now: State) -> State:
            step = now.busy.step if now.busy else now.open
            return replace(now, busy=Busy(step, words, fraction))

        self._become(told)

    def _prepare(self) -> None:
        """Decide the defaults as soon as they can be, for the step that explains them."""
        state = self.state
        failed = state.lines("train", "")
        if state.open == "train" and state.busy is None and not failed and train.unprepared(state):
            self.press("train", "prepare")

    def _watch(self) -> None:
        """Follow the run of this state until it is over."""
        from lepton_lab.workbench.listing import host

        self._listen()
        run = self.state.result("train")
        if run is None:
            return
        host(run.name, partial(self.branch, run.name))
        with self._lock:
            if run.name in self._watched or run.state not in LIVE:
                return
            self._watched.add(run.name)
        threading.Thread(
            target=self._follow, args=(run,), name="lepton-studio-run", daemon=True
        ).start()

    def _listen(self) -> None:
        """Put what is decided about samples to use at once."""
        desk = cleaning.opened(self.state)
        with self._lock:
            if desk is None or desk is self._heard:
                return
            self._heard = desk

        def decided() -> None:
            def used(now: State) -> State:
                return cleaning.use(now, True) if cleaning.opened(now) is desk else now

            self._become(used)

        desk.listeners.append(decided)

    def _follow(self, run: Any) -> None:
        before = ""
        with contextlib.suppress(LeptonError):
            while (now := run.state) in LIVE:
                if now != before:
                    self.refresh()
                before = now
                with contextlib.suppress(Exception):
                    run.wait(LOOK)
        with contextlib.suppress(LeptonError):
            with contextlib.suppress(Exception):
                run.wait(LOOK)
            said = f"Run {run.name} is over: {run.state}."
            self._watched.discard(run.name)
            self._become(lambda state: replace(state, say=said))


def _step(key: str) -> Any:
    if key not in STEPS:
        raise LeptonError(f"The Studio has no step '{key[:40]}'.", f"It has {', '.join(STEPS)}.")
    return STEPS[key]


def _failed(step: str, error: Exception) -> Change:
    """The lines of an error at its step; `%lepton doctor --last` has all of it."""
    from lepton_lab.workbench.health import remember

    remember(error)
    if isinstance(error, LeptonError):
        lines = tuple(line for line in (error.what, error.why, error.todo) if line)
    else:
        logger.info("the step %s failed", step, exc_info=error)
        what = str(error).split("\n")[0][:300] or type(error).__name__
        lines = (
            what,
            f"This is a {type(error).__name__}.",
            "%lepton doctor --last shows all of it.",
        )
    return lambda now: replace(now.with_problem(step, "", lines), say=lines[0])
