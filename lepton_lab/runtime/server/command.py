# SPDX-License-Identifier: BSD-3-Clause
"""`python serve.py`: check the artifact, replay its golden samples, and only then listen.

The token comes from LEPTON_TOKEN. Without one a random token is made and shown once, on a terminal;
where the output is not a terminal it would end in a log, so there the server does not start.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from ..errors import BundleError
from ..manifest import MANIFEST
from .settings import LOOPBACK, Settings, from_environment, limits


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal; returns the exit code."""
    options = vars(_parser().parse_args(arguments))
    check, follow, facts = options.pop("check"), options.pop("follow"), options.pop("json")
    folder, no_token = options.pop("artifact"), options.pop("no_token")
    given = from_environment() | {key: value for key, value in options.items() if value is not None}
    given["allow_host"] = tuple(given["allow_host"])
    if check:
        return _check(given)
    try:
        made = not given["token"] and not no_token
        if made:
            given["token"] = _own_token()
        settings = Settings(**given).checked()
        _serve(folder, settings, made=made, follow=follow, facts=facts)
    except (BundleError, OSError) as error:
        sys.stderr.write(f"The server does not start: {error}.\n")
        return 1
    return 0


def _serve(folder: Path, settings: Settings, *, made: bool, follow: bool, facts: bool) -> None:
    try:
        import httptools  # noqa: F401
        import python_multipart  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise BundleError(f"{error.name} is missing: pip install -r requirements-serve.txt") from error
    from ..predictor import Predictor
    from ..verify import verify
    from .app import build
    from .protocol import protocol

    predictor = Predictor(folder, settings.threads)
    verify(folder, predictor)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.create_server((settings.host, settings.port), family=family)
    port = listener.getsockname()[1]
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{shown}:{port}"

    class Announced(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if facts:
                _say(json.dumps({"url": url}))
                return
            _say(f"{predictor.manifest.get('name', folder.name)} answers at {url}")
            if made:
                _say(f"Token, shown this once: {settings.token}")

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    config = uvicorn.Config(
        build(predictor, settings),
        http=protocol(settings),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=int(settings.stop_seconds),
    )
    # uvicorn raises the signal again when it has stopped; by then everything is answered.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    if follow:
        threading.Thread(target=_follow, daemon=True).start()
    Announced(config).run(sockets=[listener])


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _follow() -> None:
    """End with the process that started this one, which holds the other end of standard input."""
    while os.read(0, 1024):  # not sys.stdin: a thread that holds its lock would abort the end of Python
        continue
    os.kill(os.getpid(), signal.SIGTERM)


def _own_token() -> str:
    if not sys.stdout.isatty():
        raise BundleError(
            "the output is no terminal, where a token may be shown; set LEPTON_TOKEN, for example to "
            "the output of: openssl rand -hex 32"
        )
    return secrets.token_urlsafe(32)


def _check(given: dict[str, Any]) -> int:
    """Ask the server of this machine whether it is ready."""
    host = given.get("host", LOOPBACK[0])
    host = LOOPBACK[0] if host in ("0.0.0.0", "::") else host
    connection = HTTPConnection(host, given.get("port", Settings.port), timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {given['token']}"})
        return 0 if connection.getresponse().status == 200 else 1
    except (OSError, HTTPException):
        return 1
    finally:
        connection.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python serve.py", description="Serve this artifact.")
    parser.add_argument("--artifact", type=Path, default=_home(), help="its folder, when not this one")
    parser.add_argument("--host", help=f"address to listen on ({Settings.host})")
    parser.add_argument("--port", type=int, help=f"port, 0 for a free one ({Settings.port})")
    parser.add_argument("--token", help="the token, which others on this machine can see here; better: LEPTON_TOKEN")
    parser.add_argument("--no-token", action="store_true", help="answer anyone on this machine")
    parser.add_argument("--allow-host", action="append", help="a host name that requests may ask for")
    for name, item in limits().items():
        kind = type(item.default)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=f"{item.metadata['help']} ({item.default:g})")
    parser.add_argument("--check", action="store_true", help="ask a running server whether it is ready")
    parser.add_argument("--json", action="store_true", help="say the address as JSON")
    parser.add_argument("--follow", action="store_true", help="stop when standard input ends")
    return parser


def _home() -> Path:
    """The artifact that this package lies in, or the current folder."""
    inside = Path(__file__).resolve().parents[2]
    return inside if (inside / MANIFEST).is_file() else Path.cwd()
