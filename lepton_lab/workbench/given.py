# SPDX-License-Identifier: BSD-3-Clause
"""What a caller gives a verb: a thing itself, its name, or nothing, which means the latest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lepton_lab.workbench.resolve import resolve_data, resolve_model, resolve_run

if TYPE_CHECKING:
    from lepton_lab.datasets import Dataset
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel


def data(source: Any, **options: Any) -> Dataset:
    """A data set from a folder, a table, arrays, a `datasets` object, a hub name or a builtin sample.

    Args:
        source: Path, name or object.
        **options: Fields of `DataSpec`: val, test, label, image, exclude, clean, dedupe, seed.

    Raises:
        DataError: What is wrong with it, in three lines.

    >>> data("digits").classes[:3]
    ('0', '1', '2')
    """
    return resolve_data(source, None, **options)


def run_from(value: Any) -> Run:
    """The run that is meant: one, or its name; the latest for None."""
    from lepton_lab.workbench.handle import Run

    return value if isinstance(value, Run) else resolve_run(None if value is None else str(value))


def model_from(value: Any) -> LeptonModel:
    """The model that is meant: one, that of a run, or what its name says; the latest for None."""
    from lepton_lab.workbench.handle import Run
    from lepton_lab.workbench.model import LeptonModel

    if isinstance(value, LeptonModel):
        return value
    if isinstance(value, Run):
        return value.model
    return resolve_model(None if value is None else str(value))


def model_and_run(value: Any) -> tuple[LeptonModel, Run | None]:
    """A model that is not in training any more, and the run it comes from."""
    model = model_from(value)
    if model._run is not None:
        model._run.wait()
    return model, model._run
