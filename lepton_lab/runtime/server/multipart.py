# SPDX-License-Identifier: BSD-3-Clause
"""The files of a form, in memory: the body was limited before, and nothing is written to a disk."""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from .problem import Problem

_HEADERS, _HEADER = 8, 1024
_PLAIN = (b"binary", b"8bit", b"7bit")


class _Form:
    """What the parser tells, part by part; names are kept for messages only."""

    def __init__(self, most: int) -> None:
        self.most, self.parts, self.whole = most, list[tuple[str, bytes]](), False
        self._name, self._value = b"", b""
        self._label, self._data = "", bytearray()

    def part_begin(self) -> None:
        if len(self.parts) >= self.most:
            raise Problem(413, f"a request has at most {self.most} inputs")
        self._label, self._data = "", bytearray()

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def part_end(self) -> None:
        self.parts.append((self._label, bytes(self._data)))

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        name, value = self._name.lower(), self._value
        if name == b"content-disposition":
            self._label = parse_options_header(value)[1].get(b"name", b"").decode("latin-1")
        if name == b"content-transfer-encoding" and value.lower() not in _PLAIN:
            raise Problem(415, "parts are sent as they are, without a transfer encoding")
        self._name, self._value = b"", b""

    def end(self) -> None:
        self.whole = True


def parts(data: bytes, content_type: str, most: int) -> list[tuple[str, bytes]]:
    """Name and content of each part.

    Args:
        data: The body.
        content_type: Its header, which holds the boundary.
        most: Parts that are taken.

    Raises:
        Problem: It is damaged or has too many parts.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 1 <= len(boundary) <= 200:
        raise Problem(400, "the Content-Type of a form names its boundary")
    form = _Form(most)
    names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "end")
    calls = {f"on_{name}": getattr(form, name) for name in names}
    try:
        parser = MultipartParser(
            boundary, calls, max_header_count=_HEADERS, max_header_size=_HEADER  # type: ignore[arg-type]
        )
        parser.write(data)
        parser.finalize()
    except FormParserError as error:
        raise Problem(400, f"the form is damaged: {error}") from None
    if not form.whole:
        raise Problem(400, "the form is cut short: its last boundary is missing")
    return form.parts
