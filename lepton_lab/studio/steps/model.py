# SPDX-License-Identifier: BSD-3-Clause
"""Model: search the catalogue while one types, read a card, choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from lepton_lab import catalog
from lepton_lab.catalog.cache import cached_repositories
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.errors import LeptonError, NotFoundError
from lepton_lab.magics.verb import Part, Request
from lepton_lab.magics.verbs import verbs
from lepton_lab.magics.verbs.models import ModelsQuery
from lepton_lab.rendering import count
from lepton_lab.spec import ModelSpec
from lepton_lab.studio import blocks, speeds
from lepton_lab.studio.contract import Action, Block, Change, Mark, Step, Tell, ask, given
from lepton_lab.studio.state import State

ROWS = 30
SPEEDS = ("5", "20", "100", "500")
SIZES = ("1M", "5M", "10M", "30M", "100M", "300M")
FIELDS = ("weights", "image_size")
AT_ONCE, MEASURABLE = 5, 50_000_000


def chosen(state: State) -> tuple[str, dict[str, Any]]:
    """The model that was chosen, and how it is loaded.

    Raises:
        LeptonError: None was chosen, or it cannot be loaded that way.
    """
    name = str(state.value("model", "name")).strip()
    if not name:
        raise LeptonError("No model is chosen yet.", "Choose one in the step Model.")
    return name, given(state, "model", ModelSpec, FIELDS)


def entry(state: State) -> ModelEntry | None:
    """What the catalogue knows of the chosen model."""
    name = str(state.value("model", "name")).strip()
    try:
        return catalog.find(name) if name else None
    except (NotFoundError, LeptonError):
        return None


def _request(state: State) -> Request:
    typed = str(state.value("model", "query")).strip()
    pattern = typed if any(mark in typed for mark in "*?[") else f"*{typed}*"
    places = {"pattern": pattern} if typed else {}
    return ask(verbs.get("models"), places, given(state, "model", ModelsQuery))


def found(state: State) -> list[ModelEntry]:
    """The models that match, those whose weights are here first."""
    listed, known = _matching(state), speeds.here()
    least = str(state.value("model", "speed"))
    if least in SPEEDS:
        listed = [one for one in listed if known.get(one.name, 0.0) >= float(least)]
    if state.value("model", "order") == "speed":
        listed.sort(key=lambda one: -known.get(one.name, 0.0))
    return listed


def _matching(state: State) -> list[ModelEntry]:
    """The models that match however fast they are."""
    request = _request(state)
    listed = list(catalog.models(request.word("pattern") or "*", **request.given(ModelsQuery)))
    here = set(cached_repositories())
    listed.sort(key=lambda one: not (one.location or one.hub_id in here))
    return listed


def _unmeasured(state: State) -> list[str]:
    """The next models that match whose speed is worth measuring: small ones, of which nothing is known."""
    known = speeds.here()
    names = [one.name for one in _matching(state) if 0 < one.params <= MEASURABLE]
    return [name for name in names if name not in known and not speeds.failed(name)][:AT_ONCE]


def _panel(state: State) -> list[Block]:
    made: list[Block] = [blocks.fields("search", _search(state))]
    try:
        listed = found(state)
    except LeptonError as error:
        return [*made, *blocks.error("listing", str(error).split("\n"))]
    made.append(_table(state, listed))
    if state.value("model", "speed") or state.value("model", "order"):
        made += _speeds(state)
    about = entry(state)
    name = str(state.value("model", "name"))
    if about is not None:
        made += _card(state, about)
    elif name:
        made.append(
            blocks.note(
                "card", f"{name} is no model of the catalogue: a run, a hub id or a folder."
            )
        )
    return [*made, *blocks.error("failed", state.lines("model"))]


def _search(state: State) -> list[Block]:
    options = MODEL.options
    sizes = [("", "any"), *((size, f"up to {size}") for size in SIZES)]
    licences = [("", "any"), *((name, name) for name in _licences())]
    speeds_here = [("", "any"), *((n, f"at least {n} images/s") for n in SPEEDS)]
    pairs = ("task", "source", "cached")
    words = {"task": "Task", "source": "Library", "cached": "On this computer"}
    filters = [blocks.field(state, "model", options[name], words=words[name]) for name in pairs]
    return [
        blocks.text(
            state, "model", "query", "Search", kind="search", help="part of a name, or a wildcard; usual ones to begin with are resnet18, efficientnet_b0, vit_small",
        ),
        blocks.choice(state, "model", "max_params", "Parameters", sizes),
        blocks.choice(state, "model", "licence", "Licence", licences),
        *({**one, "help": ""} for one in filters),
        blocks.choice(state, "model", "speed", "Speed here", speeds_here),
        blocks.choice(
            state, "model", "order", "Order", [("", "name"), ("speed", "fastest here first")]
        ),
    ]  # fmt: skip


def _speeds(state: State) -> list[Block]:
    """Speeds are known of what was measured or trained here alone, so more can be measured on the spot."""
    matching, known, following = _matching(state), speeds.here(), _unmeasured(state)
    count_known = sum(one.name in known for one in matching)
    words = (
        f"The speed of {count_known} of these {len(matching)} models is known on this computer;"
        " the others are not compared. ≥ is the speed of a training here: answering alone is faster."
    )
    made = [blocks.note("speeds", words)]
    if following:
        some = f"Measure {len(following)} more here"
        title = f"Takes a few seconds each: {', '.join(following)}"
        made.append(blocks.buttons("measuring", blocks.button("measure_more", some, title=title)))
    return made


def _table(state: State, listed: list[ModelEntry]) -> Block:
    known = speeds.here()
    rows = [_row(one, _images(one.name, known)) for one in listed[:ROWS]]
    rest = len(listed) - len(rows)
    return blocks.table(
        "found",
        ("name", "parameters", "licence", "images/s here", "input", "library", "downloaded"),
        rows,
        title=f"{len(listed)} model{'s' * (len(listed) != 1)}",
        note=" ".join(
            (
                f"… {rest} more: narrow the search to see them." * bool(rest),
                "! read the licence before you publish."
                * any(one.licence_note for one in listed[:ROWS]),
            )
        ).strip(),
        tall=True,
        pick="name",
        picked=str(state.value("model", "name")),
        names=[one.name for one in listed[:ROWS]],
    )


def _images(name: str, known: Mapping[str, float]) -> str:
    """Images a second, as far as they are known."""
    if name not in known:
        return "–"
    return f"{'' if speeds.known(name) else '≥ '}{known[name]:.0f}"


def _row(one: ModelEntry, speed: str) -> tuple[str, ...]:
    height, width = one.input_size[1:] or (0, 0)
    warned = " !" if one.licence_note else ""
    return (
        one.name,
        count(one.params) if one.params else "–",
        (one.licence or "unknown") + warned,
        speed,
        f"{height or '–'}" if height == width else f"{height}×{width}",
        one.source,
        "✓" if one.cached else "",
    )


def _card(state: State, about: ModelEntry) -> list[Block]:
    facts = {label: value for label, value in about.card().facts.items() if label != "source"}
    speed, trained = speeds.known(about.name), speeds.trained(about.name)
    if speed:
        facts["answers here"] = f"{speed:.0f} images a second"
    if trained:
        facts["trained here"] = f"at {trained:.0f} images a second"
    loading = [blocks.field(state, "model", MODEL.options[name]) for name in FIELDS]
    measure = "Measure again" if speed else "Measure its speed here"
    return [
        blocks.facts("card", facts, title=about.name),
        blocks.fields("loading", loading, title="How it is loaded", folded=True),
        blocks.buttons(
            "next",
            blocks.button("go:data", "Next: data", primary=True),
            blocks.button("measure", measure),
        ),
    ]


def _fast(state: State, language: str) -> list[str]:
    """The line that keeps the models that are known to be fast here."""
    if str(state.value("model", "speed")) not in SPEEDS:
        return []
    names = tuple(one.name for one in found(state))
    return [f"found = [one for one in found if one.name in {names!r}]"]


def _measure(state: State, tell: Tell) -> Change:
    name, _ = chosen(state)
    speeds.measure(name)
    return lambda now: now


def _measure_more(state: State, tell: Tell) -> Change:
    names = _unmeasured(state)
    said = f"{speeds.measure_all(names, tell)} of {len(names)} models were measured."
    return lambda now: replace(now, say=said)


def _mark(state: State) -> tuple[Mark, str]:
    name = str(state.value("model", "name"))
    return ("done", name) if name else ("", "choose a model")


@cache
def _licences() -> tuple[str, ...]:
    return tuple(sorted({one.licence for one in catalog.models() if one.licence}))


MODEL = Step(
    key="model",
    title="Model",
    parts=(Part(ModelsQuery), Part(ModelSpec, FIELDS)),
    own=("query", "name", "order", "speed"),
    panel=_panel,
    mark=_mark,
    request=_request,
    actions={
        "measure": Action("Measuring its speed", _measure),
        "measure_more": Action("Measuring speeds", _measure_more),
    },
    name="found",
    after=_fast,
)
