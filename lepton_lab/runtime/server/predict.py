# SPDX-License-Identifier: BSD-3-Clause
"""POST /predict: one input or several, as files, as JSON or as the body itself.

The answer is JSON. A mask is also there as a PNG for who accepts nothing else: runs are long, and a
picture is what most programs want.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .model import Model
from .problem import Problem, encode
from .sources import JSON, Reader

TOP = 1000
PNG = "image/png"


def routes(model: Model, reader: Reader) -> list[Route]:
    """The route."""

    async def predict(request: Request) -> Response:
        top = _top(request)
        asked = await reader.inputs(request)
        found = await model.answers(asked, top)
        if request.headers.get("accept") == PNG and hasattr(found[0], "to_png"):
            if asked.many:
                raise Problem(406, "a picture is the answer for one input", "Accept")
            return Response(await model.made(found[0].to_png), media_type=PNG)
        return Response(await model.made(lambda: _json(found, asked.many)), media_type=JSON)

    return [Route("/predict", predict, methods=["POST"])]


def shown(found: Any) -> dict[str, Any]:
    """An answer as JSON values, without the name that nothing on the wire has."""
    about: dict[str, Any] = found.to_json()
    return {key: value for key, value in about.items() if key != "name"}


def _json(found: Sequence[Any], many: bool) -> bytes:
    answers = [shown(one) for one in found]
    return encode({"predictions": answers} if many else {"prediction": answers[0]})


def _top(request: Request) -> int:
    text = request.query_params.get("top", "5")
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= TOP):
        raise Problem(422, f"this must be a number from 1 to {TOP}", "top", "range")
    return int(text)
