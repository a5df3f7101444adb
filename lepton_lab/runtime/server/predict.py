# SPDX-License-Identifier: BSD-3-Clause
"""POST /predict: one input or several, as files, as JSON or as the body itself."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .model import Model
from .problem import Problem, answer
from .sources import Reader

TOP = 1000


def routes(model: Model, reader: Reader) -> list[Route]:
    """The route."""

    async def predict(request: Request) -> Response:
        top = _top(request)
        asked = await reader.inputs(request)
        found = [shown(one) for one in await model.answers(asked, top)]
        return answer({"predictions": found} if asked.many else {"prediction": found[0]})

    return [Route("/predict", predict, methods=["POST"])]


def shown(found: Any) -> dict[str, Any]:
    """An answer as JSON values, without the name that nothing on the wire has."""
    about: dict[str, Any] = found.to_json()
    return {key: value for key, value in about.items() if key != "name"}


def _top(request: Request) -> int:
    text = request.query_params.get("top", "5")
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= TOP):
        raise Problem(422, f"this must be a number from 1 to {TOP}", "top", "range")
    return int(text)
