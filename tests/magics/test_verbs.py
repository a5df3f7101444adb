# SPDX-License-Identifier: BSD-3-Clause
"""The verbs in a real kernel, in the order of the work: what help promises is what happens.

One kernel serves the whole file; the tests run in the order in which they stand.
"""

from __future__ import annotations

import ast
from typing import Any

import pytest

from lepton_lab.magics.verbs import verbs


def run(kernel: Any, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    sent: list[dict[str, Any]] = []
    reply = kernel.execute_interactive(code, timeout=240, output_hook=sent.append)
    return reply["content"], sent


def value(kernel: Any, expression: str) -> Any:
    """The value of an expression in the kernel, read back from its repr."""
    reply, sent = run(kernel, expression)
    assert reply["status"] == "ok", reply
    (shown,) = [
        m["content"]["data"]["text/plain"] for m in sent if m["msg_type"] == "execute_result"
    ]
    return ast.literal_eval(shown)


def refusal(kernel: Any, code: str) -> list[str]:
    """The lines of the error that a cell ends with."""
    reply, sent = run(kernel, code)
    assert reply["status"] == "error"
    (lines,) = [m["content"]["traceback"] for m in sent if m["msg_type"] == "error"]
    return lines


def test_before_anything_the_bench_names_a_next_line_that_runs(kernel: Any) -> None:
    reply, sent = run(kernel, "%lepton")
    (text,) = [
        m["content"]["data"]["text/plain"] for m in sent if m["msg_type"] == "execute_result"
    ]
    step = text.split("next: ")[1].split("\n")[0]
    assert reply["status"] == "ok"
    assert step.startswith("%lepton ")
    assert run(kernel, step)[0]["status"] == "ok"


def test_without_a_run_a_verb_that_needs_one_says_what_to_do(kernel: Any) -> None:
    assert len(refusal(kernel, "%lepton runs nothing")) <= 4
    assert len(refusal(kernel, "%lepton export nothing")) <= 4


def test_the_assignment_form_gets_a_run_and_shows_no_second_card(kernel: Any) -> None:
    code = "run = %lepton train lepton_glyphs digits --epochs=1 --val=0.1 --test=0.8 --name=first"
    reply, sent = run(kernel, code)
    assert reply["status"] == "ok", reply
    assert not [m for m in sent if m["msg_type"] == "execute_result"]
    assert value(kernel, "type(run).__name__") == "Run"
    assert value(kernel, "(run.name, run.state, run.spec.train.epochs)") == ("first", "done", 1)
    assert value(kernel, "(run.spec.data.val, run.spec.data.test)") == (0.1, 0.8)


def test_left_out_names_mean_the_latest_and_variables_are_names(kernel: Any) -> None:
    run(kernel, "ev = %lepton evaluate --split=val")
    assert 0 <= value(kernel, "float(ev['accuracy'])") <= 1
    run(kernel, "again = %lepton evaluate run --split=val")
    assert value(kernel, "again['accuracy'] == ev['accuracy']") is True
    run(kernel, "by_name = %lepton runs first")
    assert value(kernel, "by_name.path == run.path") is True


def test_a_cell_body_trains_like_a_line_and_gives_the_prompt_back(kernel: Any) -> None:
    body = 'model = "lepton_glyphs"\nepochs = 1\nbackground = true\nname = "second"\n'
    assert run(kernel, f"%%lepton train\n{body}")[0]["status"] == "ok"
    run(kernel, "import lepton_lab as lab")
    assert value(kernel, "lab.run('second').wait().state") == "done"
    assert value(kernel, "lab.run('second').spec.data.test") == 0.8


def test_inputs_are_paths_wildcards_and_variables(kernel: Any) -> None:
    make = (
        "from pathlib import Path\nfrom PIL import Image\nPath('photos').mkdir()\n"
        "picture = Image.new('RGB', (30, 20), 'white')\n"
        "for name in ('cat.jpg', 'photos/a.png', 'photos/b c.png'): picture.save(name)\n"
    )
    assert run(kernel, make)[0]["status"] == "ok"
    run(kernel, "one = %lepton predict first cat.jpg --top=3")
    assert value(kernel, "len(one.top(3))") == 3
    run(kernel, "several = %lepton predict first photos/*.png cat.jpg")
    assert value(kernel, "len(several)") == 3
    run(kernel, "held = %lepton predict first picture")
    assert value(kernel, "held.label == one.label") is True
    run(kernel, "quoted = %lepton predict first 'photos/b c.png'")
    assert value(kernel, "quoted.label == one.label") is True


def test_runs_are_completed_and_so_is_the_variable_that_holds_one(kernel: Any) -> None:
    reply = kernel.complete("%lepton evaluate ", 17, reply=True, timeout=60)["content"]
    types = {t["text"]: t["type"] for t in reply["metadata"]["_jupyter_types_experimental"]}
    assert types["run"] == "variable"
    assert types["first"] == "run"
    names = [name for name in reply["matches"] if name in ("first", "second")]
    assert names == ["second", "first"]


EXAMPLES = [example for verb in verbs for example in verb.examples]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_help_runs(kernel: Any, example: str) -> None:
    reply, sent = run(kernel, f"%lepton {example}")
    assert reply["status"] == "ok", reply.get("traceback")
    assert [m for m in sent if m["msg_type"] in ("execute_result", "display_data")]


def test_a_failure_is_told_in_full_by_the_doctor(kernel: Any) -> None:
    lines = refusal(kernel, "%lepton train lepton_glyph digits")
    assert len(lines) <= 4
    assert "lepton_glyphs" in " ".join(lines)
    run(kernel, "told = %lepton doctor --last")
    assert value(kernel, "'Traceback' in told.last and 'lepton_glyph' in told.last") is True


@pytest.mark.parametrize(
    ("cell", "culprit"),
    [
        ("%lepton train lepton_glyph digits", "lepton_glyph"),
        ("%lepton train lepton_glyphs ./pest", "pest"),
        ("%lepton data digit", "digit"),
        ("%lepton evaluate nosuch", "nosuch"),
        ("%lepton evaluate frist", "frist"),
        ("%lepton runs frist", "frist"),
        ("%lepton predict first nosuch.png", "nosuch.png"),
        ("%lepton export first --format=onx", "onx"),
        ("%lepton train lepton_glyphs digits --optimizer=adamm", "adamm"),
        ("%lepton train lepton_glyphs digits --name=first", "first"),
        ("%lepton models resnet5 --max-params=big", "big"),
        ("%lepton evaluate first --split=tset", "tset"),
    ],
)
def test_a_wrong_name_is_named_in_at_most_four_lines(kernel: Any, cell: str, culprit: str) -> None:
    lines = refusal(kernel, cell)
    assert 2 <= len(lines) <= 4
    assert culprit in lines[0]
    for line in lines:
        if line.startswith("%lepton "):
            assert run(kernel, line)[0]["status"] == "ok"
