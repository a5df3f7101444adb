# SPDX-License-Identifier: BSD-3-Clause
"""From a request to what the artifact's predictor takes: bytes of files, texts, rows.

A string never reaches the predictor where it could be taken for the path of a file on this machine.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from .multipart import parts
from .problem import Problem
from .settings import Settings
from .strict_json import parse

FILES = "application/octet-stream"
JSON = "application/json"
FORM = "multipart/form-data"
_RAW = {"image": "image/", "sound": "audio/", "text": "text/plain", "words": "text/plain"}
_WANTED = {
    "image": "the file in base64, or a data: URL",
    "sound": "the file in base64, or a data: URL",
    "text": "a string",
    "pair": "a list of two strings",
    "words": "a string, or a list of words",
    "row": "an object",
}


@dataclass(frozen=True)
class Asked:
    """The inputs of a request.

    Attributes:
        sources: What the predictor takes, in order.
        fields: The part of the request that each came from.
        many: Whether a list of answers is wanted.
    """

    sources: list[Any]
    fields: list[str]
    many: bool


class Reader:
    """Requests for one artifact.

    Args:
        preprocessing: Of the manifest: its "kind" is what comes in.
        settings: Limits.
    """

    def __init__(self, preprocessing: Mapping[str, Any], settings: Settings) -> None:
        self.kind = str(preprocessing["kind"])
        self.pair = bool(preprocessing.get("pair"))
        self.settings = settings

    @property
    def wanted(self) -> str:
        """What one input is in JSON, in words."""
        return _WANTED["pair" if self.pair else self.kind]

    @property
    def types(self) -> tuple[str, ...]:
        """The content types that are taken."""
        raw = {"image/": "image/*", "audio/": "audio/*"}.get(_RAW.get(self.kind, ""), _RAW.get(self.kind, ""))
        return tuple(filter(None, (JSON, FORM, raw, FILES)))

    async def body(self, request: Request) -> bytes:
        """The bytes of a request, within the limits of size and time."""
        limit = self.settings.max_body
        too_large = Problem(413, f"a request has at most {limit} bytes", "body")
        told = request.headers.get("content-length", "0")
        if len(told) > 15 or int(told) > limit:
            raise too_large
        chunks, size = [], 0
        try:
            async with asyncio.timeout(self.settings.request_seconds):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > limit:
                        raise too_large
                    chunks.append(chunk)
        except TimeoutError:
            late = f"a request has {self.settings.request_seconds:g} seconds to arrive"
            raise Problem(408, late, "body", headers={"Connection": "close"}) from None
        return b"".join(chunks)

    def json(self, data: bytes, field: str = "") -> Any:
        """A JSON text within the limits."""
        return parse(data, self.settings.max_depth, self.settings.max_keys, field)

    async def inputs(self, request: Request) -> Asked:
        """The inputs of a request in any of the forms that are taken."""
        told = request.headers.getlist("content-type")
        header = told[0] if len(told) == 1 else ""
        kind = header.partition(";")[0].strip().lower()
        raw = _RAW.get(self.kind, "")
        if kind == JSON:
            return self._from_json(await self.body(request))
        if kind == FORM:
            found = parts(await self.body(request), header, self.settings.max_inputs)
            if not found:
                raise Problem(422, "the form has no parts", "body")
            fields = [f"part {number} '{name}'" for number, (name, _) in enumerate(found)]
            taken = [self.file(data, field) for (_, data), field in zip(found, fields, strict=True)]
            return Asked(taken, fields, True)
        if kind == FILES or (raw and (kind == raw or (raw.endswith("/") and kind.startswith(raw)))):
            return Asked([self.file(await self.body(request), "body")], ["body"], False)
        raise Problem(415, f"this is not taken; send {' or '.join(self.types)}", "Content-Type")

    def file(self, data: bytes, field: str) -> Any:
        """An input as the content of a file."""
        if not data:
            raise Problem(422, "it is empty (0 bytes)", field, "empty")
        if self.kind == "row" or self.pair:
            return self.value(self.json(data, field), field)
        if self.kind == "words" and data.lstrip().startswith(b"["):
            self._within_limits(data, field)
        return data

    def _within_limits(self, data: bytes, field: str) -> None:
        """Raises Problem for a JSON text that is too large; a text that is no JSON is just a text."""
        try:
            self.json(data, field)
        except Problem as problem:
            if problem.status == 413:
                raise

    def value(self, value: Any, field: str) -> Any:
        """An input as a JSON value."""
        if self.kind in ("image", "sound"):
            right = isinstance(value, str)
        elif self.kind == "row":
            right = isinstance(value, dict)
        elif self.pair:
            right = _is_texts(value) and len(value) == 2
        else:
            right = isinstance(value, str) or (self.kind == "words" and _is_texts(value))
        if not right:
            raise Problem(422, f"this must be {self.wanted}", field, "type")
        return _decoded(value, field) if self.kind in ("image", "sound") else value

    def _from_json(self, data: bytes) -> Asked:
        value = self.json(data)
        if not isinstance(value, dict) or len(value) != 1 or not (set(value) <= {"input", "inputs"}):
            raise Problem(422, 'send {"input": ...} or {"inputs": [...]}', "body", "type")
        if "input" in value:
            return Asked([self.value(value["input"], "input")], ["input"], False)
        given = value["inputs"]
        if not isinstance(given, list) or not given:
            raise Problem(422, "this must be a list with at least one input", "inputs", "type")
        self.count(len(given), "inputs")
        fields = [f"inputs[{number}]" for number in range(len(given))]
        taken = [self.value(item, field) for item, field in zip(given, fields, strict=True)]
        return Asked(taken, fields, True)

    def count(self, number: int, field: str) -> None:
        """Raises Problem when a request has too many inputs."""
        if number > self.settings.max_inputs:
            raise Problem(413, f"a request has at most {self.settings.max_inputs} inputs", field)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _decoded(text: str, field: str) -> bytes:
    """The bytes of base64 or of a data: URL."""
    if text[:5] == "data:":
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise Problem(422, "a data: URL must hold base64", field, "encoding")
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Problem(422, "this is no base64", field, "encoding") from None
    if not data:
        raise Problem(422, "it is empty (0 bytes)", field, "empty")
    return data
