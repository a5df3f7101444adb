# SPDX-License-Identifier: BSD-3-Clause
"""The Open Inference Protocol (v2): what clients of KServe, Triton and MLServer speak.

A model takes one tensor of BYTES, an input per element: the text itself, a row as a JSON object, a
file in base64. It gives its answers as JSON texts, for classes also labels and probabilities, and
numbers as numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .model import Model
from .predict import shown
from .problem import Problem, answer, encode
from .settings import name_of
from .sources import JSON, Asked, Reader

INPUT = "input"
_KEYS = {"id", "parameters", "inputs", "outputs"}


def routes(model: Model, reader: Reader) -> list[Route]:
    """The routes of the protocol for one model."""
    manifest = model.predictor.manifest
    name, labels = name_of(manifest), list(model.predictor.labels)
    output = str(manifest["output"].get("kind", "classes"))
    metadata = described(name, output, len(labels))
    known = {tensor["name"] for tensor in metadata["outputs"]}
    place = f"/v2/models/{name}"

    async def server(request: Request) -> Response:
        version = str(manifest["format_version"])
        return answer({"name": "lepton", "version": version, "extensions": []})

    async def live(request: Request) -> Response:
        return answer({"live": True})

    async def ready(request: Request) -> Response:
        return answer({"ready": model.ready}, 200 if model.ready else 503)

    async def about(request: Request) -> Response:
        return answer(metadata)

    async def infer(request: Request) -> Response:
        asked, wanted, given = _read(reader.json(await reader.body(request)), reader)
        if wanted and not wanted <= known:
            raise Problem(422, f"there is no output '{min(wanted - known)[:80]}'", "outputs")
        found = await model.answers(asked)
        return Response(await model.made(lambda: reply(found, wanted, given)), media_type=JSON)

    def reply(found: Sequence[Any], wanted: set[str], given: dict[str, str]) -> bytes:
        tensors = [_bytes("answer", [encode(shown(one)).decode() for one in found])]
        if output == "classes":
            tensors.append(_bytes("label", [one.label for one in found]))
            values = [float(p) for one in found for p in one.probabilities]
            tensors.append(_numbers("probabilities", [len(found), len(labels)], values))
        if output == "number":
            tensors.append(_numbers("value", [len(found)], [float(one) for one in found]))
        kept = [tensor for tensor in tensors if not wanted or tensor["name"] in wanted]
        return encode({"model_name": name, **given, "outputs": kept})

    return [
        Route("/v2", server),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
        Route(place, about),
        Route(f"{place}/ready", ready),
        Route(f"{place}/infer", infer, methods=["POST"]),
    ]


def described(name: str, output: str, classes: int) -> dict[str, Any]:
    """What the protocol calls the metadata of a model, by its kind of output."""
    outputs = [{"name": "answer", "datatype": "BYTES", "shape": [-1]}]
    if output == "classes":
        outputs.append({"name": "label", "datatype": "BYTES", "shape": [-1]})
        outputs.append({"name": "probabilities", "datatype": "FP32", "shape": [-1, classes]})
    if output == "number":
        outputs.append({"name": "value", "datatype": "FP32", "shape": [-1]})
    inputs = [{"name": INPUT, "datatype": "BYTES", "shape": [-1]}]
    return {"name": name, "versions": ["1"], "platform": "lepton_onnx", "inputs": inputs, "outputs": outputs}


def _bytes(name: str, data: list[str]) -> dict[str, Any]:
    return {"name": name, "datatype": "BYTES", "shape": [len(data)], "data": data}


def _numbers(name: str, shape: list[int], data: list[float]) -> dict[str, Any]:
    return {"name": name, "datatype": "FP32", "shape": shape, "data": data}


def _read(value: Any, reader: Reader) -> tuple[Asked, set[str], dict[str, str]]:
    """The inputs, the names of the outputs that are wanted (none: all), and the id where one came."""
    _must(isinstance(value, dict) and set(value) <= _KEYS, "this must be an inference request", "body")
    _must(isinstance(value.get("id", ""), str), "this must be a string", "id")
    _must(isinstance(value.get("parameters", {}), dict), "this must be an object", "parameters")
    tensors = value.get("inputs")
    _must(isinstance(tensors, list) and len(tensors) == 1, "this must be a list of one tensor", "inputs")
    tensor = tensors[0]
    _must(isinstance(tensor, dict), "this must be a tensor", "inputs[0]")
    _must(tensor.get("name") == INPUT, f"the input is called '{INPUT}'", "inputs[0].name")
    _must(tensor.get("datatype") == "BYTES", "this must be BYTES", "inputs[0].datatype")
    data, field = tensor.get("data"), "inputs[0].data"
    right = isinstance(data, list) and data and all(isinstance(item, str) for item in data)
    _must(bool(right), "this must be a list of strings", field)
    reader.count(len(data), field)
    shapes = ([len(data)], [len(data), 1])
    _must(tensor.get("shape") in shapes, f"this must be {shapes[0]}, as the data", "inputs[0].shape")
    fields = [f"{field}[{number}]" for number in range(len(data))]
    sources = [_source(item, place, reader) for item, place in zip(data, fields, strict=True)]
    outputs = value.get("outputs", [])
    named = isinstance(outputs, list) and all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in outputs
    )
    _must(named, "this must be a list of objects with a name", "outputs")
    given = {"id": value["id"]} if "id" in value else {}
    return Asked(sources, fields, True), {one["name"] for one in outputs}, given


def _source(text: str, field: str, reader: Reader) -> Any:
    if reader.kind == "row" or reader.pair:
        return reader.value(reader.json(text.encode("utf-8", "replace"), field), field)
    return reader.value(text, field)


def _must(right: bool, detail: str, field: str) -> None:
    if not right:
        raise Problem(422, detail, field, "type")
