# SPDX-License-Identifier: BSD-3-Clause
"""Plotly.js from the installed plotly package, so that a page needs no network and one copy."""

from __future__ import annotations

import functools
import gzip
from importlib import metadata, util
from pathlib import Path

import tornado.web
from jupyter_server.auth.decorator import authorized

from lepton_lab.errors import NotFoundError
from lepton_lab.jupyter.handler import LeptonHandler, Route

YEAR = 31_536_000


class Plotly(LeptonHandler):
    """`GET plotly.js?v=`: kept by the browser for good when `v` is the version that is installed."""

    @tornado.web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with the file, compressed for whoever takes that."""
        packed = "gzip" in self.request.headers.get("Accept-Encoding", "")
        version = metadata.version("plotly")
        exact = self.argument("v") == version
        self.set_header(
            "Cache-Control", f"private, max-age={YEAR}, immutable" if exact else "no-cache"
        )
        self.set_header("Vary", "Accept-Encoding")
        self.set_header("ETag", f'"plotly-{version}-{"gzip" if packed else "plain"}"')
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
            return
        text = await self.in_thread(lambda: library(packed))
        if packed:
            self.set_header("Content-Encoding", "gzip")
        self.finish(text, set_content_type="text/javascript; charset=utf-8")


def library(packed: bool) -> bytes:
    """The bytes of plotly.min.js; the compressed ones are kept.

    Raises:
        NotFoundError: The plotly package does not bring the file along.
    """
    return _packed() if packed else _path().read_bytes()


@functools.cache
def _packed() -> bytes:
    return gzip.compress(_path().read_bytes(), 6, mtime=0)


def _path() -> Path:
    # The package itself is large and is not imported.
    found = util.find_spec("plotly")
    folders = found.submodule_search_locations if found is not None else None
    for folder in folders or ():
        path = Path(folder) / "package_data" / "plotly.min.js"
        if path.is_file():
            return path
    raise NotFoundError(
        "Plotly.js is not installed here.",
        "The plotly package brings it along.",
        "pip install --force-reinstall plotly",
    )


ROUTES = (Route(r"plotly\.js", Plotly),)
