# SPDX-License-Identifier: BSD-3-Clause
"""What a front end gets from a real kernel: replies, error messages, completions."""

from __future__ import annotations

from typing import Any

import pytest


def run(kernel: Any, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The reply to a cell and what it sent on the way."""
    sent: list[dict[str, Any]] = []
    reply = kernel.execute_interactive(code, timeout=120, output_hook=sent.append)
    return reply["content"], sent


def errors(sent: list[dict[str, Any]]) -> list[list[str]]:
    return [message["content"]["traceback"] for message in sent if message["msg_type"] == "error"]


def complete(kernel: Any, code: str) -> dict[str, Any]:
    reply = kernel.complete(code, len(code), reply=True, timeout=60)
    return reply["content"]


def test_a_mistake_is_a_real_error_whose_traceback_is_exactly_three_lines(kernel: Any) -> None:
    reply, sent = run(kernel, "%lepton train a b --epoch=3 --lr=fast")
    assert reply["status"] == "error"
    assert reply["ename"] == "MagicUsageError"
    assert errors(sent) == [
        [
            "`train` has no option `--epoch=3`. Did you mean `--epochs`?",
            '`--learning-rate` needs a number such as 3e-4, `auto` or `find`; got "fast".',
            "%lepton train --help",
        ]
    ]
    assert not [message for message in sent if message["msg_type"] == "stream"]


@pytest.mark.parametrize(
    "cell",
    [
        "%lepton trian resnet18 pets",
        "%lepton train resnet18 pets --epoch=3",
        "%lepton train resnet18 pets epochs=3",
        "%lepton train resnet18 pets --epochs = 3",
        "%lepton train resnet18 my pets",
        "%lepton train resnet18 pets --lr=fast",
        "%lepton train resnet18 pets --bs=0",
        "%lepton train resnet18 'pets",
        "%lepton tune resnet18",
        "%lepton predict",
        "%%lepton train\nlr: 1e-3",
        "%%lepton train\nepoch = 3",
        "%lepton runs --sort=x",
        "%lepton train resnet18 pets -e 3",
    ],
)
def test_a_common_mistake_takes_at_most_four_lines_and_ends_with_a_line_that_parses(
    kernel: Any, cell: str
) -> None:
    reply, sent = run(kernel, cell)
    assert reply["status"] == "error"
    (lines,) = errors(sent)
    assert len(lines) <= 4
    assert lines[-1].startswith("%lepton ")
    suggested = lines[-1] if lines[-1].endswith("--help") else f"{lines[-1]} --help"
    assert run(kernel, suggested)[0]["status"] == "ok"


def test_run_all_stops_at_the_cell_that_fails(kernel: Any) -> None:
    # The kernel aborts what waits behind the failure, so the failure waits until the next cell is in.
    kernel.execute("import time; time.sleep(3)\n%lepton trian")
    later = kernel.execute("after = 1")
    while True:
        reply = kernel.get_shell_msg(timeout=60)
        if reply["parent_header"]["msg_id"] == later:
            break
    assert reply["content"]["status"] == "aborted"


def test_completions_come_with_their_kind_and_suppress_all_others(kernel: Any) -> None:
    found = complete(kernel, "run = %lepton tr")
    assert found["matches"] == ["train"]
    assert (found["cursor_start"], found["cursor_end"]) == (14, 16)
    types = found["metadata"]["_jupyter_types_experimental"]
    assert [(t["text"], t["type"]) for t in types] == [("train", "verb")]


def test_a_value_is_completed_after_its_equals_sign(kernel: Any) -> None:
    code = "%lepton train a b --schedule=o"
    found = complete(kernel, code)
    assert found["matches"] == ["onecycle"]
    assert found["cursor_start"] == len(code) - 1


def test_a_key_is_completed_in_the_body_of_a_cell(kernel: Any) -> None:
    found = complete(kernel, "%%lepton train digits\nepochs = 3\nlearning_r")
    assert found["matches"] == ["learning_rate = "]


def test_reloading_warns_of_nothing_and_completion_still_answers_once(kernel: Any) -> None:
    reply, sent = run(kernel, "%reload_ext lepton_lab")
    assert reply["status"] == "ok"
    assert not [message for message in sent if message["msg_type"] in ("stream", "error")]
    assert complete(kernel, "%lepton do")["matches"] == ["doctor"]


def test_the_assignment_form_shows_nothing_and_keeps_the_object(kernel: Any) -> None:
    _, sent = run(kernel, "page = %lepton train --help")
    assert not [message for message in sent if message["msg_type"] == "execute_result"]
    _, sent = run(kernel, "type(page).__name__")
    assert [
        m["content"]["data"]["text/plain"] for m in sent if m["msg_type"] == "execute_result"
    ] == ["'Help'"]


def test_the_kernel_has_not_imported_a_framework_so_far(kernel: Any) -> None:
    _, sent = run(
        kernel, "import sys; sorted({'torch', 'timm', 'transformers', 'plotly'} & set(sys.modules))"
    )
    assert [
        m["content"]["data"]["text/plain"] for m in sent if m["msg_type"] == "execute_result"
    ] == ["[]"]
