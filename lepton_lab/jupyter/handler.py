# SPDX-License-Identifier: BSD-3-Clause
"""What all routes share: who may ask, where the work is done, how answers and errors look.

Only a user of the server may ask, and where it tells users apart, only one who may use `lepton_lab`.
Files are read in a thread, so that a slow disk never keeps the server from anything else.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from jupyter_server.base.handlers import APIHandler
from tornado import web

from lepton_lab.errors import LeptonError, NotFoundError
from lepton_lab.jupyter.orders import NotLiveError
from lepton_lab.jupyter.plain import finite
from lepton_lab.jupyter.project import Project

PREFIX = "lepton-lab"
SETTING = "lepton_lab"
THREADS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="lepton-lab")
T = TypeVar("T")


@dataclass(frozen=True)
class Route:
    """One route.

    Attributes:
        path: Behind `{base_url}lepton-lab/`, a regular expression.
        handler: Answers it.
    """

    path: str
    handler: type[LeptonHandler]


class LeptonHandler(APIHandler):
    """A handler whose answers are JSON and whose errors are three lines."""

    auth_resource = "lepton_lab"
    # A panel that asks every second must not keep an idle server from being culled.
    _track_activity = False

    @property
    def project(self) -> Project:
        """What the server knows of the runs under its root."""
        found: Project = self.settings[SETTING]
        return found

    async def in_thread(self, work: Callable[[], T]) -> T:
        """The result of `work`, done in a thread; a LeptonError becomes an answer of 4xx.

        Raises:
            tornado.web.Finish: The answer was given.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(THREADS, work)
        except LeptonError as error:
            self.refuse(error)
            raise web.Finish() from error

    async def answer(self, work: Callable[[], Any], status: int = 200) -> None:
        """Answer with the JSON value that `work` returns; with 304 when the page has it already."""
        text = await self.in_thread(lambda: encoded(work()))
        self.set_status(status)
        if status == 200:
            self.set_header("Cache-Control", "no-cache")
            self.set_header("ETag", f'"{hashlib.sha256(text).hexdigest()[:32]}"')
            if self.check_etag_header():
                self.set_status(304)
                self.finish()
                return
        self.finish(text)

    def refuse(self, error: LeptonError) -> None:
        """Answer with the three lines of an error."""
        status = next((code for kind, code in _CODES if isinstance(error, kind)), 400)
        self.set_status(status)
        self.finish(encoded({"what": error.what, "why": error.why, "todo": error.todo}))

    def argument(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        found = self.get_query_argument(name, default)
        return default if found is None else found


def encoded(value: Any) -> bytes:
    """A value as JSON in ASCII; numbers that are not finite are null."""
    return json.dumps(finite(value), separators=(",", ":"), allow_nan=False).encode("ascii")


_CODES = ((NotLiveError, 409), (NotFoundError, 404))
