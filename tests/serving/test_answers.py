# SPDX-License-Identifier: BSD-3-Clause
"""What is asked in any of the forms is answered as the artifact itself answers."""

import base64
import json
import re

import pytest

from lepton_lab.runtime.predictor import Predictor
from lepton_lab.serving import start
from tests.serving import bundles
from tests.serving.asking import FILE, ask, is_problem
from tests.serving.bundles import COLORS, picture

RED, GREEN, BLUE = (picture(color) for color in COLORS.values())


def text(data):
    return base64.b64encode(data).decode()


def labels(answers):
    return [answer["top"][0][0] for answer in answers]


def form(*files, boundary="b0undary"):
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode() + data + b"\r\n"
        for data in files
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@pytest.mark.parametrize("kind", ["image/png", "image/anything", FILE])
def test_a_file_as_the_body(server, colors, kind):
    found = ask(server, "/predict", GREEN, kind)
    assert found.status == 200
    wanted = Predictor(colors).predict([GREEN])[0]
    assert found.json == {"prediction": {"top": [list(pair) for pair in wanted.top()]}}


def test_several_files_as_a_form(server):
    body, kind = form(RED, BLUE, GREEN)
    assert labels(ask(server, "/predict", body, kind).json["predictions"]) == ["red", "blue", "green"]


def test_one_input_or_several_as_json(server):
    one = ask(server, "/predict", {"input": f"data:image/png;base64,{text(BLUE)}"})
    assert labels([one.json["prediction"]]) == ["blue"]
    many = ask(server, "/predict?top=1", {"inputs": [text(RED), text(GREEN)]})
    assert labels(many.json["predictions"]) == ["red", "green"]
    assert [len(answer["top"]) for answer in many.json["predictions"]] == [1, 1]


def test_rows_are_objects(row_server):
    found = ask(row_server, "/predict", {"inputs": [{"x": 5, "y": 1}, {"x": 0, "y": 2}]})
    assert labels(found.json["predictions"]) == ["x", "y"]
    assert labels([ask(row_server, "/predict", b'{"x": 1, "y": 3}', FILE).json["prediction"]]) == ["y"]
    missing = ask(row_server, "/predict", {"inputs": [{"x": 1, "y": 1}, {"x": 1}]})
    assert is_problem(missing, 422, "inputs[1]")
    assert "'y'" in missing.json["detail"]


def test_texts_are_texts_and_never_names_of_files(tmp_path):
    folder = bundles.texts(tmp_path / "length.lepton")
    long = "Anna visits Bob in Paris and Berlin."
    with start(folder) as serving:
        found = ask(serving, "/predict", {"inputs": ["Anna", long, "/etc/hostname", "Anna\ud800"]})
        assert labels(found.json["predictions"])[:2] == ["short", "long"]
        wanted = Predictor(folder).predict(["Anna", long, "/etc/hostname ", "Anna\ud800"])
        assert labels(found.json["predictions"]) == [answer.label for answer in wanted]
        for kind in ("text/plain", "text/plain; charset=utf-8", FILE):
            assert labels([ask(serving, "/predict", long.encode(), kind).json["prediction"]]) == ["long"]
        body, kind = form(b"Anna", long.encode())
        assert labels(ask(serving, "/predict", body, kind).json["predictions"]) == ["short", "long"]
        tensor = {"name": "input", "datatype": "BYTES", "shape": [1], "data": [long]}
        reply = ask(serving, "/v2/models/length/infer", {"inputs": [tensor]}).json["outputs"]
        assert reply[1]["data"] == ["long"]
        assert serving.predict(long)["top"][0][0] == "long"
        assert is_problem(ask(serving, "/predict", {"inputs": ["Anna", ["a", "b"]]}), 422, "inputs[1]")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"inputs": []}, "inputs"),
        ({"inputs": "abc"}, "inputs"),
        ({"inputs": ["!!"]}, "inputs[0]"),
        ({"inputs": [text(RED), "aGVsbG8="]}, "inputs[1]"),
        ({"inputs": [text(RED), ""]}, "inputs[1]"),
        ({"input": 3}, "input"),
        ({"input": "/etc/passwd"}, "input"),
        ({"input": "data:text/plain,hello"}, "input"),
        ({"input": text(RED), "inputs": []}, "body"),
        ({"image": text(RED)}, "body"),
        ([1], "body"),
    ],
)
def test_what_cannot_be_used_is_named(server, body, field):
    assert is_problem(ask(server, "/predict", body), 422, field)


