# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lepton_lab.magics.command_line import main, text


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEPTON_DISPLAY", "text")


def test_help_is_printed_with_the_words_of_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "lepton-lab VERB --help" in out
    assert "%" not in out
    assert main(["train", "--help"]) == 0
    assert capsys.readouterr().out.startswith("lepton-lab train [MODEL] [DATA]")


def test_a_mistake_goes_to_stderr_in_three_lines_with_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["train", "a", "b", "--epoch=3", "--lr=fast"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().split("\n")) == 3
    assert err.strip().endswith("lepton-lab train --help")


def test_a_failure_that_is_no_mistake_of_the_line_has_exit_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["runs", "no-such-run"]) == 1
    err = capsys.readouterr().err
    assert "no-such-run" in err
    assert len(err.strip().split("\n")) <= 4


def test_a_result_is_printed_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    assert capsys.readouterr().out.startswith("0 runs")


def test_data_are_read_and_shown_without_a_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "digits", "--val=0.2"]) == 0
    assert "10 classes" in capsys.readouterr().out


def test_alone_it_shows_the_bench(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Lepton Lab")
    assert "next: lepton-lab " in out


def test_an_object_without_a_text_of_its_own_is_printed_by_its_repr() -> None:
    assert text(3) == "3"


def test_the_package_runs_as_a_module_in_a_terminal_that_knows_no_unicode() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "lepton_lab", "predict", "--help"]
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert done.stdout.startswith(b"lepton-lab predict [RUN|MODEL] INPUT")
    assert subprocess.run([*command[:3], "trian"], capture_output=True, check=False).returncode == 2
