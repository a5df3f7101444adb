# SPDX-License-Identifier: BSD-3-Clause
"""Train: the defaults, filled in and explained; presets; everything else folded away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError
from lepton_lab.journal.folder import LIVE
from lepton_lab.magics.verb import Part, Request
from lepton_lab.magics.verbs import verbs
from lepton_lab.rendering import learning_rate
from lepton_lab.spec import ModelSpec, TrainSpec, parse
from lepton_lab.studio import blocks
from lepton_lab.studio.contract import (
    Action,
    Block,
    Change,
    Mark,
    Step,
    Tell,
    ask,
    changed,
    given,
    made_from,
    shown,
)
from lepton_lab.studio.presets import presets
from lepton_lab.studio.state import Result, State
from lepton_lab.studio.steps import cleaning
from lepton_lab.studio.steps import data as data_step
from lepton_lab.studio.steps import model as model_step
from lepton_lab.studio.steps.run import with_run

if TYPE_CHECKING:
    from lepton_lab.training import Plan

FIRST = ("epochs", "budget", "learning_rate", "batch_size", "freeze", "augment")


def wanted(state: State) -> Request:
    """The request for the training that the fields of the first three steps describe.

    Raises:
        LeptonError: Something is missing or wrong; it says what.
    """
    name, loading = model_step.chosen(state)
    data = data_step.wanted(state)
    options = {**given(state, "train", TrainSpec), **loading, **data.options}
    return ask(verbs.get("train"), {"model": name, "data": data.word("data")}, options)


def stale(state: State) -> bool:
    """Whether the run is not what the fields say."""
    return changed(state, "train", wanted)


def missing(state: State) -> tuple[str, str]:
    """What must be done before a training can start, and in which step; nothing when all is there."""
    if not state.value("model", "name"):
        return "Choose a model first.", "model"
    if state.result("data") is None:
        return "Read the data first.", "data"
    if data_step.stale(state):
        return "The data fields have changed: read the data again first.", "data"
    for step in ("model", "data", "train"):
        if state.wrong(step):
            return "A field has a value that it cannot have.", step
    run = state.result("train")
    if run is not None and run.state in LIVE:
        return "A run is under way.", "run"
    return "", ""


def plan(state: State) -> Plan | None:
    """What would be decided for a training with these fields; None while that cannot be said."""
    from lepton_lab.training.plan import decide

    known, data = state.results.get("prepared"), state.result("data")
    if known is None or data is None or known.made_from != _preparation(state):
        return None
    try:
        asked = parse(TrainSpec, _typed(state))
        return decide(asked, count=len(data.train), default_batch=data.batch_size, **known.value)
    except LeptonError:
        return None


def _panel(state: State) -> list[Block]:
    why, where = missing(state)
    decided = plan(state)
    reasons: Mapping[str, str] = decided.reasons if decided else {}
    options = TRAIN.options

    def field(name: str) -> Block:
        return blocks.field(state, "train", options[name], hint=_hint(name, decided, reasons))

    basic = [field(name) for name in FIRST if name in options]
    more = [field(name) for name in options if name not in FIRST]
    choices = [(one.name, f"{one.name}: {one.description}") for one in presets]
    preset = blocks.choice(
        state, "train", "preset", "Preset", [*choices, *_custom(state)], kind="radio",
        default=_preset(state),
    )  # fmt: skip
    preset["value"] = _preset(state)
    return [
        *([blocks.note("missing", why, "stale", where)] if why else []),
        *_stale(state),
        blocks.note("sentence", _sentence(state, decided)),
        *cleaning.listing(state),
        blocks.fields("presets", [preset]),
        blocks.fields("basic", basic),
        blocks.fields("more", more, title="All other options", folded=True),
        blocks.buttons(
            "go",
            blocks.button("train", "Train", primary=True, off=why),
            blocks.button("reset", "Reset to defaults"),
        ),
        *blocks.error("failed", state.lines("train")),
    ]


def _stale(state: State) -> list[Block]:
    if not stale(state):
        return []
    name = state.result("train").name
    words = f"Fields have changed since run {name}. It is kept; train again to renew it."
    return [blocks.note("changed", words, "stale")]


def _sentence(state: State, decided: Plan | None) -> str:
    name, data = state.value("model", "name") or "a model", state.result("data")
    if data is None:
        return f"Fine-tune {name}."
    text = f"Fine-tune {name} on {len(data.train)} samples of {len(data.classes)} classes"
    budget = str(state.value("train", "budget")).strip()
    if budget and not state.lines("train", "budget"):
        return f"{text}: as many epochs as fit into {budget}."
    if decided is None:
        return f"{text}."
    epochs = f"{decided.epochs} epoch{'s' * (decided.epochs != 1)}"
    return f"{text}: {epochs}, {decided.steps} steps on {decided.device}."


def _hint(name: str, decided: Plan | None, reasons: Mapping[str, str]) -> str:
    """What `auto` stands for here, and why."""
    if decided is None or name not in reasons:
        return ""
    value = getattr(decided, name)
    text = learning_rate(value) if name == "learning_rate" else shown(value)
    return f"auto is {text}: {reasons[name]}"


def _preset(state: State) -> str:
    """The preset whose values the fields have, or "custom"."""
    typed = parse_or_none(state)
    for one in presets:
        if typed is not None and typed == parse(TrainSpec, one.values):
            return one.name
    return "custom"


def _custom(state: State) -> list[tuple[str, str]]:
    return [("custom", "custom: your own")] if _preset(state) == "custom" else []


def parse_or_none(state: State) -> TrainSpec | None:
    """The spec that the fields describe, or None while one is wrong."""
    try:
        return parse(TrainSpec, _typed(state))
    except LeptonError:
        return None


def with_preset(state: State, name: str) -> State:
    """The state with the fields of a preset; its own words are none."""
    if name not in presets:
        return state
    fresh = state.without_values("train")
    for field, value in presets.get(name).values.items():
        fresh = fresh.with_value("train", field, value)
    return fresh


def _typed(state: State) -> dict[str, Any]:
    return {name: v for name, v in state.typed("train").items() if name in TRAIN.options}


def _preparation(state: State) -> tuple[Any, ...]:
    name, loading = model_step.chosen(state)
    data = state.result("data")
    return name, tuple(loading.items()), None if data is None else (data.task, len(data.classes))


def prepare(state: State, tell: Tell) -> Change:
    """Build the model once with random weights, to say what `auto` will stand for."""
    from lepton_lab.tasks import tasks, usual_smoothing

    name, loading = model_step.chosen(state)
    spec = parse(ModelSpec, {"name": name, **loading})
    data = state.result("data")
    built = tasks.get(data.task).build(replace(spec, weights="none"), data, 0)
    norms = any("BatchNorm" in type(m).__name__ for m in built.module.modules())
    about = {
        "pretrained": spec.weights != "none" and built.entry.pretrained,
        "batch_norm": norms,
        "recipe": built.recipe,
        "smoothing": usual_smoothing(data.task, built),
    }
    result = Result(about, _preparation(state))
    return lambda now: now.with_result("prepared", result)


def unprepared(state: State) -> bool:
    """Whether `prepare` would tell something new."""
    known = state.results.get("prepared")
    return not missing(state)[0] and (known is None or known.made_from != _preparation(state))


def _train(state: State, tell: Tell) -> Change:
    from lepton_lab import workbench

    why, where = missing(state)
    if why:
        raise LeptonError(why, f"The step is {where}.")
    request = wanted(state)
    tell("Loading the weights", None)
    model = workbench.resolve_model(request.word("model"), {}, **request.given(ModelSpec))
    tell("Preparing the run", None)
    run = workbench.train(
        model, state.result("data"), background=True, view="silent", **request.given(TrainSpec)
    )
    result = Result(run, made_from(request), {"request": request})
    return lambda now: replace(with_run(now, result), say=f"Run {run.name} has started.")


def _reset(state: State, tell: Tell) -> Change:
    return lambda now: now.without_values("train")


def _mark(state: State) -> tuple[Mark, str]:
    why, _ = missing(state)
    result = state.results.get("train")
    if result is None:
        return ("locked", why) if why else ("", "ready")
    return ("stale", "fields changed") if stale(state) else ("done", result.value.name)


TRAIN = Step(
    key="train",
    title="Train",
    parts=(Part(TrainSpec),),
    own=("preset",),
    sets={"preset": lambda state, value: with_preset(state, str(value))},
    panel=_panel,
    mark=_mark,
    request=wanted,
    actions={
        "train": Action("Starting", _train),
        "reset": Action("", _reset),
        "prepare": Action("Deciding the defaults", prepare),
    },
    name="run",
)
