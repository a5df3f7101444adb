# SPDX-License-Identifier: BSD-3-Clause
"""A client of a served artifact. It needs nothing but Python and may be copied anywhere.

    from client import Client
    Client("http://127.0.0.1:8000", token).predict(open("cat.jpg", "rb").read())

On the command line a word is the name of a file, or else the input itself:

    LEPTON_TOKEN=... python client.py cat.jpg --url http://127.0.0.1:8000
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_RAW = "application/octet-stream"
_JSON = "application/json"


class ServerError(Exception):
    """An answer that is no prediction.

    Args:
        status: The HTTP status; 0 when nobody answered.
        detail: What the server says.
        field: The part of the request that is at fault, or an empty string.
    """

    def __init__(self, status: int, detail: str, field: str = "") -> None:
        super().__init__(f"{field}: {detail}" if field else detail)
        self.status, self.detail, self.field = status, detail, field


class Client:
    """Questions to one server.

    Args:
        url: Its address.
        token: What it asks for; LEPTON_TOKEN when left out.
        timeout: Seconds to wait for an answer.
        tries: How often to ask when the server is busy.
    """

    def __init__(
        self, url: str = "http://127.0.0.1:8000", token: str | None = None, timeout: float = 60.0, tries: int = 5
    ) -> None:
        self.url, self.timeout, self.tries = url, timeout, tries
        self.token = os.environ.get("LEPTON_TOKEN", "") if token is None else token

    def predict(self, input: Any, top: int = 5) -> Any:
        """The answer for one input, or the answers for a list of inputs.

        Args:
            input: Bytes of a file or a `Path`; anything else is sent as JSON: a text, a row as a
                dict. Or a list of these.
            top: Classes that an answer lists.

        Raises:
            ServerError: The server refused it, and why.
        """
        many = isinstance(input, (list, tuple))
        files = [_content(one) for one in (input if many else [input])]
        if many and files and None not in files:
            kind, body = _form([file for file in files if file is not None])
        elif not many and files[0] is not None:
            kind, body = _RAW, files[0]
        else:
            body = json.dumps({"inputs" if many else "input": input}, allow_nan=False).encode()
            kind = _JSON
        found = self.request("POST", f"/predict?top={top}", body, {"Content-Type": kind})
        return found["predictions" if many else "prediction"]

    def ready(self) -> bool:
        """Whether the server answers."""
        try:
            return bool(self.request("GET", "/readyz")["ready"])
        except ServerError:
            return False

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """The JSON answer to any request; asked again while the server is busy (429)."""
        for left in reversed(range(self.tries)):
            status, data, wait = self._ask(method, path, body, dict(headers or {}))
            if status != 429 or not left:
                break
            time.sleep(wait)
        try:
            value = json.loads(data)
        except ValueError:
            raise ServerError(status, "this is no answer of such a server") from None
        if status != 200:
            raise ServerError(status, str(value.get("detail", "")), str(value.get("field", "")))
        return value

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes, float]:
        place = urlsplit(self.url)
        kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
        connection = kind(place.hostname or "", place.port, timeout=self.timeout)
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, place.path.rstrip("/") + path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), float(answer.headers.get("Retry-After", 1))
        except (OSError, HTTPException) as error:
            raise ServerError(0, f"{self.url} does not answer ({error})") from error
        finally:
            connection.close()


def _content(input: Any) -> bytes | None:
    """The bytes of a file; None for what is no file."""
    if isinstance(input, os.PathLike):
        return Path(input).read_bytes()
    return bytes(input) if isinstance(input, (bytes, bytearray, memoryview)) else None


def _form(files: list[bytes]) -> tuple[str, bytes]:
    """Content type and body of a form with these files."""
    boundary = uuid.uuid4().hex
    lines = []
    for number, data in enumerate(files):
        head = f'Content-Disposition: form-data; name="file"; filename="{number}"'
        lines += [f"--{boundary}\r\n{head}\r\n\r\n".encode(), data, b"\r\n"]
    return f"multipart/form-data; boundary={boundary}", b"".join(lines) + f"--{boundary}--\r\n".encode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask for each word of the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Ask a served artifact.")
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="a file, a text, or a row as JSON")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--top", type=int, default=5, help="classes to list")
    options = parser.parse_args(arguments)
    client = Client(options.url)
    try:
        for word in options.inputs:
            found = client.predict(_meant(word), options.top)
            sys.stdout.write(json.dumps(found) + "\n")
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _meant(word: str) -> Any:
    try:
        if Path(word).is_file():
            return Path(word)
    except (OSError, ValueError):
        return word
    try:
        value = json.loads(word)
    except ValueError:
        return word
    return value if isinstance(value, dict) else word


if __name__ == "__main__":
    sys.exit(main())
