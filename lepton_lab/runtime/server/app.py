# SPDX-License-Identifier: BSD-3-Clause
"""The application: the routes of one artifact behind the guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from ..predictor import Predictor
from . import inference, predict
from .guard import Guard
from .metrics import CONTENT_TYPE, Metrics
from .model import Model
from .openapi import document
from .page import page
from .problem import answer, encode
from .settings import Settings
from .sources import Reader


def build(predictor: Predictor, settings: Settings) -> Guard:
    """The ASGI application of an artifact.

    Args:
        predictor: The artifact.
        settings: Limits, hosts and token.
    """
    metrics = Metrics()
    model = Model(predictor, settings, metrics)
    reader = Reader(predictor.manifest["preprocessing"], settings)
    described = encode(document(predictor, reader))

    async def home(request: Request) -> Response:
        return page()

    async def healthz(request: Request) -> Response:
        return answer({"status": "ok"})

    async def readyz(request: Request) -> Response:
        return answer({"ready": model.ready}, 200 if model.ready else 503)

    async def counted(request: Request) -> Response:
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def openapi(request: Request) -> Response:
        return Response(described, media_type="application/json")

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async with model.started():
            yield

    routes = [
        Route("/", home),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", counted),
        Route("/openapi.json", openapi),
        *predict.routes(model, reader),
        *inference.routes(model, reader),
    ]
    return Guard(Router(routes, redirect_slashes=False, lifespan=lifespan), settings, metrics)
