# SPDX-License-Identifier: BSD-3-Clause
"""The description of the server for programs: OpenAPI 3.1, with a golden sample and its answer as example."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from ..predictor import Predictor
from ..verify import EXPECTED
from .inference import INPUT, described
from .predict import PNG, TOP, shown
from .problem import PROBLEM, encode
from .schemas import ANSWERS, WHOLE, one_input
from .settings import name_of
from .sources import FORM, JSON, Reader

_LARGEST_EXAMPLE = 64 << 10
_PROBLEMS = {
    "400": "It cannot be read.",
    "401": "The token is missing or wrong.",
    "403": "A page of another origin asked.",
    "406": "A picture is asked for, and several inputs are sent.",
    "408": "It took too long to arrive.",
    "413": "It is larger than a limit.",
    "415": "Its content type is not taken.",
    "421": "The host name is not served here.",
    "422": "An input cannot be used; the field is named.",
    "429": "Too many wait already; come back after Retry-After seconds.",
    "503": "There is no answer at the moment.",
}


def document(predictor: Predictor, reader: Reader) -> dict[str, Any]:
    """The whole description.

    Args:
        predictor: The artifact.
        reader: What requests may hold.
    """
    manifest = predictor.manifest
    name = name_of(manifest)
    example, reply = _example(predictor, reader)
    one = one_input(manifest["preprocessing"], reader)
    output = str(manifest["output"].get("kind", "classes"))
    properties = ANSWERS.get(output, {})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": str(manifest.get("name", name)),
            "version": str(manifest["format_version"]),
            "description": f"{manifest['task']}; input: {reader.kind}; one input in JSON is {reader.wanted}.",
            "x-lepton": {
                "task": manifest["task"],
                "input": reader.kind,
                "output": output,
                "labels": list(predictor.labels)[:1000],
            },
        },
        "security": [{"token": []}],
        "paths": {
            "/predict": {"post": _predict(one, example, reply, reader, output)},
            f"/v2/models/{name}/infer": {"post": _infer(name, example)},
            "/v2": _get("server", "The server, by the Open Inference Protocol."),
            "/v2/health/live": _get("live", "Whether it runs."),
            "/v2/health/ready": _get("ready", "Whether it answers.", "503"),
            f"/v2/models/{name}": _get("model", "The tensors of the model.", example=described(name, output, len(predictor.labels))),
            f"/v2/models/{name}/ready": _get("modelReady", "Whether the model answers.", "503"),
            "/readyz": _get("readyz", "Whether it answers.", "503"),
            "/healthz": _get("healthz", "Whether it runs; needs no token.") | {},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Answer": {"type": "object", "properties": properties, "required": list(properties)},
                "Problem": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": WHOLE,
                        "detail": {"type": "string"},
                        "field": {"type": "string"},
                        "code": {"type": "string"},
                    },
                },
            },
        },
    }


def _predict(one: Mapping[str, Any], example: Any, reply: Any, reader: Reader, output: str) -> dict[str, Any]:
    one_of = [_closed({"input": one}), _closed({"inputs": {"type": "array", "items": one, "minItems": 1}})]
    content: dict[str, Any] = {JSON: {"schema": {"oneOf": one_of}}}
    if example is not None:
        content[JSON]["examples"] = {
            "one": {"value": {"input": example}},
            "several": {"value": {"inputs": [example, example]}},
        }
    for kind in reader.types[1:]:
        content[kind] = {"schema": {"type": "string", "format": "binary"}}
    content[FORM] = {"schema": _closed({"file": {"type": "string", "format": "binary"}})}
    answer = {"$ref": "#/components/schemas/Answer"}
    schema = {"oneOf": [_closed({"prediction": answer}), _closed({"predictions": {"type": "array", "items": answer}})]}
    shown_reply = {"example": {"prediction": reply}} if reply is not None else {}
    answers: dict[str, Any] = {JSON: {"schema": schema, **shown_reply}}
    if output == "mask":
        about = "for one input, where it is asked for by Accept: indexes of classes"
        answers[PNG] = {"schema": {"type": "string", "contentMediaType": PNG, "description": about}}
    top = {"name": "top", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": TOP}}
    return {
        "operationId": "predict",
        "summary": "Answers for one input or several.",
        "parameters": [top],
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": "The answers, in order.", "content": answers}, **_problems()},
    }


def _infer(name: str, example: Any) -> dict[str, Any]:
    tensor = {
        "type": "object",
        "required": ["name", "datatype", "shape", "data"],
        "properties": {
            "name": {"const": INPUT},
            "datatype": {"const": "BYTES"},
            "shape": {"type": "array", "items": WHOLE, "minItems": 1, "maxItems": 2},
            "data": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        },
    }
    named = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    schema = {
        "type": "object",
        "required": ["inputs"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string"},
            "parameters": {"type": "object"},
            "inputs": {"type": "array", "items": tensor, "minItems": 1, "maxItems": 1},
            "outputs": {"type": "array", "items": named},
        },
    }
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        text = example if isinstance(example, str) else json.dumps(example)
        filled = {"name": INPUT, "datatype": "BYTES", "shape": [1], "data": [text]}
        content["example"] = {"id": "1", "inputs": [filled]}
    tensors = {"type": "object", "required": ["model_name", "outputs"], "properties": {"model_name": {"const": name}, "outputs": {"type": "array"}}}
    return {
        "operationId": "infer",
        "summary": "The same by the Open Inference Protocol.",
        "requestBody": {"required": True, "content": {JSON: content}},
        "responses": {"200": {"description": "The answers.", "content": {JSON: {"schema": tensors}}}, **_problems()},
    }


def _get(name: str, summary: str, *more: str, example: Any = None) -> dict[str, Any]:
    codes = ("400", "401", "403", "415", "421", *more)
    about: dict[str, Any] = {"schema": {"type": "object"}} | ({"example": example} if example else {})
    found = {"200": {"description": summary, "content": {JSON: about}}, **_problems(codes)}
    if "503" in more:
        found["503"] = {"description": "Not at the moment.", "content": {JSON: {"schema": {"type": "object"}}}}
    return {"get": {"operationId": name, "summary": summary, "responses": found, **({"security": []} if name == "healthz" else {})}}


def _problems(codes: tuple[str, ...] = tuple(_PROBLEMS)) -> dict[str, Any]:
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {code: {"description": _PROBLEMS[code], "content": {PROBLEM: schema}} for code in codes}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _example(predictor: Predictor, reader: Reader) -> tuple[Any, Any]:
    """The smallest real golden sample as a JSON input, and what the artifact answers; None for none."""
    try:
        samples = json.loads((predictor.folder / EXPECTED).read_text("utf-8"))["samples"]
    except (OSError, ValueError, KeyError):
        return None, None
    real = [sample for sample in samples if sample.get("target") is not None] or samples
    files = sorted(((predictor.folder / "golden" / s["file"]).read_bytes() for s in real), key=len)
    for data in filter(None, files):
        value = as_json(data, reader)
        if value is not None and len(data) <= _LARGEST_EXAMPLE:
            found = shown(predictor.predict([reader.value(value, "example")])[0])
            return value, json.loads(encode(found))
    return None, None


def as_json(data: bytes, reader: Reader) -> Any:
    """The content of a file as an input in JSON; None where it holds none."""
    if reader.kind in ("image", "sound"):
        return base64.b64encode(data).decode()
    try:
        text = data.decode("utf-8")
        is_json = reader.kind == "row" or reader.pair or (reader.kind == "words" and text.startswith("["))
        return json.loads(text) if is_json else text
    except ValueError:
        return None
