# SPDX-License-Identifier: BSD-3-Clause
"""What a sample is: one record per kind of content, whatever its labels are.

A data set is a content (a picture, a text, a row of a table) with labels (a class, boxes, a number).
Loading, splitting, auditing and showing know both only through their records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_lab.datasets.checking import Check
from lepton_lab.registry import Registry
from lepton_lab.rendering import Markup

if TYPE_CHECKING:
    from lepton_lab.datasets.dataset import Dataset
    from lepton_lab.datasets.records import Finding
    from lepton_lab.datasets.splits import Split


def _nothing(dataset: Dataset) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Content:
    """One kind of content.

    Attributes:
        name: As `Reading.content` names it ("text").
        noun: What one sample is called in messages.
        nouns: What several are called.
        check: Looks at payloads: size, digest, and why one cannot be used. Never raises.
        read: A payload as its user sees it and as the runtime prepares it.
        encoded: The original bytes, as a user of the artifact would send them.
        inputs: What users hand to `predict`, as (name, what `read` gives) pairs; DataError when it is none.
        tile: One sample of a split in a grid; escaped.
        facts: Lines of the data card, by their name.
        rules: What the audit looks for, further to copies and balance.
    """

    name: str
    noun: str
    nouns: str
    check: Callable[[Sequence[Any]], list[Check]]
    read: Callable[[Any], Any]
    encoded: Callable[[Any], bytes]
    inputs: Callable[[Any], list[tuple[str, Any]]]
    tile: Callable[[Split, int], Markup]
    facts: Callable[[Dataset], dict[str, str]] = _nothing
    rules: tuple[Callable[[Dataset], list[Finding]], ...] = ()

    @property
    def description(self) -> str:
        """What it is, in a line."""
        return f"Samples that are {self.nouns}."


contents: Registry[Content] = Registry("content")
