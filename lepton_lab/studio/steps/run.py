# SPDX-License-Identifier: BSD-3-Clause
"""Run: the live card of the training that was started here, and the orders it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lepton_lab.errors import LeptonError
from lepton_lab.journal.folder import LIVE
from lepton_lab.magics.verb import Request
from lepton_lab.rendering import duration
from lepton_lab.studio import blocks
from lepton_lab.studio.contract import Action, Block, Change, Mark, Step, Tell
from lepton_lab.studio.state import Result, State

ENDED = {
    "done": "Done",
    "stopped": "Stopped by you, saved",
    "failed": "Failed",
    "crashed": "The process that trained it is gone",
}
PATIENCE = 30.0
RESUMABLE = ("stopped", "failed", "crashed")


def run_of(state: State) -> Any:
    """The run of this Studio.

    Raises:
        LeptonError: None was started yet.
    """
    run = state.result("train")
    if run is None:
        raise LeptonError("No run was started yet.", "Start one in the step Train.")
    return run


def runs(state: State) -> tuple[Result, ...]:
    """All runs of this Studio, in the order in which they were started."""
    return state.result("runs") or ()


def with_run(state: State, result: Result) -> State:
    """The state after a run was started: it is the one that is shown, and the others stay."""
    kept = Result((*runs(state), result), None)
    return replace(state.with_result("runs", kept).with_result("train", result), open="run")


def show(state: State, name: Any) -> State:
    """The state with another of its runs shown, which the steps after it then are about."""
    found = [result for result in runs(state) if result.value.name == name]
    return state.with_result("train", found[0]) if found else state


def over(state: State) -> bool:
    """Whether there is a run, and it does not train any more."""
    run = state.result("train")
    return run is not None and run.state not in LIVE


def _request(state: State) -> Request:
    run_of(state)
    request: Request = state.results["train"].about["request"]
    return request


def _panel(state: State) -> list[Block]:
    run = state.result("train")
    if run is None:
        return [blocks.note("none", "No run was started yet.", "stale", "train")]
    now = run.state
    made: list[Block] = [
        *_family(state, run),
        {"kind": "run", "key": f"run-{run.name}", "name": run.name},
    ]
    if now in LIVE:
        return [*made, *blocks.error("failed", state.lines("run"))]
    made.append(blocks.note("end", _ending(run), "error" if _failed(now) else "good"))
    onward = [blocks.button("go:evaluate", "Next: evaluate", primary=True)]
    if now in RESUMABLE:
        onward.append(blocks.button("again", "Resume"))
    made.append(blocks.buttons("next", *onward))
    return [*made, *blocks.error("failed", state.lines("run"))]


def _family(state: State, run: Any) -> list[Block]:
    """The other runs of this Studio, and the way back from a branch."""
    known = runs(state)
    if len(known) < 2:
        return []
    choices = [(result.value.name, _called(result)) for result in known]
    choice = blocks.choice(state, "run", "shown", "Run shown", choices)
    made = [blocks.fields("runs", [{**choice, "value": run.name, "wide": True}])]
    parent = state.results["train"].about.get("parent")
    if parent is None:
        return made
    words = f"This is a branch: it goes on from step {run.record['parent']['step']} of {parent}."
    waits = " It begins when no other run uses the device." * (run.state == "queued")
    back = blocks.button("back", f"Back to {parent}")
    return [*made, blocks.note("parent", words + waits), blocks.buttons("family", back)]


def _called(result: Result) -> str:
    parent, name = result.about.get("parent"), str(result.value.name)
    return f"{name}, a branch of {parent}" if parent else name


def _branch(state: State, tell: Tell) -> Change:
    """Start a branch of the run and from the step that the card named."""
    typed = state.typed("run")
    parent = next(result for result in runs(state) if result.value.name == typed.get("of"))
    step = typed.get("at")
    child = parent.value.branch(step=step, background=True, view="silent")
    name, begun = parent.value.name, child.record["parent"]["step"]
    code = f"import lepton_lab as lab\n\nrun = lab.run({name!r}).branch(step={begun})"
    result = replace(parent, value=child, about={**parent.about, "parent": name, "code": code})
    said = f"Run {child.name} branches from step {begun} of {name}."
    return lambda now: replace(with_run(now, result), say=said)


def _back(state: State, tell: Tell) -> Change:
    parent = state.results["train"].about.get("parent")
    return lambda now: show(now, parent)


def _ending(run: Any) -> str:
    """How a run ended, in a sentence."""
    record = run.record
    best, said = record.get("best") or {}, [ENDED.get(run.state, run.state)]
    if record.get("message"):
        said.append(str(record["message"]))
    if record.get("seconds"):
        said.append(f"{record.get('step', 0)} steps in {duration(record['seconds'])}")
    metric = best.get("metric", "")
    if metric in best:
        value = f"{metric.replace('_', ' ')} {best[metric]:.3f}"
        said.append(f"best {best.get('split', 'val')} {value} in epoch {best['epoch']}")
    return " · ".join(said)


def _order(action: str, said: str) -> Callable[[State, Tell], Change]:
    def work(state: State, tell: Tell) -> Change:
        getattr(run_of(state), action)()
        return lambda now: replace(now, say=said)

    return work


def _again(state: State, tell: Tell) -> Change:
    run = run_of(state)
    before, latest = run.state, time.monotonic() + PATIENCE
    run.resume(background=True, view="silent")
    # The record says so when the run has found its place again.
    while run.state == before and time.monotonic() < latest:
        time.sleep(0.05)
    return lambda now: replace(now, say="The run goes on.")


def _mark(state: State) -> tuple[Mark, str]:
    run = state.result("train")
    if run is None:
        return "locked", "no run yet"
    now = run.state
    if now in LIVE:
        return "busy", now
    return ("failed", now) if _failed(now) else ("done", now)


def _failed(now: str) -> bool:
    return now not in ("done", "stopped")


RUN = Step(
    key="run",
    title="Run",
    parts=(),
    panel=_panel,
    mark=_mark,
    request=_request,
    actions={
        "pause": Action("", _order("pause", "Pausing after this step.")),
        "resume": Action("", _order("resume", "The run goes on.")),
        "stop": Action("", _order("stop", "Stopping after this step.")),
        "again": Action("Resuming", _again),
        "branch": Action("Starting the branch", _branch),
        "back": Action("", _back),
    },
    own=("shown",),
    sets={"shown": show},
    name="run",
    text=lambda state: str(state.results["train"].about.get("code", "")),
)
