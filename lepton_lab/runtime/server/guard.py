# SPDX-License-Identifier: BSD-3-Clause
"""What stands before every route: who asks, from where, in which form; and errors that say little.

A web page that was led to a loopback address by its own name server (DNS rebinding) asks for a host
name that is not on the list. A page of another origin is refused even with the token.
"""

from __future__ import annotations

import hmac
import logging
import time
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import Metrics
from .problem import Problem
from .settings import Settings

OPEN = frozenset({"/", "/healthz"})
_logger = logging.getLogger("lepton.server")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


class Guard:
    """The server's application around its routes.

    Args:
        routes: What answers.
        settings: Hosts and token.
        metrics: Counts what is answered.
    """

    def __init__(self, routes: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.routes, self.hosts, self.metrics = routes, settings.hosts, metrics
        self.token = settings.token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, pass on, count."""
        if scope["type"] != "http":
            await self.routes(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        scope["app"] = self  # so that routing raises instead of answering in plain text
        try:
            self._check(scope)
            await self.routes(scope, receive, observed)
        except ClientDisconnect:
            status = 499
        except Exception as error:
            if status:
                raise
            await _response(error)(scope, receive, observed)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self.metrics.answered(route, scope["method"], status, time.perf_counter() - began)

    def _check(self, scope: Scope) -> None:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, []).append(value)
        host = headers.get(b"host", [b""])
        if len(host) > 1 or _name(host[0].decode("latin-1")) not in self.hosts:
            raise Problem(421, "this host name is not served here; --allow-host adds one", "Host")
        origin = headers.get(b"origin", [])
        if origin and origin != [b"http://" + host[0]] and origin != [b"https://" + host[0]]:
            raise Problem(403, "pages of other origins may not ask", "Origin")
        if self.token and scope["path"] not in OPEN:
            self._identify(headers.get(b"authorization", []))
        encoding = headers.get(b"content-encoding", [b"identity"])
        if encoding != [b"identity"]:
            raise Problem(415, "a compressed body is not taken", "Content-Encoding", headers={"Accept-Encoding": "identity"})

    def _identify(self, given: list[bytes]) -> None:
        scheme, _, value = (given[0] if len(given) == 1 else b"").partition(b" ")
        right = hmac.compare_digest(value.strip(), self.token)
        if not right or scheme.lower() != b"bearer":
            said = {"WWW-Authenticate": 'Bearer realm="lepton"'}
            raise Problem(401, "this needs the header 'Authorization: Bearer TOKEN'", "Authorization", headers=said)


def _name(host: str) -> str:
    """The host name in a Host header, without its port; an empty string for what is none.

    >>> [_name(h) for h in ("LOCALHOST:80", "[::1]:80", "a@127.0.0.1", "127.0.0.1:80/x", "a b")]
    ['localhost', '::1', '', '', '']
    """
    if set(host) & set("@/\\?# \t"):
        return ""
    try:
        parts = urlsplit(f"//{host}")
        return parts.hostname or "" if parts.port != 0 else ""
    except ValueError:
        return ""


def _response(error: Exception) -> Response:
    """The problem that an exception is for the one who asked; what is ours is logged, not told."""
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, HTTPException):
        detail = "there is nothing here" if error.status_code == 404 else "this method is not for this address"
        return Problem(error.status_code, detail, headers=error.headers).response()
    _logger.error("A request failed: %s", type(error).__name__, exc_info=error)
    return Problem(500, "the server failed; its log says why").response()
