# SPDX-License-Identifier: BSD-3-Clause
"""A served artifact in a process of its own: start it, ask it, stop it.

The process ends with this one, however this one ends: it holds on to a pipe. When it ends by itself, as in
a crash of a native library, it is started again. The server's code is that of the installed Lepton Lab,
never what an artifact brings along.
"""

from __future__ import annotations

import atexit
import io
import os
import secrets
import subprocess
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Any

from lepton_lab.errors import DataError, LeptonError
from lepton_lab.rendering import Card
from lepton_lab.runtime.manifest import read_manifest
from lepton_lab.runtime.server.settings import is_loopback, limits
from lepton_lab.serving.client import Client, ServerError
from lepton_lab.serving.process import ServerProcess

_NEEDED = ("starlette", "uvicorn", "httptools", "python_multipart")


def start(
    path: str | Path, port: int = 0, host: str = "127.0.0.1", allow_host: tuple[str, ...] = (), **options: Any
) -> Serving:
    """Serve an artifact; returns when it answers.

    Args:
        path: The artifact's folder.
        port: 0 takes a free one.
        host: Address to listen on.
        allow_host: Host names that requests may ask for, beside those of this machine.
        **options: Limits, such as max_batch; `python serve.py --help` lists them.

    Raises:
        LeptonError: The server's libraries are missing, or an option is unknown.
        StorageError: The artifact was changed, or the port is taken.
    """
    missing = [name for name in _NEEDED if util.find_spec(name) is None]
    if missing:
        raise LeptonError(
            "The server's libraries are not installed.", f"Missing: {', '.join(missing)}.", "pip install 'lepton-lab[serve]'"
        )
    unknown = set(options) - set(limits())
    if unknown:
        known = ", ".join(limits())
        raise LeptonError(f"'{min(unknown)}' is no option of the server.", f"Its limits: {known}.")
    arguments = ["--host", host]
    for name in allow_host:
        arguments += ["--allow-host", name]
    for name, value in options.items():
        arguments += [f"--{name.replace('_', '-')}", str(value)]
    return Serving(Path(path).resolve(), arguments, port)


class Serving:
    """A running server. A context manager: it stops at the end of the block.

    Args:
        path: The artifact's folder.
        arguments: Of the server's command line, without the port.
        port: 0 takes a free one.

    Attributes:
        url: Its address.
        token: What requests must bring.
    """

    def __init__(self, path: Path, arguments: list[str], port: int = 0) -> None:
        self.path, self.token = path, secrets.token_urlsafe(32)
        self._kind = str(read_manifest(path)["preprocessing"].get("kind"))
        self._shown = False
        self._server = ServerProcess(path.name, ["--artifact", str(path), *arguments], port, self.token)
        atexit.register(self.stop)
        self.url = self._server.url
        self.client = Client(self.url, self.token)

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._server.running

    @property
    def _process(self) -> subprocess.Popen[str]:
        return self._server.current

    def predict(self, inputs: Any, top: int = 5) -> Any:
        """The answer for one input as JSON values, or a list of answers for a list of inputs.

        Args:
            inputs: As `Artifact.predict` takes them.
            top: Classes that an answer lists.

        Raises:
            DataError: The server refused an input, and why.
            LeptonError: The server is not there or cannot answer at the moment. One that has ended by
                itself is waited for while it starts again; what it was asked then is not sent twice.
        """
        many = isinstance(inputs, (list, tuple))
        sent = [self._sendable(one) for one in inputs] if many else self._sendable(inputs)
        try:
            return self._ask(sent, top)
        except ServerError as error:
            if error.status in (413, 422):
                raise DataError("The server refused the input.", f"{error}.") from error
            raise LeptonError("The server did not answer.", f"{error}.") from error

    def _ask(self, sent: Any, top: int, again: bool = True) -> Any:
        """What was under way when the server ended is not sent twice: it may be the reason."""
        process = self._server.settle()
        if gone := self._server.gone:
            raise LeptonError("The server did not answer.", f"It {gone}.", "lab.serve(...) starts another one")
        try:
            return self.client.predict(sent, top)
        except ServerError as error:
            ended = "" if error.status else self._server.reason(process)
            if not ended:
                raise
            if again and isinstance(error.__cause__, ConnectionRefusedError):  # it never arrived
                return self._ask(sent, top, again=False)
            raise LeptonError(
                "The server did not answer.", f"It {ended}.", "ask again: it is started anew, unless this input is what ends it"
            ) from error

    def stop(self) -> None:
        """Answer what was accepted, then end; again is no error."""
        atexit.unregister(self.stop)
        self._server.stop()

    def _sendable(self, source: Any) -> Any:
        if self._kind not in ("image", "sound"):
            return source
        if isinstance(source, str):
            source = Path(source)
        if isinstance(source, os.PathLike) and not Path(source).is_file():
            raise DataError(f"{Path(source).name} cannot be used.", "There is no such file.")
        if hasattr(source, "__array__") and not hasattr(source, "save"):
            from PIL import Image

            from lepton_lab.runtime.decode import array_to_rgb

            source = Image.fromarray(array_to_rgb(source))
        if hasattr(source, "save"):
            buffer = io.BytesIO()
            source.save(buffer, "PNG")
            return buffer.getvalue()
        return source

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Serving({self.path.name!r}, {self.url!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Mapping[str, str]:
        """The address, and the token in the first display alone."""
        facts = {"address": self.url, "state": self._server.state}
        facts["token"] = ".token of this object" if self._shown else self.token
        if not is_loopback(self.url.split("//")[1].rsplit(":", 1)[0].strip("[]")):
            facts["reach"] = "other machines can ask it; the token is not encrypted on its way"
        self._shown = True
        if self._server.gone:
            return Card(f"{self.path.name} is not served any more.", facts)._repr_mimebundle_()
        steps = [f"curl -F file=@FILE -H 'Authorization: Bearer TOKEN' {self.url}/predict", "it ends with .stop(), or with this kernel"]
        return Card(f"{self.path.name} is served.", facts, next_steps=steps)._repr_mimebundle_()
