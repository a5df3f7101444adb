# SPDX-License-Identifier: BSD-3-Clause
"""Every kind of model over HTTP: sounds, spans, boxes, masks and numbers, in each form they can be sent in.

Whatever the form, the answer is that of the artifact itself, and is what the description promises.
"""

import base64
import io
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lepton_lab.errors import DataError
from lepton_lab.exporting import load_artifact
from lepton_lab.runtime.mask_output import from_runs
from lepton_lab.serving import start
from tests.runtime.sounds import tone, wav
from tests.serving import bundles
from tests.serving.asking import FILE, ask, is_problem
from tests.serving.bundles import picture
from tests.serving.test_answers import form


def turned():
    """A JPEG that is red on its left as a viewer shows it, and lies on its side in the file."""
    upright = Image.new("RGB", (40, 20), "blue")
    upright.paste((255, 0, 0), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    upright.rotate(90, expand=True).save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


@dataclass(frozen=True)
class Kind:
    """One kind of model and what it is asked: inputs as files, the content type of one, and what is refused."""

    make: Any
    files: list[bytes]
    type: str
    bad: bytes
    expected: Any
    outputs: set[str] = field(default_factory=lambda: {"answer"})
    text: bool = False


CLIPS = [wav(tone(440, 16000, 0.3), 16000), wav(np.zeros(50)), wav(tone(300, 8000, 0.05), 8000, "f32")]
PHOTOS = [picture("red"), turned(), picture((255, 0, 255), (30, 10)), picture("white", (1, 1))]
TEXTS = ["Anna visits Bob in Paris.", "", "\U0001f602 Anna Acme, Berlin <b>Paris</b>", "nobody", "Paris " * 40]
ROWS = [b'{"x": 1, "y": 2.5}', b'{"x": "3", "y": null}']
KINDS = {
    "sound": Kind(
        bundles.sounds, CLIPS, "audio/wav", b"no sound", lambda a: a["top"][0][0] == "loud",
        {"answer", "label", "probabilities"},
    ),
    "spans": Kind(
        bundles.spans, [text.encode() for text in TEXTS], "text/plain", b"\xff\xfe", text=True,
        expected=lambda a: [(s["text"], s["label"]) for s in a["spans"]] == [("Anna", "PER"), ("Bob", "PER"), ("Paris", "LOC")],
    ),
    "boxes": Kind(
        bundles.boxes, PHOTOS, "image/png", b"no picture",
        lambda a: a["boxes"] == [{"label": "warm", "score": 1.0, "box": [0.0, 0.0, 4.5, 7.0]}],
    ),
    "masks": Kind(bundles.masks, PHOTOS, "image/jpeg", b"no picture", lambda a: a["coverage"] == {"red": 1.0}),
    "numbers": Kind(
        bundles.numbers, ROWS, FILE, b'{"x": "many", "y": 1}', lambda a: a == {"value": 3.5}, {"answer", "value"}
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=KINDS)
def served(request, tmp_path_factory):
    """A kind, its artifact, its server, and the artifact's own answers to the files."""
    kind = KINDS[request.param]
    artifact = load_artifact(kind.make(tmp_path_factory.mktemp("kinds") / f"{request.param}.lepton"))
    answers = artifact.predict([said(kind, data) for data in kind.files])
    wanted = [json.loads(json.dumps(answer.to_json())) for answer in answers]
    for one in wanted:
        one.pop("name", None)
    with start(artifact.path) as serving:
        yield kind, artifact, serving, wanted


def said(kind, data):
    """An input as Python and JSON have it."""
    if kind.text:
        return data.decode()
    return json.loads(data) if kind.make is bundles.numbers else data


def in_json(kind, data):
    found = said(kind, data)
    return base64.b64encode(found).decode() if isinstance(found, bytes) else found


def test_a_file_as_the_body(served):
    kind, _, serving, wanted = served
    for data, answer in zip(kind.files, wanted, strict=True):
        for content_type in {kind.type, FILE}:
            found = ask(serving, "/predict", data, content_type)
            if data:
                assert found.json == {"prediction": answer}
            else:
                assert is_problem(found, 422, "body")
    assert kind.expected(wanted[0])


def test_several_files_as_a_form(served):
    kind, _, serving, wanted = served
    some = [(data, answer) for data, answer in zip(kind.files, wanted, strict=True) if data]
    body, content_type = form(*(data for data, _ in some))
    assert ask(serving, "/predict", body, content_type).json == {"predictions": [answer for _, answer in some]}


def test_json_and_the_handle(served):
    kind, _, serving, wanted = served
    inputs = [in_json(kind, data) for data in kind.files]
    assert ask(serving, "/predict", {"inputs": inputs}).json == {"predictions": wanted}
    assert ask(serving, "/predict", {"input": inputs[0]}).json == {"prediction": wanted[0]}
    assert serving.predict([said(kind, data) for data in kind.files]) == wanted
    assert serving.predict(said(kind, kind.files[0])) == wanted[0]


def test_the_open_inference_protocol(served):
    kind, artifact, serving, wanted = served
    place = f"/v2/models/{artifact.manifest['name']}"
    assert {one["name"] for one in ask(serving, place).json["outputs"]} == kind.outputs
    data = [value if isinstance(value, str) else json.dumps(value) for value in (in_json(kind, d) for d in kind.files)]
    tensor = {"name": "input", "datatype": "BYTES", "shape": [len(data)], "data": data}
    outputs = {one["name"]: one for one in ask(serving, f"{place}/infer", {"inputs": [tensor]}).json["outputs"]}
    assert set(outputs) == kind.outputs
    assert [json.loads(one) for one in outputs["answer"]["data"]] == wanted
    if "value" in outputs:
        assert outputs["value"]["data"] == [one["value"] for one in wanted]
    if "label" in outputs:
        assert outputs["label"]["data"] == [one["top"][0][0] for one in wanted]


def test_the_description_fits_what_is_sent_and_what_comes_back(served):
    jsonschema = pytest.importorskip("jsonschema")
    kind, _, serving, wanted = served
    about = ask(serving, "/openapi.json").json
    operation = about["paths"]["/predict"]["post"]
    content = operation["requestBody"]["content"]
    assert {kind.type.partition("/")[0] + "/*", kind.type} & set(content)
    sent, reply = content["application/json"], operation["responses"]["200"]["content"]["application/json"]

    def fits(value, schema):
        jsonschema.Draft202012Validator({**schema, "components": about["components"]}).validate(value)

    for data, answer in zip(kind.files, wanted, strict=True):
        fits({"input": in_json(kind, data)}, sent["schema"])
        fits({"prediction": answer}, reply["schema"])
    with pytest.raises(jsonschema.ValidationError):
        fits({"prediction": {"something": "else"}}, reply["schema"])
    for example in sent["examples"].values():
        fits(example["value"], sent["schema"])
    assert ask(serving, "/predict", sent["examples"]["one"]["value"]).json == reply["example"]
    assert len(ask(serving, "/predict", sent["examples"]["several"]["value"]).json["predictions"]) == 2


def test_what_cannot_be_used_is_refused_with_its_field(served):
    kind, _, serving, _ = served
    assert is_problem(ask(serving, "/predict", kind.bad, kind.type), 422, "body")
    body, content_type = form(kind.files[0], kind.bad)
    assert is_problem(ask(serving, "/predict", body, content_type), 422, "part 1 'file'")
    if not kind.text:
        with pytest.raises(DataError):
            serving.predict([said(kind, kind.files[0]), said(kind, kind.bad)])


@pytest.mark.parametrize("served", ["masks"], indirect=True)
def test_a_mask_is_also_a_picture(served):
    kind, artifact, serving, wanted = served
    found = ask(serving, "/predict", kind.files[1], kind.type, Accept="image/png")
    assert (found.status, found.headers["content-type"]) == (200, "image/png")
    with Image.open(io.BytesIO(found.body)) as image:
        mask = np.array(image)
    answer = wanted[1]
    assert np.array_equal(mask, from_runs(answer["runs"], (answer["height"], answer["width"])))
    assert (mask.shape, artifact.labels[mask[10, 2]], artifact.labels[mask[10, -2]]) == ((20, 40), "red", "blue")
    many = ask(serving, "/predict", {"inputs": [in_json(kind, kind.files[0])]}, Accept="image/png")
    assert is_problem(many, 406, "Accept")
    assert "Accept: image/png" in (artifact.path / "SERVE.md").read_text("utf-8")
