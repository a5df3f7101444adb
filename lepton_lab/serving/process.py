# SPDX-License-Identifier: BSD-3-Clause
"""The process of a server, watched: when it ends by itself it is started again, on its port, with its token.

A native library that crashes takes its process with it. That must neither go unseen nor become a loop
without an end: pauses grow, and after the last one it stays down and says why.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import lepton_lab
from lepton_lab.errors import StorageError

logger = logging.getLogger(__name__)
PAUSES = (0.2, 1.0, 2.0, 4.0, 8.0)  # seconds before each new start
CALM = 60.0  # seconds of work after which the next end is trouble of its own
_LONGEST = sum(PAUSES) + 120.0
_MEANT = (0, -signal.SIGTERM, -signal.SIGINT)
_CAUSES = {
    "SIGSEGV": "a crash in a library",
    "SIGABRT": "a crash in a library",
    "SIGBUS": "a crash in a library",
    "SIGILL": "a library that is not made for this processor",
    "SIGKILL": "killed from outside; the memory may be full",
}


class ServerProcess:
    """One server and those that follow it.

    Args:
        name: Of the artifact, for messages.
        arguments: Of the server's command line, without the port.
        port: 0 takes a free one; those that follow keep it.
        token: What requests must bring.

    Attributes:
        url: Its address.
        current: The process.
        ends: Why it ended, each time that nobody had asked for it, after the word "it".
        gone: Why it does not come back, after the word "it"; empty while it runs or starts again.

    Raises:
        StorageError: It did not start, and what it said.
    """

    def __init__(self, name: str, arguments: Sequence[str], port: int, token: str) -> None:
        self.name, self.ends = name, list[str]()
        self._arguments, self._token = list(arguments), token
        self._stopping, self._settled, self._lock = threading.Event(), threading.Event(), threading.Lock()
        self._log: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self.url, self.gone = "", ""
        self._launch(port)
        try:
            if not self._announced():
                raise StorageError(f"{name} cannot be served.", self._said())
        except BaseException:
            self.stop()
            raise
        self._settled.set()
        threading.Thread(target=self._watch, name=f"lepton-serve-{name}", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.current.poll() is None

    @property
    def state(self) -> str:
        """In a few words."""
        if self.gone:
            return self.gone.removeprefix("was ")
        if not self._settled.is_set():
            return f"starting again; it {self.ends[-1]}"
        again = f", started again {len(self.ends)} x; the last time it {self.ends[-1]}" if self.ends else ""
        return f"running{again}"

    def settle(self) -> subprocess.Popen[str]:
        """The process that answers, or the last one when none comes after it; waits while one starts."""
        until = time.monotonic() + _LONGEST
        while not self.gone and time.monotonic() < until:
            if self._settled.wait(0.05) and self.running:
                break
            time.sleep(0.01)  # it has ended, and that may not be noted yet
        return self.current

    def reason(self, process: subprocess.Popen[str]) -> str:
        """Why a process that has just stopped answering has ended; an empty string for one that runs."""
        try:
            return told(process.wait(2), "")
        except subprocess.TimeoutExpired:
            return ""

    def stop(self) -> None:
        """Answer what was accepted, then end for good; again is no error."""
        self._stopping.set()
        self.gone = "was stopped"
        with self._lock:
            process = self.current
        if process.stdin is not None:
            process.stdin.close()  # the server goes when nobody holds the other end
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _launch(self, port: int) -> None:
        home = str(Path(lepton_lab.__file__).resolve().parent.parent)
        python_path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-B", "-m", "lepton_lab.runtime.server", "--json", "--follow"]
        with self._lock:
            if self._stopping.is_set():
                return
            self.current = subprocess.Popen(
                [*command, "--port", str(port), *self._arguments],
                env=os.environ | {"LEPTON_TOKEN": self._token, "PYTHONPATH": python_path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
            )

    def _announced(self) -> bool:
        """Wait until it says its address or has ended."""
        assert self.current.stdout is not None
        try:
            self.url = str(json.loads(self.current.stdout.readline())["url"])
        except ValueError:
            return False
        return True

    def _watch(self) -> None:
        tried, began = 0, time.monotonic()
        while True:
            code = self.current.wait()
            if self._stopping.is_set() or code in _MEANT:
                self.gone = "was stopped"
                return
            self.ends.append(told(code, self._said()))
            self._settled.clear()
            tried = 0 if time.monotonic() - began > CALM else tried
            if tried == len(PAUSES):
                self._give_up()
                return
            count = f"{tried + 1} of {len(PAUSES)}"
            logger.warning("The server of %s %s. It is started again (%s).", self.name, self.ends[-1], count)
            if self._stopping.wait(PAUSES[tried]):
                return
            tried += 1
            try:
                self._follow()
            except OSError as error:
                self.ends.append(f"could not be started again: {error}")
                self._give_up()
                return
            began = time.monotonic()

    def _give_up(self) -> None:
        logger.warning("The server of %s %s. It is not started again.", self.name, self.ends[-1])
        self.gone = f"ended {len(self.ends)} x; the last time it {self.ends[-1]}"

    def _follow(self) -> None:
        """The next process, on the same port."""
        for pipe in (self.current.stdin, self.current.stdout):
            if pipe is not None:
                pipe.close()
        self._log.seek(0)
        self._log.truncate()
        self._launch(urlsplit(self.url).port or 0)
        if not self._stopping.is_set() and self._announced():
            self._settled.set()

    def _said(self) -> str:
        """The last line that the server wrote before it ended."""
        self._log.seek(0)
        return (self._log.read().strip().splitlines() or ["It ended without a word."])[-1]


def told(code: int, said: str) -> str:
    """Why a process ended, after the word "it".

    Args:
        code: As `subprocess` gives it: below 0 for a signal.
        said: Its last line.

    >>> told(-11, "")
    'ended by SIGSEGV (a crash in a library)'
    >>> told(1, "The disk is full.")
    'ended with code 1: The disk is full.'
    """
    if code >= 0:
        return f"ended with code {code}" + (f": {said}" if said else "")
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"ended by signal {-code}"
    return f"ended by {name}" + (f" ({_CAUSES[name]})" if name in _CAUSES else "")
