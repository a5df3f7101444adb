# SPDX-License-Identifier: BSD-3-Clause
"""Each step: what it shows, what it asks for, and what becomes of it when a field changes."""

from __future__ import annotations

from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.studio import Studio, speeds
from lepton_lab.studio.view import view
from tests.studio.conftest import go


def panel(studio: Studio, step: str) -> list[dict[str, Any]]:
    studio.controller.open(step)
    studio.wait(60)
    found: list[dict[str, Any]] = view(studio.state)["panel"]
    return [*found, *(inner for block in found for inner in block.get("blocks", ()))]


def block(studio: Studio, step: str, key: str) -> dict[str, Any]:
    (found,) = [one for one in panel(studio, step) if one["key"] == key]
    return found


def field(studio: Studio, step: str, name: str) -> dict[str, Any]:
    blocks = panel(studio, step)
    (found,) = [f for one in blocks for f in one.get("fields", ()) if f["name"] == name]
    return found


def marks(studio: Studio) -> dict[str, str]:
    return {step["key"]: step["mark"] for step in view(studio.state)["steps"]}


def test_typing_finds_models_and_filters_narrow_them() -> None:
    studio = Studio()
    everything = block(studio, "model", "found")
    assert everything["names"][0] == "lepton_glyphs"
    studio.controller.set("model", "query", "mobilenetv3")
    found = block(studio, "model", "found")
    assert found["names"] and all("mobilenetv3" in name for name in found["names"])
    studio.controller.set("model", "max_params", "5M")
    small = block(studio, "model", "found")
    assert 0 < int(small["title"].split()[0]) < int(found["title"].split()[0])
    studio.controller.set("model", "licence", "apache-2.0")
    assert {row[2] for row in block(studio, "model", "found")["rows"]} == {"apache-2.0"}
    studio.controller.set("model", "query", "[nothing*")
    assert block(studio, "model", "found")["title"] == "0 models"


def test_the_card_of_the_chosen_model_and_its_speed_here() -> None:
    studio = Studio("lepton_glyphs")
    facts = dict(block(studio, "model", "card")["rows"])
    assert facts["licence"].startswith("bsd") and "answers here" not in facts
    go(studio, "model", "measure")
    speed = speeds.known("lepton_glyphs")
    assert speed is not None and speed > 1
    assert dict(block(studio, "model", "card")["rows"])["answers here"].startswith(f"{speed:.0f} ")
    studio.controller.set("model", "order", "speed")
    assert block(studio, "model", "found")["names"][0] == "lepton_glyphs"
    studio.controller.set("model", "speed", "5")
    assert "lepton_glyphs" in block(studio, "model", "found")["names"]
    assert len(block(studio, "model", "found")["names"]) < 30
    assert "'lepton_glyphs'" in studio.code("python", "model").splitlines()[-1]


def test_models_of_unknown_speed_are_measured_on_the_spot_and_stay_known() -> None:
    studio = Studio()
    for name, value in {"query": "test_resnet", "speed": "5"}.items():
        studio.controller.set("model", name, value)
    assert block(studio, "model", "found")["title"] == "0 models"
    assert "is known on this computer" in block(studio, "model", "speeds")["words"]
    (button,) = block(studio, "model", "measuring")["buttons"]
    assert button["words"] == "Measure 1 more here" and "test_resnet" in button["title"]
    go(studio, "model", "measure_more")
    shown = block(studio, "model", "found")
    name = shown["names"][0]
    assert float(shown["rows"][0][3]) == round(speeds.known(name)) > 5
    assert name in studio.code("python", "model").splitlines()[-1]
    assert not [one for one in panel(studio, "model") if one["key"] == "measuring"]
    (speeds.runs_root() / speeds.FILE).write_text("damaged")
    assert speeds.known(name) is None


def test_data_show_counts_samples_and_what_the_audit_found(flowers) -> None:
    (flowers / "iris" / "torn.png").write_bytes(b"no picture")
    (flowers / "rose" / "again.png").write_bytes((flowers / "rose" / "rose-00.png").read_bytes())
    studio = Studio("lepton_glyphs", flowers)
    studio.wait(60)
    counts = block(studio, "data", "classes")["rows"]
    assert [name for name, _, _ in counts] == ["iris", "rose", "tulip"]
    assert sum(train + held for _, train, held in counts) == 49
    found = block(studio, "data", "audit")["items"]
    assert any("torn.png" in examples for *_, examples in found)
    assert all(todo for _, _, todo, _ in found)
    pictures = block(studio, "data", "samples")["items"]
    assert len(pictures) == 16 and all(p.startswith("data:image/") for p, _ in pictures)


