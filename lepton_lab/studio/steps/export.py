# SPDX-License-Identifier: BSD-3-Clause
"""Export: an artifact that was proven right, its certificate, and the way to take it along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from lepton_lab.errors import LeptonError
from lepton_lab.magics.verb import Part, Request
from lepton_lab.magics.verbs import verbs
from lepton_lab.magics.verbs.export import ExportOptions
from lepton_lab.rendering import size
from lepton_lab.studio import blocks
from lepton_lab.studio.contract import (
    Action,
    Block,
    Change,
    Mark,
    Step,
    Tell,
    ask,
    beside,
    changed,
    given,
    made_from,
)
from lepton_lab.studio.state import Result, State
from lepton_lab.studio.steps.run import over, run_of

if TYPE_CHECKING:
    from lepton_lab.exporting import Artifact


def wanted(state: State) -> Request:
    """The request for the artifact of the run of this Studio.

    Raises:
        LeptonError: There is no run yet.
    """
    options = given(state, "export", ExportOptions)
    options.setdefault("format", "onnx")
    return ask(verbs.get("export"), {"model": run_of(state).name}, options)


def stale(state: State) -> bool:
    """Whether the artifact is of another run, format or place than the fields name."""
    return changed(state, "export", wanted)


def _panel(state: State) -> list[Block]:
    from lepton_lab.exporting.registered import formats

    why = "" if over(state) else "The run must end first."
    where = "run" if state.result("train") is not None else "train"
    result = state.results.get("export")
    choices = [(form.name, f"{form.name}: {form.description}") for form in formats]
    choices.append(("all", "all: every format, in one artifact"))
    form = blocks.choice(state, "export", "format", "Format", choices, kind="radio", default="onnx")
    to = blocks.field(state, "export", EXPORT.options["to"], words="Where to")
    made = [
        *([blocks.note("missing", why, "stale", where)] if why else []),
        blocks.fields("options", [form, to]),
        blocks.buttons("go", blocks.button("export", "Export", primary=result is None, off=why)),
        *blocks.error("failed", state.lines("export")),
    ]
    return made if result is None else [*made, *_shown(state, result)]


def _shown(state: State, result: Result) -> Iterator[Block]:
    artifact: Artifact = result.value
    if stale(state):
        yield blocks.note("stale", "This is of another run or format. Export again.", "stale")
    proof = result.about["verification"]
    yield blocks.note(
        "proven",
        f"✓ Proven equal to the trained model, then verified: {proof.files} files unchanged, "
        f"{proof.golden} golden samples answered the same.",
        "good",
    )
    facts = {
        "artifact": beside(artifact.path),
        "formats": ", ".join(artifact.manifest["formats"]),
        "size": f"{size(artifact.size)} in {len(artifact.manifest['files'])} files",
        "classes": len(artifact.labels),
    }
    yield blocks.facts("facts", facts, title="Artifact")
    yield _certificate(artifact)
    yield blocks.buttons("take", blocks.button("download", "Download as .zip", primary=True))


def _certificate(artifact: Artifact) -> Block:
    certificate = artifact.certificate
    rows = [
        (
            name,
            f"{found['agreement']:.3f}",
            f"{found['largest_difference']['probabilities']:.1e}",
            f"{found['milliseconds']['compute']['1']:.1f}",
        )
        for name, found in certificate["formats"].items()
    ]
    tried = certificate["samples"]
    title = f"Certificate: compared with PyTorch on {tried['all']} samples"
    columns = ("format", "top-1 agreement", "largest difference", "ms per sample")
    return blocks.table("certificate", columns, rows, title=title)


def _export(state: State, tell: Tell) -> Change:
    from lepton_lab import workbench

    if not over(state):
        raise LeptonError("The run must end first.", "", "Wait for it, or stop it.")
    request = wanted(state)
    artifact = workbench.export(run_of(state), **request.given(ExportOptions))
    tell("Verifying in a fresh process", 0.8)
    result = Result(artifact, made_from(request), {"verification": artifact.verify()})
    said = f"{artifact.path.name} was written and verified."
    return lambda now: replace(now.with_result("export", result), say=said)


def _mark(state: State) -> tuple[Mark, str]:
    result = state.results.get("export")
    if result is None:
        return ("", "ready") if over(state) else ("locked", "needs a run")
    return ("stale", "another run or format") if stale(state) else ("done", result.value.path.name)


EXPORT = Step(
    key="export",
    title="Export",
    parts=(Part(ExportOptions),),
    panel=_panel,
    mark=_mark,
    request=wanted,
    actions={"export": Action("Exporting and proving", _export)},
    name="artifact",
    after=lambda state, language: ("artifact.verify()",),
)
