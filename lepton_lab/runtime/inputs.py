# SPDX-License-Identifier: BSD-3-Clause
"""From what users have (bytes, a path, a text, a row) to one row of a model's input.

One file per kind of input, chosen by the "kind" of the preprocessing in the manifest. The same code
serves training, prediction inside Lepton Lab, the export gate and the artifact.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .errors import BundleError

Row = dict[str, np.ndarray]

_KINDS = {
    "image": "image_input",
    "text": "text_input",
    "sound": "sound_input",
    "row": "row_input",
    "words": "words_input",
}


class Preparer(Protocol):
    """One kind of input for one model."""

    def prepare(self, source: Any) -> Row:
        """One sample as named arrays without a batch axis; some may be for the answer alone ("size").

        Raises:
            InputError: It cannot be used, and why.
        """
        ...

    def collate(self, rows: Sequence[Row]) -> Row:
        """A batch of prepared samples: stacked, and padded where their lengths differ."""
        ...


@runtime_checkable
class Staged(Protocol):
    """A preparer that can show its work, so that a difference can be told by its first step."""

    def stages(self, source: Any) -> Iterator[tuple[str, np.ndarray]]:
        """The steps of `prepare` in order, with what each of them makes."""
        ...


def preparer(
    preprocessing: Mapping[str, Any], files: Mapping[str, bytes] | None = None
) -> Preparer:
    """What prepares inputs as a model's preprocessing says.

    Args:
        preprocessing: From the manifest; its "kind" chooses the rule.
        files: What the preprocessing names and does not hold itself (a tokenizer), by name.

    Raises:
        BundleError: This runtime does not know the kind of input.
    """
    kind = str(preprocessing.get("kind"))
    if kind not in _KINDS:
        raise BundleError(f"its input is of the kind '{kind}', which this runtime does not read")
    module = importlib.import_module(f".{_KINDS[kind]}", __package__)
    found: Preparer = module.make(preprocessing, dict(files or {}))
    return found


def stacked(rows: Sequence[Row]) -> Row:
    """Rows of equal shapes as one batch.

    >>> stacked([{"a": np.zeros(2)}, {"a": np.ones(2)}])["a"].shape
    (2, 2)
    """
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
