# SPDX-License-Identifier: BSD-3-Clause
"""Data: from a path, an upload or a sample; what is in it, and what the audit found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.errors import LeptonError
from lepton_lab.magics.sources import paths
from lepton_lab.magics.verb import Part, Request
from lepton_lab.magics.verbs import verbs
from lepton_lab.spec import DataSpec
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
)
from lepton_lab.studio.state import Result, State
from lepton_lab.studio.steps import cleaning

if TYPE_CHECKING:
    from lepton_lab.datasets import Dataset
    from lepton_lab.datasets.audit import Audit

SAMPLE = "digits"
SHOWN = 16
CLASSES = 30
FIELDS = ("val", "test", "label", "image", "exclude", "clean", "dedupe", "edits")
ADVICE = {
    "error": "Look at these files; train without them, or replace them.",
    "warning": "Results may suffer: look at the examples.",
    "info": "Nothing to do.",
}


def wanted(state: State) -> Request:
    """The request for the data that the fields describe.

    Raises:
        LeptonError: No path was given, or a field is wrong.
    """
    path = str(state.value("data", "path")).strip()
    if not path:
        raise LeptonError("No data are chosen yet.", "Choose some in the step Data.")
    return ask(verbs.get("data"), {"data": path}, given(state, "data", DataSpec, FIELDS))


def stale(state: State) -> bool:
    """Whether the data set is not what the fields say."""
    return changed(state, "data", wanted)


def _panel(state: State) -> list[Block]:
    path = blocks.text(
        state, "data", "path", "Folder or table", kind="path",
        help="a folder with one subfolder per class, a CSV, TSV or Parquet table, or a sample's name",
    )  # fmt: skip
    path["suggestions"] = [SAMPLE, *_beside()]
    rest = [blocks.field(state, "data", DATA.options[name]) for name in FIELDS]
    path_given = bool(str(state.value("data", "path")).strip())
    off = "" if path_given and not state.wrong("data") else "Name a folder or table first."
    made: list[Block] = [
        blocks.fields("source", [path]),
        blocks.group(
            "ways",
            blocks.buttons(
                "load",
                blocks.button(
                    "load", "Read the data", primary=not state.results.get("data"), off=off
                ),
                blocks.button("sample", "Use the sample: digits"),
            ),
            {"kind": "upload", "key": "upload", "words": "Upload a folder of class folders…"},
        ),
        blocks.fields("reading", rest, title="How it is read and split", folded=True),
        *blocks.error("failed", state.lines("data")),
    ]
    result = state.results.get("data")
    return made if result is None else [*made, *_shown(state, result)]


def _shown(state: State, result: Result) -> Iterator[Block]:
    dataset: Dataset = result.value
    if stale(state):
        yield blocks.note(
            "stale", "The fields have changed since these data were read. Read them again.", "stale"
        )
    sizes = {f"{split.name} samples": len(split) for split in dataset.splits()}
    facts = {"classes": len(dataset.classes), **sizes, "fingerprint": dataset.fingerprint()}
    yield blocks.facts("facts", facts, title=dataset.name)
    if cleaning.opened(state) is None:
        yield blocks.bars("classes", "Samples per class", *_counts(dataset))
        if result.about["pictures"]:
            title = "Samples of the training split"
            yield blocks.gallery("samples", title, result.about["pictures"])
        if result.about["texts"]:
            columns = ("label", "sample")
            yield blocks.table("texts", columns, result.about["texts"], title="Samples of the training split")
        yield blocks.findings("audit", result.about["title"], result.about["findings"])
    yield from cleaning.panel(state)
    yield blocks.buttons("next", blocks.button("go:train", "Next: train", primary=True))


def _counts(dataset: Dataset) -> tuple[list[tuple[str, int, int]], str]:
    counts = np.stack([split.counts() for split in dataset.splits()], axis=1)
    rows = [
        (name, int(row[0]), int(row[1:].sum()))
        for name, row in zip(dataset.classes, counts, strict=True)
    ]
    rest = len(rows) - CLASSES
    return rows[:CLASSES], f"… {rest} more classes" if rest > 0 else ""


def _load(state: State, tell: Tell) -> Change:
    from lepton_lab import workbench

    request = wanted(state)
    dataset: Any = workbench.resolve_data(request.word("data"), {}, **request.given(DataSpec))
    tell("Looking at every image", 0.5)
    audit: Audit = dataset.audit()
    tell("Drawing samples", 0.9)
    shown = dataset.show(SHOWN)
    pairs = zip(getattr(shown, "pictures", ()), shown.captions, strict=False)
    tiles = zip(getattr(shown, "tiles", ()), shown.captions, strict=False)
    about = {
        "title": f"Audit: {len(audit) or 'no'} finding{'s' * (len(audit) != 1)}",
        "findings": [
            (f.severity, f.what, f.done or ADVICE[f.severity], f.examples()) for f in audit
        ],
        "request": request,
        "pictures": [(blocks.picture(pixels), caption) for pixels, caption in pairs],
        "texts": [(caption, tile.text()[:300]) for tile, caption in tiles],
    }
    result = Result(dataset, made_from(request), about)
    said = f"{dataset.name}: {len(dataset.train)} training samples, {about['title']}"
    return lambda now: replace(now.with_result("data", result), say=said)


def _sample(state: State, tell: Tell) -> Change:
    change = _load(state.without_values("data").with_value("data", "path", SAMPLE), tell)
    return lambda now: change(now.without_values("data").with_value("data", "path", SAMPLE))


def _path(state: State, value: Any) -> State:
    """Other data have other edits."""
    same = str(state.value("data", "path")).strip() == str(value).strip()
    kept = state if same else state.without_value("data", "edits")
    return kept.with_value("data", "path", value)


def _after(state: State, language: str) -> list[str]:
    return ["data.audit()", *cleaning.lines(state, language)]


def _mark(state: State) -> tuple[Mark, str]:
    result = state.results.get("data")
    if result is None:
        return "", "choose data"
    return ("stale", "fields changed") if stale(state) else ("done", result.value.name)


def _beside() -> list[str]:
    """Folders and tables beside the notebook."""
    return [
        text.rstrip("/")
        for text, _ in paths("", lambda name: name.lower().endswith((".csv", ".tsv", ".parquet")))
    ][:50]


DATA = Step(
    key="data",
    title="Data",
    parts=(Part(DataSpec, FIELDS),),
    own=("path", "use_edits"),
    sets={"path": _path, "use_edits": lambda state, value: cleaning.use(state, value is True)},
    panel=_panel,
    mark=_mark,
    request=wanted,
    actions={
        "load": Action("Reading the data", _load),
        "sample": Action("Reading the digits", _sample),
        "clean": Action("Looking for wrong labels and copies", cleaning.look),
        "close": Action("", cleaning.close),
    },
    name="data",
    after=_after,
)