def test_the_open_inference_protocol(server):
    assert ask(server, "/v2").json == {"name": "lepton", "version": "1", "extensions": []}
    assert ask(server, "/v2/health/live").json == {"live": True}
    assert ask(server, "/v2/health/ready").json == {"ready": True}
    assert ask(server, "/v2/models/colors/ready").json == {"ready": True}
    about = ask(server, "/v2/models/colors").json
    assert about["inputs"] == [{"name": "input", "datatype": "BYTES", "shape": [-1]}]
    tensor = {"name": "input", "datatype": "BYTES", "shape": [2], "data": [text(RED), text(BLUE)]}
    reply = ask(server, "/v2/models/colors/infer", {"id": "7", "inputs": [tensor]}).json
    assert (reply["id"], reply["model_name"]) == ("7", "colors")
    outputs = {tensor["name"]: tensor for tensor in reply["outputs"]}
    assert outputs["label"] == {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["red", "blue"]}
    assert outputs["probabilities"]["shape"] == [2, 3]
    assert outputs["probabilities"]["data"] == pytest.approx([1, 0, 0, 0, 0, 1], abs=1e-3)
    assert labels(map(json.loads, outputs["answer"]["data"])) == ["red", "blue"]
    assert [o["name"] for o in outputs.values()] == [o["name"] for o in about["outputs"]]
    one = ask(server, "/v2/models/colors/infer", {"inputs": [tensor], "outputs": [{"name": "label"}]})
    assert [tensor["name"] for tensor in one.json["outputs"]] == ["label"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "image"}, "inputs[0].name"),
        ({"datatype": "FP32"}, "inputs[0].datatype"),
        ({"shape": [3]}, "inputs[0].shape"),
        ({"shape": "1"}, "inputs[0].shape"),
        ({"data": [1]}, "inputs[0].data"),
        ({"data": ["aGVsbG8="]}, "inputs[0].data[0]"),
    ],
)
def test_a_tensor_that_is_wrong_is_named(server, change, field):
    tensor = {"name": "input", "datatype": "BYTES", "shape": [1], "data": [text(RED)]} | change
    assert is_problem(ask(server, "/v2/models/colors/infer", {"inputs": [tensor]}), 422, field)


def test_the_description_holds_an_example_that_works(server, row_server):
    for serving in (server, row_server):
        operation = ask(serving, "/openapi.json").json["paths"]["/predict"]["post"]
        examples = operation["requestBody"]["content"]["application/json"]["examples"]
        said = operation["responses"]["200"]["content"]["application/json"]["example"]
        assert ask(serving, "/predict", examples["one"]["value"]).json == said
        assert len(ask(serving, "/predict", examples["several"]["value"]).json["predictions"]) == 2
        infer = next(v for k, v in ask(serving, "/openapi.json").json["paths"].items() if k.endswith("/infer"))
        example = infer["post"]["requestBody"]["content"]["application/json"]["example"]
        name = ask(serving, "/openapi.json").json["info"]["title"]
        assert ask(serving, f"/v2/models/{name}/infer", example).status == 200


def test_metrics_count_what_was_answered(row_server):
    def series():
        lines = ask(row_server, "/metrics").body.decode().splitlines()
        return {k: float(v) for k, _, v in (line.rpartition(" ") for line in lines if line[0] != "#")}

    before = series()
    ask(row_server, "/predict", {"inputs": [{"x": 5, "y": 1}] * 3})
    ask(row_server, "/nowhere/" + "x" * 50)
    after = series()
    key = 'lepton_requests_total{route="/predict",method="POST",status="200"}'
    assert after[key] - before.get(key, 0) == 1
    assert after["lepton_inputs_total"] - before["lepton_inputs_total"] == 3
    assert after['lepton_batch_inputs_bucket{le="+Inf"}'] == after["lepton_batch_inputs_count"]
    assert after["lepton_waiting"] == 0
    assert not any("nowhere" in name for name in after)


def test_the_page_allows_nothing_but_its_own_script_and_style(server):
    found = ask(server, "/", token=False)
    policy = found.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert len(re.findall(r"'sha256-[\w+/]+=*'", policy)) == 2
    page = found.body.decode()
    assert not re.search(r"(src|href)=|https?:|innerHTML|\son\w+=", page)
    assert "colors" not in page
