# SPDX-License-Identifier: BSD-3-Clause
"""Every limit of the server in one record; each is an option of its command line."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import BundleError

_MAY_BE_ZERO = ("max_wait", "threads")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _limit(default: float, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Settings:
    """Where the server listens and what it takes.

    Attributes:
        host: Address to listen on.
        port: Port; 0 takes a free one.
        token: What a request must bring; empty for none, which only a loopback address may have.
        allow_host: Host names that a request may ask for, beside those of the machine itself.

    The others say it in their help.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""
    allow_host: tuple[str, ...] = ()
    max_batch: int = _limit(32, "inputs that go through the model at once")
    threads: int = _limit(0, "threads of one pass, as many passes at once as the cores allow; 0: one pass on all cores")
    max_wait: float = _limit(0.0, "milliseconds to wait for a fuller batch; 0 never waits")
    max_queue: int = _limit(256, "inputs that may wait; more are told to come back (429)")
    max_inputs: int = _limit(128, "inputs of one request")
    max_body: int = _limit(16 << 20, "bytes of a request")
    max_pixels: int = _limit(25_000_000, "width x height of a picture")
    max_depth: int = _limit(32, "levels of a JSON text")
    max_keys: int = _limit(50_000, "keys, values and brackets of a JSON text")
    max_header: int = _limit(16 << 10, "bytes of a request's head")
    max_connections: int = _limit(200, "connections at a time")
    request_seconds: float = _limit(10.0, "seconds in which a request must have arrived")
    answer_seconds: float = _limit(30.0, "seconds in which it must be answered")
    idle_seconds: int = _limit(5, "seconds that an idle connection is kept")
    stop_seconds: int = _limit(25, "seconds that accepted requests have when the server is stopped")

    def checked(self) -> Settings:
        """These settings, when they are safe.

        Raises:
            BundleError: They would put the model on the network without a token, or make no sense.
        """
        if not is_loopback(self.host) and not self.token:
            raise BundleError(
                f"listening on {self.host} without a token is refused: anyone there could use the "
                "model; set LEPTON_TOKEN"
            )
        if self.token and (len(self.token) < 16 or not self.token.isascii() or not self.token.isprintable() or " " in self.token):
            raise BundleError("a token has at least 16 printable ASCII characters and no blank")
        wrong = [name for name in limits() if not getattr(self, name) >= (0 if name in _MAY_BE_ZERO else 1e-3)]
        if wrong:
            raise BundleError(f"--{wrong[0].replace('_', '-')} is too small")
        return self

    @property
    def hosts(self) -> frozenset[str]:
        """Host names that a request may ask for, in small letters and without a port."""
        own = () if self.host in ("0.0.0.0", "::") else (self.host,)
        return frozenset(name.lower() for name in (*LOOPBACK, *own, *self.allow_host))


def limits() -> dict[str, Any]:
    """Name of each limit -> its field, in order."""
    return {
        name: item for name, item in Settings.__dataclass_fields__.items() if "help" in item.metadata
    }


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def from_environment() -> dict[str, Any]:
    """What containers set: LEPTON_TOKEN, and LEPTON_ALLOW_HOSTS with commas."""
    names = os.environ.get("LEPTON_ALLOW_HOSTS", "").split(",")
    return {
        "token": os.environ.get("LEPTON_TOKEN", ""),
        "allow_host": tuple(name.strip() for name in names if name.strip()),
    }


def name_of(manifest: Mapping[str, Any]) -> str:
    """The model's name as part of an address.

    >>> name_of({"name": "my pets/3"})
    'my-pets-3'
    """
    found = re.sub(r"[^A-Za-z0-9._-]+", "-", str(manifest.get("name", ""))).strip("-.")[:80]
    return found or "model"
