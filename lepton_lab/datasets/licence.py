# SPDX-License-Identifier: BSD-3-Clause
"""The licence that a folder of data declares for itself, so that a model card can pass it on."""

from __future__ import annotations

from pathlib import Path

README = "README.md"
_LONGEST = 100_000


def declared(folder: Path) -> str:
    """The `license` of the YAML head of a folder's README.md, as data sets on the hub have it; "" without one.

    >>> declared(Path("no such folder"))
    ''
    """
    import yaml

    try:
        text = (folder / README).read_bytes()[:_LONGEST].decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
    if not text.startswith("---\n"):
        return ""
    try:
        head = yaml.safe_load(text[4:].partition("\n---")[0])
    except yaml.YAMLError:
        return ""
    found = head.get("license", "") if isinstance(head, dict) else ""
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)
