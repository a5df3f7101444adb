# SPDX-License-Identifier: BSD-3-Clause
"""The routes of a real server: what they answer, whom they refuse, what damage does to them."""

from __future__ import annotations

import base64
import io
import json
import struct

import psutil
import pytest
from PIL import Image

from lepton_lab import durable, mailbox
from lepton_lab.charts import History, final_bundle
from lepton_lab.events import StepDone, to_line
from lepton_lab.jupyter.routes import ROUTES
from lepton_lab.training.control import Control
from tests.jupyter.conftest import STARTED, a_whole_run, steps, write

GETS = ["catalog", "runs", "runs/" + "0" * 16, "compare", "datasets", "artifact", "journal"]
GETS += ["status", "plotly.js", "runs/" + "0" * 16 + "/bundle"]
RUN = "application/vnd.lepton-lab.run.v1+json"
HOSTILE = "<img src=x onerror=alert(1)>\"';${1}\u202e\udcff"


def header_of(document):
    data = base64.b64decode(document["snapshot"])
    return json.loads(data[4 : 4 + struct.unpack("<I", data[:4])[0]])


def test_every_route_of_the_table_is_tried_without_a_token():
    assert len(ROUTES) == len(GETS) + 1


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize("token", ["", "not-the-token"])
def test_nobody_is_answered_without_the_token(server, path, token):
    answer = server.ask(path, token=token)
    assert answer.status == 403
    assert b"runs" not in answer.body


def test_an_order_without_the_token_or_from_a_page_without_its_cookie_is_refused(server, make_run):
    run = make_run("refused")
    path, body = f"runs/{server.row('refused')['id']}/orders", json.dumps({"action": "stop"})
    assert server.ask(path, token="", method="POST", body=body).status == 403
    assert not (run.path / mailbox.ORDERS).exists()
    page = cookies(server)
    assert server.ask("runs", token="", headers=page).status == 200
    assert server.ask(path, token="", method="POST", body=body, headers=page).status == 403
    assert not (run.path / mailbox.ORDERS).exists()
    secret = page["Cookie"].partition("_xsrf=")[2].split(";")[0]
    page |= {"X-XSRFToken": secret}
    assert server.ask(path, token="", method="POST", body=body, headers=page).status == 202


def test_a_page_of_another_origin_gets_nothing(server):
    page = cookies(server) | {"Origin": "http://elsewhere.example"}
    answer = server.ask("runs", token="", headers=page)
    assert answer.status == 404
    assert b"runs" not in answer.body


def cookies(server):
    """What a page that is logged in sends."""
    got = server.ask("nothing").headers.get_all("Set-Cookie")
    return {"Cookie": "; ".join(cookie.split(";")[0] for cookie in got)}


def test_a_run_is_told_from_its_journal_and_its_record(server, make_run):
    make_run(
        "whole",
        a_whole_run(),
        state="done",
        ended=1121.0,
        model={"name": "resnet18"},
        data={"name": "pets", "splits": {"val": 100}},
        origin={"notebook": "project/first.ipynb", "kernel": "k-1"},
        parent={"run": "before"},
        tags=["good"],
    )
    row = server.row("whole")
    assert row["folder"] == "project/lepton-runs/whole"
    assert (row["state"], row["model"], row["data"]) == ("done", "resnet18", "pets")
    assert (row["metric"], row["value"]) == ("accuracy", 0.9)
    assert row["low"] == pytest.approx(0.8256, abs=1e-4)
    assert row["high"] == pytest.approx(0.9448, abs=1e-4)
    assert (row["step"], row["steps"], row["epoch"], row["epochs"]) == (100, 100, 2, 2)
    assert (row["ended"], row["parent"], row["tags"]) == (1121.0, "before", ["good"])
    assert (row["notebook"], row["kernel"]) == ("project/first.ipynb", "k-1")
    assert 10 < len(row["spark"]) <= 40
    assert row["spark"] == sorted(row["spark"], reverse=True)


