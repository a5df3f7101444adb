# SPDX-License-Identifier: BSD-3-Clause
"""A served artifact in a process of its own: start it, ask it, stop it.

The process ends with this one, however this one ends: it holds on to a pipe. The server's code is that
of the installed Lepton Lab, never what an artifact brings along.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Any

import lepton_lab
from lepton_lab.errors import DataError, LeptonError, StorageError
from lepton_lab.rendering import Card
from lepton_lab.runtime.manifest import read_manifest
from lepton_lab.runtime.server.settings import is_loopback, limits
from lepton_lab.serving.client import Client, ServerError

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
    arguments = ["--host", host, "--port", str(port)]
    for name in allow_host:
        arguments += ["--allow-host", name]
    for name, value in options.items():
        arguments += [f"--{name.replace('_', '-')}", str(value)]
    return Serving(Path(path).resolve(), arguments)


class Serving:
    """A running server. A context manager: it stops at the end of the block.

    Args:
        path: The artifact's folder.
        arguments: Of the server's command line.

    Attributes:
        url: Its address.
        token: What requests must bring.
    """

    def __init__(self, path: Path, arguments: list[str]) -> None:
        self.path, self.token = path, secrets.token_urlsafe(32)
        self._kind = str(read_manifest(path)["preprocessing"].get("kind"))
        self._shown = False
        self._log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        home = str(Path(lepton_lab.__file__).resolve().parent.parent)
        python_path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-m", "lepton_lab.runtime.server", "--artifact", str(path), "--json", "--follow", *arguments],
            env=os.environ | {"LEPTON_TOKEN": self.token, "PYTHONPATH": python_path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        atexit.register(self.stop)
        try:
            assert self._process.stdout is not None
            self.url = str(json.loads(self._process.stdout.readline())["url"])
        except BaseException as error:
            self.stop()
            if not isinstance(error, ValueError):
                raise
            raise StorageError(f"{path.name} cannot be served.", self._said()) from None
        self.client = Client(self.url, self.token)

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def predict(self, inputs: Any, top: int = 5) -> Any:
        """The answer for one input as JSON values, or a list of answers for a list of inputs.

        Args:
            inputs: As `Artifact.predict` takes them.
            top: Classes that an answer lists.

        Raises:
            DataError: The server refused an input, and why.
            LeptonError: The server is not there or cannot answer at the moment.
        """
        many = isinstance(inputs, (list, tuple))
        sent = [self._sendable(one) for one in inputs] if many else self._sendable(inputs)
        try:
            return self.client.predict(sent, top)
        except ServerError as error:
            if error.status in (413, 422):
                raise DataError("The server refused the input.", f"{error}.") from error
            raise LeptonError("The server did not answer.", f"{error}.") from error

    def stop(self) -> None:
        """Answer what was accepted, then end; again is no error."""
        atexit.unregister(self.stop)
        if self._process.stdin is not None:
            self._process.stdin.close()  # the server goes when nobody holds the other end
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

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

    def _said(self) -> str:
        """The last line that the server wrote before it ended."""
        self._log.seek(0)
        return (self._log.read().strip().splitlines() or ["It ended without a word."])[-1]

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Serving({self.path.name!r}, {self.url!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Mapping[str, str]:
        """The address, and the token in the first display alone."""
        facts = {"address": self.url, "state": "running" if self.running else "stopped"}
        facts["token"] = ".token of this object" if self._shown else self.token
        if not is_loopback(self.url.split("//")[1].rsplit(":", 1)[0].strip("[]")):
            facts["reach"] = "other machines can ask it; the token is not encrypted on its way"
        self._shown = True
        steps = [f"curl -F file=@FILE -H 'Authorization: Bearer TOKEN' {self.url}/predict", "it ends with .stop(), or with this kernel"]
        return Card(f"{self.path.name} is served.", facts, next_steps=steps)._repr_mimebundle_()
