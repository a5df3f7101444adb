# SPDX-License-Identifier: BSD-3-Clause
"""The clock on every connection: uvicorn waits for a request, and for a reader, as long as they like.

A head must be whole in time and small; who reads an answer too slowly is cut off; beyond the number
of connections the one that has waited longest without a whole request gives its place up.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .problem import Problem
from .settings import Settings

_GRACE = 1.0  # the application answers for a slow body itself; this is for when it cannot
_WAITING = 16  # requests that one connection may send ahead of their answers
_SLOWEST = 65_536  # bytes per second that a reader of a long answer must take


class TimedProtocol(HttpToolsProtocol):
    """One connection. Made by `protocol`, which sets its limits."""

    settings: Settings

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin the clock, or refuse a connection too many."""
        self._clock: asyncio.TimerHandle | None = None
        self._begun = self.loop.time()
        self._head = self._fields = 0
        super().connection_made(transport)
        if len(self.connections) > self.settings.max_connections:
            others = [c for c in self.connections if isinstance(c, TimedProtocol) and c is not self]
            waiting = [c for c in others if not c.works]
            chosen = min(waiting, key=lambda c: c._begun, default=self)
            self.connections.discard(chosen)
            chosen.transport.abort()
        self._start()

    @property
    def works(self) -> bool:
        """Whether a whole request is being answered."""
        return self.cycle is not None and not (self.cycle.more_body or self.cycle.response_complete)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the head; whatever comes between two requests begins the clock too."""
        if self._clock is None:
            self._start()
        unended = self._head = self._head + len(data) if self._head >= 0 else -1
        super().data_received(data)
        if unended > 0 and self._head == unended and unended > self.settings.max_header:
            self._refuse_head()

    def on_message_begin(self) -> None:
        """A request has its own time."""
        super().on_message_begin()
        self._fields = 0
        self._start()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count the head also where it comes in one piece."""
        self._fields += len(name) + len(value) + 4
        if self._fields + len(self.url) > self.settings.max_header:
            self._refuse_head()
            raise ValueError("the head is too large")  # so that the parser stops
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole; a body is counted by the application."""
        self._head = -1
        if len(self.pipeline) >= _WAITING:
            raise ValueError("too many requests wait on one connection")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request has arrived in time."""
        self._stop()
        self._head = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """See that the answer is also taken."""
        super().on_response_complete()
        self._watch_reader()

    def timeout_keep_alive_handler(self) -> None:
        """Close, and do not wait for a reader that never takes the rest."""
        super().timeout_keep_alive_handler()
        self._watch_reader()

    def pause_writing(self) -> None:
        """See that an answer that is under way is taken."""
        super().pause_writing()
        self._watch_reader()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a problem too."""
        self._refuse(400, "this is no HTTP request that can be read")

    def _watch_reader(self) -> None:
        left = self.transport.get_write_buffer_size()
        if left:
            limit = self.settings.request_seconds + left / _SLOWEST
            self.loop.call_later(limit, self._drop_slow_reader)

    def _drop_slow_reader(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _start(self) -> None:
        self._stop()
        self._clock = self.loop.call_later(self.settings.request_seconds, self._late)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _late(self) -> None:
        self._clock = None
        if self.transport.is_closing():
            self.transport.abort()
        elif self.works:  # what comes behind it is late, not this one
            self._start()
        elif self.cycle is not None and not self.cycle.response_complete:
            self._clock = self.loop.call_later(_GRACE, self.transport.abort)
        else:
            self._refuse(408, f"a request has {self.settings.request_seconds:g} seconds to arrive")

    def _refuse_head(self) -> None:
        self._refuse(431, f"the head of a request has at most {self.settings.max_header} bytes")

    def _refuse(self, status: int, detail: str) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()  # an answer is under way that must not be mixed with another
            return
        problem = Problem(status, detail)
        head = (
            f"HTTP/1.1 {status} -\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(problem.body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + problem.body)
        self.transport.close()
        self._watch_reader()


def protocol(limits: Settings) -> type[asyncio.Protocol]:
    """The protocol class of a server with these limits."""

    class Limited(TimedProtocol):
        settings = limits

    return Limited

