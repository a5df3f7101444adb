# SPDX-License-Identifier: BSD-3-Clause
"""Errors as RFC 9457 says: a JSON object with a status, a title and what is wrong with which field."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

PROBLEM = "application/problem+json"
_LONGEST = 400


class Problem(Exception):
    """A request that is refused, and why.

    Args:
        status: The HTTP status.
        detail: What was found, for the one who asked.
        field: The part of the request that is at fault, such as "inputs[3]", or an empty string.
        code: One word for the kind of fault of an input, or an empty string.
        headers: Headers of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        field: str = "",
        code: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field, self.code = status, detail, field, code
        self.headers = dict(headers or {})

    @property
    def body(self) -> bytes:
        """The JSON object."""
        detail = self.detail if len(self.detail) <= _LONGEST else f"{self.detail[:_LONGEST]} …"
        found: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": detail,
        }
        return encode(found | {k: v for k in ("field", "code") if (v := getattr(self, k))})

    def response(self) -> Response:
        """The answer."""
        return Response(self.body, self.status, self.headers, PROBLEM)


def encode(value: Any) -> bytes:
    """JSON in ASCII, so that no text a user sent can break it; numbers that are not finite are null."""
    try:
        return json.dumps(value, allow_nan=False).encode()
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def answer(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(encode(value), status, media_type="application/json")