def test_a_live_run_is_followed_while_its_process_is_busy(server, make_run):
    run = make_run("busy", [STARTED, *steps(1, 10)])
    first = server.row("busy")
    assert (first["state"], first["step"], first["ended"]) == ("running", 10, None)
    live = server.ask("status").json["live"]
    assert {"id": first["id"], "name": "busy", "fraction": 0.1, "state": "running"} in live
    write(run.journal, steps(11, 60))
    assert server.row("busy")["step"] == 60
    document = server.ask(f"runs/{first['id']}").json
    assert document["state"] == "running"
    write(run.journal, steps(61, 70))
    assert "step 70" in header_of(server.ask(f"runs/{first['id']}").json)["headline"]
    run.update(state="done")
    assert first["id"] not in [row["id"] for row in server.ask("status").json["live"]]


def test_a_run_whose_process_is_gone_has_crashed(server, make_run):
    run = make_run("gone", [STARTED, *steps(1, 3)])
    run.update(process={**run.record["process"], "pid": 2**22 + 1})
    row = server.row("gone")
    assert (row["state"], row["ended"]) == ("crashed", 1003.0)
    assert server.ask(f"runs/{row['id']}").json["state"] == "interrupted"


def test_a_list_that_did_not_change_is_not_sent_again(server, make_run):
    run = make_run("still", [STARTED, *steps(1, 3)], state="done")
    first = server.ask("runs")
    tag = first.headers["ETag"]
    again = server.ask("runs", headers={"If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")
    write(run.journal, steps(4, 4))
    changed = server.ask("runs", headers={"If-None-Match": tag})
    assert changed.status == 200
    assert changed.headers["ETag"] != tag


def test_the_document_of_a_run_is_that_of_its_journal(server, make_run):
    make_run("drawn", a_whole_run(), state="done", origin={"notebook": "project/a.ipynb"})
    document = server.ask(f"runs/{server.row('drawn')['id']}").json
    assert document["version"] == 1
    assert (document["run"], document["state"]) == ("pets-1", "done")
    assert document["path"] == "lepton-runs/drawn"
    panels = header_of(document)["panels"]
    assert [panel["key"] for panel in panels][:2] == ["loss", "metric"]
    journal = server.ask("journal", path="/project/lepton-runs/drawn/events.jsonl").json
    assert journal == document


def test_the_bundle_of_a_run_is_what_its_cell_keeps(server, make_run):
    make_run("kept", a_whole_run(), state="done", origin={"notebook": "project/a.ipynb"})
    number = server.row("kept")["id"]
    bundle = server.ask(f"runs/{number}/bundle").json
    kept = final_bundle(History.from_events(a_whole_run()), "lepton-runs/kept")
    assert set(bundle) == set(kept) and len(bundle) == 4
    assert bundle[RUN] == server.ask(f"runs/{number}").json == kept[RUN]
    assert bundle["text/plain"] == kept["text/plain"]
    assert bundle["image/svg+xml"] == kept["image/svg+xml"]
    assert len(bundle["application/vnd.plotly.v1+json"]["data"][0]["x"]) == 100
    for other in ("f" * 16, "..%2f..", number + "0"):
        assert server.ask(f"runs/{other}/bundle").status == 404


def test_any_journal_is_drawn_and_what_is_none_is_refused(server):
    write(server.root / "copied.jsonl", a_whole_run())
    assert server.ask("journal", path="copied.jsonl").json["run"] == "pets-1"
    (server.root / "other.jsonl").write_text('{"a": 1}\n')
    refused = server.ask("journal", path="other.jsonl")
    assert refused.status == 400
    assert "other.jsonl" in refused.json["what"]
    (server.root / "notes.txt").write_text("secret")
    assert server.ask("journal", path="notes.txt").status == 400


def test_an_order_reaches_the_loop_with_its_values_typed(server, make_run):
    run = make_run("ordered")
    path = f"runs/{server.row('ordered')['id']}/orders"
    for body in (
        {"action": "set", "values": {"lr": "1e-4"}},
        {"action": "evaluate", "values": {"split": "test"}},
        {"action": "pause"},
    ):
        answer = server.ask(path, method="POST", body=json.dumps(body))
        assert answer.status == 202
        assert answer.json["posted"]
    orders = Control(run.path).take(1)
    assert [(order.action, order.values) for order in orders] == [
        ("set", {"learning_rate": 1e-4}),
        ("evaluate", {"split": "test"}),
        ("pause", {}),
    ]


@pytest.mark.parametrize(
    "body",
    [
        *("", "[]", "null", "{", '"stop"', "[" * 3000, '{"action": 1}', '{"action": ["stop"]}'),
        '{"action": "sto"}',
        '{"action": "compute"}',
        '{"action": "snapshot"}',
        '{"action": "stop", "values": {"by": "me"}}',
        '{"action": "stop", "values": [1]}',
        '{"action": "set"}',
        '{"action": "set", "values": {"epochs": 3}}',
        '{"action": "set", "values": {"learning_rate": "auto"}}',
        '{"action": "set", "values": {"learning_rate": -1}}',
        '{"action": "set", "values": {"learning_rate": [1]}}',
        '{"action": "set", "values": {"lr": NaN}}',
        '{"action": "set", "values": {"__class__": 1}}',
        '{"action": "evaluate", "values": {"split": "../.."}}',
    ],
)
def test_what_is_no_order_is_refused_with_a_reason(server, make_run, body):
    run = make_run("")
    answer = server.ask(
        f"runs/{server.row(run.name)['id']}/orders", method="POST", body=body.encode()
    )
    assert answer.status == 400
    assert answer.json["what"]
    assert not (run.path / mailbox.ORDERS).exists()


def test_a_run_that_is_over_takes_no_orders(server, make_run):
    run = make_run("over", state="done")
    path = f"runs/{server.row('over')['id']}/orders"
    answer = server.ask(path, method="POST", body='{"action": "stop"}')
    assert answer.status == 409
    assert set(answer.json) == {"what", "why", "todo"}
    assert "over" in answer.json["what"]
    assert not (run.path / mailbox.ORDERS).exists()


def test_runs_are_compared_by_curves_and_by_what_was_set(server, make_run):
    spec = {"model": {}, "data": {}, "train": {"epochs": 2, "learning_rate": 0.1, "name": "x"}}
    other = {**spec, "train": {**spec["train"], "learning_rate": 0.2, "name": "y"}}
    make_run("one", a_whole_run(), state="done", spec=spec)
    make_run("two", a_whole_run(), state="done", spec=other, plan={"precision": "bf16"})
    numbers = [server.row(name)["id"] for name in ("one", "two")]
    found = server.ask("compare", id=numbers).json
    assert found["differences"] == [["learning_rate", [0.1, 0.2]], ["precision", [None, "bf16"]]]
    first = found["runs"][0]
    assert (first["id"], first["name"]) == (numbers[0], "one")
    assert first["curves"]["val/accuracy"] == [[50, 0.8], [100, 0.9]]
    assert first["curves"]["train/loss"][0] == [1, 1.0]
    assert len(first["curves"]["train/loss"]) == 100
    assert first["best"]["accuracy"] == 0.9
    assert first["spec"]["train"] == {"epochs": 2, "learning_rate": 0.1, "name": "x"}
    assert server.ask("compare", id=numbers[:1]).status == 400
    assert server.ask("compare", id=[numbers[0], "f" * 16]).status == 404


def test_the_catalogue_is_searched(server):
    found = server.ask("catalog", query="resnet18", limit=3).json
    assert found["total"] > 3
    assert len(found["models"]) == 3
    assert all("resnet18" in model["name"] for model in found["models"])
    assert found["models"][0]["parameters"] > 10_000_000
    assert server.ask("catalog", query="glyphs").json["models"][0]["library"] == "builtin"
    assert server.ask("catalog", query="convnext*tiny* in22k").json["total"] > 0
    assert server.ask("catalog", task="no-such-task").json == {"total": 0, "models": []}
    for limit in ("0", "-1", "1e9", "²", "9" * 400, "many"):
        assert server.ask("catalog", limit=limit).status == 400


def test_the_catalogue_is_narrowed_by_licence_and_by_size(server):
    def found(**query):
        return server.ask("catalog", query="convnext", limit=500, **query).json

    everything, small, free = found(), found(max_parameters="30M"), found(licence="Apache")
    assert 0 < small["total"] < everything["total"] and 0 < free["total"] < everything["total"]
    models = everything["models"]
    assert small["models"] == [one for one in models if one["parameters"] <= 30_000_000]
    assert free["models"] == [one for one in models if "apache" in one["licence"]]
    both = found(licence="Apache", max_parameters="30M")["models"]
    assert both == [one for one in small["models"] if one in free["models"]]
    assert 0 < len(both) < min(small["total"], free["total"])
    assert found(licence="no such licence") == {"total": 0, "models": []}
    for bad in ("many", "-1", "12Q"):
        assert set(server.ask("catalog", max_parameters=bad).json) == {"what", "why", "todo"}


def test_data_sets_are_told_by_their_names(server):
    for path in ("flowers/rose/a.jpg", "flowers/rose/b.PNG", "flowers/iris/c.jpg"):
        (server.root / path).parent.mkdir(parents=True, exist_ok=True)
        (server.root / path).touch()
    for path in ("parted/train/x/1.jpg", "parted/val/x/2.jpg", "parted/train/y/3.jpg"):
        (server.root / path).parent.mkdir(parents=True, exist_ok=True)
        (server.root / path).touch()
    (server.root / "table.csv").write_text("image,label\n")
    found = {row["name"]: row for row in server.ask("datasets", path="").json["datasets"]}
    assert set(found) == {"flowers", "parted", "table.csv"}
    assert (found["flowers"]["classes"], found["flowers"]["count"]) == (2, 3)
    assert (found["parted"]["classes"], found["parted"]["count"]) == (2, 3)
    assert (found["table.csv"]["kind"], found["table.csv"]["count"]) == ("table", None)
    inside = server.ask("datasets", path="/flowers").json["datasets"]
    assert [row["path"] for row in inside] == ["flowers"]


def test_plotly_comes_once_and_is_kept_by_its_version(server):
    from importlib import metadata

    version = metadata.version("plotly")
    plain = server.ask("plotly.js", v=version)
    assert plain.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in plain.headers["Cache-Control"]
    assert b"plotly.js" in plain.body[:200]
    packed = server.ask("plotly.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 2
    assert packed.headers["Cache-Control"] == "no-cache"
    sent = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    assert server.ask("plotly.js", headers=sent).status == 304


@pytest.mark.parametrize(
    "path",
    [
        *("../secret.jsonl", "/etc/passwd", "a/../../secret.jsonl", "..\\secret.jsonl"),
        *("%2e%2e/secret.jsonl", "link.jsonl", "linked/secret.jsonl", ".hidden/a.jsonl"),
        *("../root-evil/secret.jsonl", "file:///etc/passwd", "~/x.jsonl", "x" * 5000),
    ],
)
@pytest.mark.parametrize("route", ["journal", "artifact", "datasets"])
def test_no_path_leaves_the_root(server, path, route):
    outside = server.root.parent
    for folder in (outside, outside / "root-evil", server.root / ".hidden"):
        folder.mkdir(exist_ok=True)
        for name in ("secret.jsonl", "a.jsonl"):
            if not (folder / name).exists():
                write(folder / name, a_whole_run())
    for link, target in (("link.jsonl", outside / "secret.jsonl"), ("linked", outside)):
        if not (server.root / link).is_symlink():
            (server.root / link).symlink_to(target)
    answer = server.ask(route, path=path)
    assert answer.status in (400, 404)
    assert set(answer.json) == {"what", "why", "todo"}


def test_a_run_behind_a_link_is_not_shown(server, make_run, tmp_path):
    durable.write_json(tmp_path / "away" / "run.json", {"state": "done"})
    runs = server.root / "project" / "lepton-runs"
    (runs / "away").symlink_to(tmp_path / "away")
    run = make_run("inner-link", state="done")
    write(tmp_path / "events.jsonl", a_whole_run())
    run.journal.unlink()
    run.journal.symlink_to(tmp_path / "events.jsonl")
    names = [row["name"] for row in server.ask("runs").json["runs"]]
    assert "away" not in names
    row = server.row("inner-link")
    assert (row["step"], row["spark"]) == (0, [])


def test_names_with_markup_come_back_as_they_are(server, make_run):
    from dataclasses import replace

    make_run(
        "hostile",
        [replace(STARTED, run="</script>" + HOSTILE, metric=HOSTILE), *steps(1, 3)],
        model={"name": HOSTILE},
        data={"name": HOSTILE},
        tags=[HOSTILE],
        origin={"notebook": HOSTILE, "kernel": HOSTILE},
        parent={"run": HOSTILE},
    )
    answer = server.ask("runs")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    row = server.row("hostile")
    for key in ("model", "data", "metric", "notebook", "kernel", "parent"):
        assert row[key] == HOSTILE
    assert row["tags"] == [HOSTILE]
    assert server.ask(f"runs/{row['id']}").status == 200
    assert server.ask("catalog", query=HOSTILE.replace("\udcff", "")).json["total"] == 0


HUGE = b'{"event":"step","step":1' + b"0" * 400 + b',"epoch":1,"loss":1e999,"learning_rate":1,'
JOURNALS = [
    b"",
    b"\n\n\0\0\xff\xfe\n",
    b"[" * 100_000 + b"\n",
    b'{"event":"step"}\n{"event":"started"}\n[]\n1\nnull\n',
    HUGE + b'"samples_per_second":1,"time":1}\n',
    b'{"event":"step","step":-5,"epoch":-1,"loss":"nan","learning_rate":"inf",'
    b'"samples_per_second":"-inf","time":"nan"}\n',
    b'{"event":"started","run":"x","model":"","data":"","task":"","metric":"","epochs":-3,'
    b'"steps_per_epoch":9223372036854775807,"time":1e308}\n'
    b'{"event":"step","step":9007199254740993,"epoch":1,"loss":1e308,"learning_rate":1,'
    b'"samples_per_second":1,"time":-1e308}\n',
    b'{"event":"evaluated","step":1,"epoch":1,"split":"val","values":{"accuracy":"nan","":1e308},'
    b'"best":true,"time":0}\n{"event":"step","step":1,"epoch":1',
]
RECORDS = [
    b"",
    b"[]",
    b'{"state": 3}',
    b"{" * 100_000,
    b'{"state": "running", "process": "me", "model": 3, "data": [], "best": 1, "tags": {"a": 1}}',
    b'{"state": "done", "created": 1e999, "ended": "now", "parent": {"run": 5}, "spec": [1]}',
    b'{"state": "done", "data": {"splits": {"val": -4}}, "best": {"accuracy": 1e999}, "plan": 7}',
    '{"state": "done", "name": "\ud800"}'.encode("utf-8", "surrogatepass"),
]


@pytest.mark.parametrize("journal", range(len(JOURNALS)))
def test_a_damaged_journal_or_record_is_no_fault_of_the_server(server, make_run, journal):
    for number, record in enumerate(RECORDS):
        run = make_run(f"damaged-{journal}-{number}", state="done")
        run.journal.write_bytes(JOURNALS[journal])
        (run.path / "run.json").write_bytes(record)
    rows = [
        r for r in server.ask("runs").json["runs"] if f"damaged-{journal}-" in (r["folder"] or "")
    ]
    assert len(rows) == len(RECORDS)
    for row in rows:
        for route in (f"runs/{row['id']}", f"runs/{row['id']}/bundle"):
            assert server.ask(route).status in (200, 400)
        assert server.ask(f"runs/{row['id']}/orders", method="POST", body="{}").status in (400, 409)
    assert server.ask("compare", id=[row["id"] for row in rows]).status in (200, 400)
    assert server.ask("status").status == 200


def test_an_artifact_is_looked_into(server, bundle):
    found = server.ask("artifact", path="pets.lepton").json
    assert found["manifest"]["labels"] == ["cat", HOSTILE_LABEL]
    assert found["certificate"] == {"samples": {"all": 2}}
    assert found["card"] == "# <b>pets</b>\n"
    first, second = found["golden"]
    assert (first["name"], first["expected"]) == ("<i>one</i>.png", "cat (0.900)")
    assert second["expected"] == f"{HOSTILE_LABEL} (0.800)"
    picture = Image.open(io.BytesIO(base64.b64decode(first["image"].partition(",")[2])))
    assert first["image"].startswith("data:image/png;base64,")
    assert picture.size == (128, 64)
    assert server.ask("artifact", path="pets.lepton.zip").json == found


HOSTILE_LABEL = "<script>alert(1)</script>"


@pytest.fixture
def bundle(server):
    """A small artifact, as a folder and as a .zip, in the server's root."""
    from lepton_lab.exporting.archive import pack
    from lepton_lab.runtime.manifest import describe_file, list_files

    folder = server.root / "pets.lepton"
    if not folder.exists():
        (folder / "golden").mkdir(parents=True)
        samples = []
        for number, (name, chances) in enumerate(
            (("<i>one</i>.png", [0.9, 0.1]), ("b", [0.2, 0.8]))
        ):
            Image.new("RGB", (400, 200), (200, 30, 30)).save(
                folder / "golden" / f"{number:03d}.png"
            )
            samples.append({"file": f"{number:03d}.png", "sample": name, "probabilities": chances})
        durable.write_json(folder / "golden" / "expected.json", {"samples": samples})
        durable.write_json(folder / "certificate.json", {"samples": {"all": 2}})
        durable.write_text(folder / "MODEL_CARD.md", "# <b>pets</b>\n")
        (folder / "model.onnx").write_bytes(b"weights")
        manifest = {"format_version": 1, "task": "t", "labels": ["cat", HOSTILE_LABEL]}
        manifest |= {"input": {}, "output": {}, "preprocessing": {}}
        files = {name: describe_file(folder / name) for name in sorted(list_files(folder))}
        durable.write_json(folder / "manifest.json", {**manifest, "files": files})
        pack(folder, server.root / "pets.lepton.zip")
    return folder


@pytest.mark.parametrize("damage", ["changed", "added", "missing", "link", "leaves", "json"])
def test_a_damaged_artifact_is_refused_with_a_reason(server, bundle, damage):
    import shutil

    copy = server.root / f"{damage}.lepton"
    shutil.copytree(bundle, copy)
    if damage == "changed":
        (copy / "MODEL_CARD.md").write_text("# swapped\n")
    elif damage == "added":
        (copy / "extra.py").write_text("")
    elif damage == "missing":
        (copy / "certificate.json").unlink()
    elif damage == "link":
        (copy / "golden" / "000.png").unlink()
        (copy / "golden" / "000.png").symlink_to("/etc/hostname")
    elif damage == "leaves":
        manifest = json.loads((copy / "manifest.json").read_text())
        manifest["files"]["../notes.txt"] = {"size": 1, "sha256": ""}
        (copy / "manifest.json").write_text(json.dumps(manifest))
    else:
        (copy / "manifest.json").write_text("[" * 50_000)
    answer = server.ask("artifact", path=copy.name)
    assert answer.status == 400
    assert copy.name in answer.json["what"]


def test_a_slow_reading_keeps_nobody_from_an_answer(server, make_run):
    """While a long journal is read in a thread, the server answers others."""
    import threading

    run = make_run("long", [STARTED], state="done")
    line = to_line(StepDone(1, 1, 0.5, 1e-3, 60.0)).replace('"step":1', '"step":%d') + "\n"
    with run.journal.open("a") as file:
        file.writelines(line % step for step in range(1, 40_001))
    number = server.row("long")["id"]
    answers = []
    thread = threading.Thread(target=lambda: answers.append(server.ask(f"runs/{number}")))
    thread.start()
    between = 0
    while not answers:
        assert server.ask("status").status == 200
        between += 1
    thread.join()
    assert between > 1
    assert answers[0].status == 200


def test_the_server_has_loaded_no_framework(server, bundle, make_run):
    for path in ("catalog?query=vit", "runs", "status", "datasets", "artifact?path=pets.lepton"):
        assert server.ask(path).status == 200
    loaded = " ".join(region.path for region in psutil.Process(server.process.pid).memory_maps())
    assert "libpython" in loaded or "python" in loaded
    for library in ("torch", "onnxruntime", "pandas", "sklearn"):
        assert f"/{library}/" not in loaded
