# SPDX-License-Identifier: BSD-3-Clause
"""JSON from strangers: its depth and its number of parts are known before anything is built from it.

A small text can stand for a large tree, and nesting for a deep one. One pass over the bytes counts
brackets, strings and separators and stops at the limit. Numbers that are not finite and keys that
come twice are refused, because readers disagree about them.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from .problem import Problem

# Possessive, and content to end without a closing mark: no text makes it go back.
_PARTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}:,]', re.DOTALL)
_DEPTH = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def parse(data: bytes, max_depth: int, max_keys: int, field: str = "") -> Any:
    """The value of a JSON text.

    Args:
        data: UTF-8.
        max_depth: Levels of brackets.
        max_keys: Brackets, strings and separators together.
        field: The part of the request, for the message.

    Raises:
        Problem: 413 for a limit, 400 for what is no JSON.
    """
    depth = 0
    for number, part in enumerate(_PARTS.finditer(data)):
        depth += _DEPTH.get(part[0][:1], 0)
        if depth > max_depth:
            raise Problem(413, f"the JSON is nested deeper than {max_depth} levels", field)
        if number >= max_keys:
            raise Problem(413, f"the JSON has more than {max_keys} keys and values", field)
    try:
        text = data.decode("utf-8")
        return json.loads(
            text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_once
        )
    except UnicodeDecodeError:
        raise Problem(400, "the JSON is not UTF-8", field) from None
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"this is no JSON that can be used: {error}", field) from None


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large for a number")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found
