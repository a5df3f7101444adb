# SPDX-License-Identifier: BSD-3-Clause
"""What a word on a command line means: a variable, a run, a name of the registry, a path; or the latest one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError, NotFoundError
from lepton_lab.workbench.standing import latest

if TYPE_CHECKING:
    from lepton_lab.datasets import Dataset
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel


def resolve_model(
    token: str | None = None, namespace: Mapping[str, Any] | None = None, **options: Any
) -> LeptonModel:
    """A model: a variable, a run's name, a name of the catalogue, a hub id, a folder; the latest when left out.

    Raises:
        LeptonError: Nothing has that name, or nothing was used yet.
    """
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.loading import load_model
    from lepton_lab.workbench.model import LeptonModel

    if not token:
        found = latest.run or _newest_run() or latest.model
        if found is None:
            raise LeptonError("No model was used yet.", "Name one.", "%lepton models")
        _refuse(options, f"model {found.name}")
        return found.model if isinstance(found, Run) else found
    value = (namespace or {}).get(token)
    if isinstance(value, (LeptonModel, Run)):
        _refuse(options, f"model {value.name}")
        return value.model if isinstance(value, Run) else value
    return load_model(token, **options)


def resolve_data(
    token: Any = None, namespace: Mapping[str, Any] | None = None, **options: Any
) -> Dataset:
    """A data set: a variable, a builtin name, a folder or table, a hub name; the latest when left out."""
    from lepton_lab.datasets import Dataset, data

    if token is None or (isinstance(token, str) and not token):
        if latest.data is None:
            raise LeptonError(
                "No data was used yet.",
                "Name a folder, a table or a builtin sample.",
                "%lepton data digits",
            )
        _refuse(options, f"data {latest.data.name}")
        return latest.data
    value = (namespace or {}).get(token) if isinstance(token, str) else token
    if isinstance(value, Dataset):
        _refuse(options, f"data {value.name}")
        latest.data = value
        return value
    latest.data = data(token if value is None else value, **options)
    return latest.data


def resolve_run(token: str | None = None, namespace: Mapping[str, Any] | None = None) -> Run:
    """A run: a variable or a run's name; the latest when left out."""
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.listing import run

    if not token:
        found = latest.run or _newest_run()
        if found is None:
            raise NotFoundError(
                "There is no run yet.", "Train a model first.", "%lepton train lepton_glyphs digits"
            )
        return found
    value = (namespace or {}).get(token)
    if isinstance(value, Run):
        return value
    owner = getattr(value, "run", None)
    return owner if isinstance(owner, Run) else run(token)


def _refuse(options: Mapping[str, Any], what: str) -> None:
    """Options that say how to load a thing come too late for one that is loaded."""
    if options:
        words = ", ".join(f"--{name.replace('_', '-')}" for name in options)
        raise LeptonError(
            f"{words} cannot change the {what}, which is loaded already.",
            "Give its name or path with the option.",
        )


def _newest_run() -> Run | None:
    from lepton_lab.workbench.listing import runs

    found = runs()
    return found[0] if len(found) else None
