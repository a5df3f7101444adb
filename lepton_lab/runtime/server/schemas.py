# SPDX-License-Identifier: BSD-3-Clause
"""What one input and one answer look like, as JSON Schema: by the kind of input and the kind of output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .sources import Reader

_VALUES = 50  # of a column, as examples
WHOLE = {"type": "integer"}
_PAIRS = {"type": "array", "items": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]}}
_NUMBERS = {"type": "array", "items": {"type": "number"}}
_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_LABELS = "info.x-lepton.labels"


def _list(**properties: Any) -> dict[str, Any]:
    """A list of objects that have these properties."""
    return {"type": "array", "items": {"type": "object", "properties": properties, "required": list(properties)}}


ANSWERS: dict[str, dict[str, Any]] = {
    "classes": {"top": _PAIRS},
    "labels": {"labels": {"type": "array", "items": _TEXT}, "top": _PAIRS},
    "number": {"value": {"type": ["number", "null"]}},
    "spans": {
        "text": _TEXT,
        "spans": _list(start=WHOLE, end=WHOLE, text=_TEXT, label=_TEXT, probability=_NUMBER)
        | {"description": "start and end count characters (Unicode code points) of the text"},
    },
    "boxes": {
        "height": WHOLE,
        "width": WHOLE,
        "boxes": _list(label=_TEXT, score=_NUMBER, box=_NUMBERS | {"minItems": 4, "maxItems": 4})
        | {"description": "box: left, top, right, bottom in pixels of the picture, upright"},
    },
    "mask": {
        "height": WHOLE,
        "width": WHOLE,
        "coverage": {"type": "object", "additionalProperties": _NUMBER, "description": "class -> share of the picture"},
        "runs": {
            "type": "array",
            "items": {"type": "array", "items": WHOLE, "minItems": 2, "maxItems": 2},
            "description": f"runs of equal pixels, row by row: [index of the class in {_LABELS}, length]",
        },
    },
}
_TEXTS = {"type": "array", "items": _TEXT}
_FILE = {"type": "string", "contentEncoding": "base64"}
_INPUTS: dict[str, dict[str, Any]] = {
    "image": _FILE,
    "sound": _FILE,
    "text": {"type": "string"},
    "pair": _TEXTS | {"minItems": 2, "maxItems": 2},
    "words": {"anyOf": [{"type": "string"}, _TEXTS]},
    "row": {"type": "object"},
}


def one_input(preprocessing: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """One input in JSON; a row by its columns, each with some values that it may hold."""
    found = dict(_INPUTS["pair" if reader.pair else reader.kind])
    if reader.kind == "row":
        columns = {column["name"]: _column(column) for column in preprocessing["columns"]}
        found |= {"properties": columns, "required": list(columns)}
    return found


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(column["kind"])
    if kind == "category":
        return {"description": kind, "examples": list(column["values"])[:_VALUES]}
    said = f"{kind}: {' or '.join(column['formats'])}" if kind == "date" else kind
    return {"type": ["string", "null"] if kind == "date" else ["number", "string", "null"], "description": said}