def test_what_auto_stands_for_is_said_with_its_reason(done: Studio) -> None:
    plan = done.run.record["plan"]
    hint = field(done, "train", "batch_size")["hint"]
    assert hint == f"auto is {plan['batch_size']}: {plan['reasons']['batch_size']}"
    assert field(done, "train", "epochs")["hint"] == ""
    for name in ("weight_decay", "layer_decay", "precision"):
        assert plan["reasons"][name] in field(done, "train", name)["hint"]


def test_every_option_of_training_has_its_field(done: Studio) -> None:
    from dataclasses import fields

    from lepton_lab.spec import TrainSpec

    shown = {f["name"] for one in panel(done, "train") for f in one.get("fields", ())}
    assert {f.name for f in fields(TrainSpec)} <= shown


def test_a_changed_field_makes_what_follows_stale_and_loses_nothing(done: Studio) -> None:
    assert set(marks(done).values()) == {"done"}
    run, evaluation = done.run, done.evaluation
    done.controller.set("train", "epochs", "2")
    assert marks(done)["train"] == "stale"
    assert "kept" in block(done, "train", "changed")["words"]
    done.controller.set("data", "val", "0.2")
    assert marks(done)["data"] == "stale"
    assert block(done, "train", "missing")["go"] == "data"
    done.controller.set("evaluate", "split", "val")
    assert marks(done)["evaluate"] == "stale" and marks(done)["export"] == "done"
    done.controller.set("export", "format", "safetensors")
    assert marks(done)["export"] == "stale"
    assert (done.run, done.evaluation) == (run, evaluation)
    done.controller.set("train", "epochs", "1")
    done.controller.set("data", "val", "0.1")
    done.controller.set("evaluate", "split", "")
    done.controller.set("export", "format", "onnx")
    assert set(marks(done).values()) == {"done"}


def test_evaluation_shows_the_numbers_of_the_object(done: Studio) -> None:
    evaluation = done.evaluation
    rows = {name: (value, span) for name, value, span in block(done, "evaluate", "metrics")["rows"]}
    low, high = evaluation.intervals["accuracy"]
    assert rows["accuracy"] == (f"{evaluation['accuracy']:.3f}", f"{low:.3f} to {high:.3f}")
    assert block(done, "evaluate", "confusion")["counts"] == evaluation.confusion.tolist()
    worst = block(done, "evaluate", "worst")["items"]
    assert all(
        one.id in caption for one, (_, caption) in zip(evaluation.worst(), worst, strict=True)
    )


def test_a_cell_of_the_matrix_shows_its_samples(done: Studio) -> None:
    done.controller.set("evaluate", "cell", "1,1")
    shown = block(done, "evaluate", "cell")
    assert shown["title"] == f"Samples of 1, right ({done.evaluation.confusion[1, 1]})"
    assert len(shown["items"]) == 9 and all(
        caption.startswith("1 (") for _, caption in shown["items"]
    )
    for nonsense in ("9,9", "x", "1,", "-1,0", ""):
        done.controller.set("evaluate", "cell", nonsense)
        assert block(done, "evaluate", "worst")["items"]


def test_the_artifact_is_the_certified_one(done: Studio) -> None:
    rows = block(done, "export", "certificate")["rows"]
    assert rows[0][:2] == ["onnx", "1.000"]
    assert lab.load_artifact(done.artifact.path).verify().golden > 0


def test_a_run_that_is_stopped_can_go_on() -> None:
    studio = Studio("lepton_glyphs")
    go(studio, "data", "sample")
    studio.controller.set("train", "epochs", "50")
    go(studio, "train", "train")
    assert studio.run is not None
    studio.controller.press("run", "stop")
    studio.run.wait(60)
    assert studio.run.state == "stopped"
    shown = block(studio, "run", "next")["buttons"]
    assert [one["words"] for one in shown] == ["Next: evaluate", "Resume"]
    go(studio, "run", "again")
    assert studio.run.state in ("starting", "running")
    studio.controller.press("run", "stop")
    studio.run.wait(60)


def test_without_a_page_it_is_text_with_the_next_line(done: Studio) -> None:
    bundle = done._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "✓ Export" in bundle["text/plain"] and "%lepton train" in bundle["text/plain"]
    assert len(bundle["text/plain"].splitlines()) <= 12


def test_the_magic_shows_the_studio_that_is_open() -> None:
    first = Studio.reopen("lepton_glyphs")
    assert Studio.reopen(step="data") is first and first.state.open == "data"
    assert Studio.reopen("resnet18") is not first


def test_objects_that_no_code_could_name_are_refused() -> None:
    with pytest.raises(lab.LeptonError, match="by name or path"):
        Studio(lab.load_model("lepton_glyphs"))
