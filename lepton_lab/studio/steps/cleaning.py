# SPDX-License-Identifier: BSD-3-Clause
"""Cleaning inside the Studio: suspects of the data that were read, and the edits that training uses.

The edits file is the one that `lab.clean` writes. Which state of it is in use is a field of the data
(`edits`, as `FILE@N`), so the code of every step names it. Nothing is read again when edits change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.datasets.edits import Log, parted, read
from lepton_lab.errors import LeptonError
from lepton_lab.magics.show import as_magic, as_python
from lepton_lab.magics.verb import Request
from lepton_lab.magics.verbs import verbs
from lepton_lab.magics.verbs.clean import CleanOptions
from lepton_lab.studio import blocks
from lepton_lab.studio.contract import Block, Change, Tell, ask, beside, made_from
from lepton_lab.studio.state import Result, State
from lepton_lab.studio.steps.run import over

if TYPE_CHECKING:
    from lepton_lab.datasets import Dataset
    from lepton_lab.workbench import Cleaning, Run

WORDS = {"relabel": "relabelled", "drop": "dropped", "keep": "kept"}
VARIABLE = "data"
WHY = (
    "Wrong labels and copies cost accuracy. See the most doubtful samples and decide about each;"
    " no file of the data is changed."
)


def original(state: State) -> Dataset | None:
    """The data that were read, before any edits."""
    data = state.result("data")
    return None if data is None else data.original or data


def opened(state: State) -> Cleaning | None:
    """The cleaning of these data, if one is open."""
    found: Cleaning | None = state.result("clean")
    return found if found is not None and found.data is original(state) else None


def wanted(state: State) -> Request:
    """The request for a cleaning: of the run that learned these data, else of the data themselves."""
    run = _learned(state)
    if run is not None:
        return ask(verbs.get("clean"), {"data": run.name}, {})
    name = str(state.value("model", "name")).strip()
    return ask(verbs.get("clean"), {"data": VARIABLE}, {"model": name} if name else {})


def lines(state: State, language: str) -> list[str]:
    """The lines that open the same cleaning, after the one that reads the data."""
    if opened(state) is None:
        return []
    request: Request = state.results["clean"].about["request"]
    verb = verbs.get("clean")
    if language == "magic":
        line = as_magic(verb, request.positionals, request.options)
    else:
        line = as_python(verb, request.positionals, request.options, (VARIABLE,))
    return [f"cleaning = {line}", "cleaning"]


def panel(state: State) -> Iterator[Block]:
    """The part of the step Data."""
    data, cleaning, run = original(state), opened(state), _learned(state)
    if data is None:
        return
    yield from listing(state)
    yield from blocks.error("look-failed", state.lines("clean"))
    if cleaning is None:
        words = f", also for the mistakes of run {run.name}" if run else ""
        yield blocks.note("why", WHY)
        yield blocks.buttons(
            "look", blocks.button("clean", f"Look for wrong labels and copies{words}")
        )
        return
    yield {"kind": "clean", "key": "clean"}
    again = run is not None and state.results["clean"].made_from != made_from(wanted(state))
    words = f"Look again, with the mistakes of run {run.name}" if run else ""
    more = [blocks.button("clean", words)] if again else []
    yield blocks.buttons("look", blocks.button("close", "Close the cleaning"), *more)


def listing(state: State) -> Iterator[Block]:
    """The edits that there are for these data, and the switch that puts them to use."""
    data = original(state)
    if data is None:
        return
    path, log = _log(state)
    ids = {sample.id for split in data.splits() for sample in split}
    counts = Counter(edit.action for edit in log.standing.values() if edit.id in ids)
    if not counts:
        return
    told = ", ".join(
        f"{counts[action]} {words}" for action, words in WORDS.items() if counts[action]
    )
    used = bool(state.value("data", "edits"))
    yield blocks.note(
        "edits",
        f"Edits {'in use' if used else 'not in use'}: {told}, in {beside(path)}.",
        "good" if used else "stale",
    )
    switch = blocks.check(
        state, "data", "use_edits", "Train with these edits", used,
        help="off trains with the labels as they are in the files",
    )  # fmt: skip
    yield blocks.fields("use", [switch])


def use(state: State, on: bool) -> State:
    """The state with the edits that stand now put to use, or left out; the data are not read again."""
    result, data = state.results.get("data"), original(state)
    if result is None or data is None:
        return state
    path = _file(state)
    try:
        log = read(path) if path.is_file() else Log()
        name = f"{beside(path)}@{log.lines}" if on and log.edits else ""
        edited = data.edited(name) if name else data
    except LeptonError as error:
        return state.with_problem("data", "use_edits", _told(error))
    after = state.with_value("data", "edits", name).with_problem("data", "use_edits", ())
    request: Request = result.about["request"]
    options = {key: value for key, value in request.options.items() if key != "edits"}
    request = ask(
        verbs.get("data"), request.positionals, options | ({"edits": name} if name else {})
    )
    about = {**result.about, "request": request}
    return after.with_result("data", Result(edited, made_from(request), about))


def look(state: State, tell: Tell) -> Change:
    """Find suspects."""
    from lepton_lab import workbench

    request, data = wanted(state), original(state)
    if data is None:
        raise LeptonError("No data were read yet.", "", "Read them in the step Data.")
    source: Any = _learned(state) or state.result("data")
    try:
        cleaning = workbench.clean(source, **request.given(CleanOptions))
    except LeptonError as error:
        # Told beside the button, and no reason not to train.
        told = _told(error)
        return lambda now: replace(now.with_problem("clean", "", told), say=told[0])
    result = Result(cleaning, made_from(request), {"request": request})
    said = f"{len(cleaning.suspects)} of {len(cleaning.pool)} samples are suspect."

    def found(now: State) -> State:
        return replace(now.with_problem("clean", "", ()).with_result("clean", result), say=said)

    return found


def close(state: State, tell: Tell) -> Change:
    """Put the cleaning away; its edits stay."""
    return lambda now: now.without_result("clean")


def _told(error: LeptonError) -> tuple[str, ...]:
    return tuple(line for line in (error.what, error.why, error.todo) if line)


def _learned(state: State) -> Run | None:
    """The run of this Studio, when it is over and learned these data."""
    data = original(state)
    if data is None or not over(state):
        return None
    run: Run = state.result("train")
    learned = run._data
    return run if learned is not None and (learned.original or learned) is data else None


def _file(state: State) -> Path:
    """The edits file: the one in use, else the one that a cleaning of these data writes."""
    from lepton_lab.workbench.cleaning import edits_path

    cleaning, named = opened(state), str(state.value("data", "edits"))
    if cleaning is not None:
        return cleaning.path
    data = original(state)
    return parted(named)[0] if named or data is None else edits_path(data)


def _log(state: State) -> tuple[Path, Log]:
    """The edits file and what stands in it, as far as it is in use."""
    path, lines = _file(state), parted(str(state.value("data", "edits")))[1]
    try:
        return path, read(path, lines) if path.is_file() else Log()
    except LeptonError:
        return path, Log()
