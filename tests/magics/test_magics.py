# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter

from lepton_lab.magics import load, unload
from lepton_lab.magics.complete import IDENTIFIER
from lepton_lab.magics.help import Help
from lepton_lab.magics.usage import MagicUsageError


def matchers(shell: Any) -> int:
    found = [getattr(m, "matcher_identifier", "") for m in shell.Completer.custom_matchers]
    return found.count(IDENTIFIER)


def test_loading_twice_leaves_one_magic_and_one_matcher(shell: Any) -> None:
    load(shell)
    assert matchers(shell) == 1
    assert shell.find_line_magic("lepton") is not None
    assert shell.find_cell_magic("lepton") is not None


def test_unloading_removes_all_and_does_so_twice(shell: Any) -> None:
    for _ in range(2):
        unload(shell)
        assert matchers(shell) == 0
        assert shell.find_line_magic("lepton") is None
        assert shell.find_cell_magic("lepton") is None
    load(shell)
    assert shell.find_line_magic("lepton") is not None


def test_reloading_the_extension_is_clean(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("reload_ext", "lepton_lab")
    assert matchers(shell) == 1
    with provisionalcompleter():
        list(shell.Completer.completions("%lepton tr", 10))
    assert capsys.readouterr() == ("", "")


def test_the_assignment_form_gets_the_object(shell: Any) -> None:
    shell.run_cell("answer = %lepton train --help;").raise_error()
    assert isinstance(shell.user_ns["answer"], Help)


def test_the_object_is_the_value_of_the_cell(shell: Any) -> None:
    assert isinstance(shell.run_cell("%lepton doctor --help").result, Help)


def test_braces_and_dollars_are_not_expanded(shell: Any) -> None:
    shell.user_ns["name"] = "wrong"
    error = shell.run_cell("%lepton train a b '{name}' $name").error_in_exec
    assert '"{name}" is one too many' in str(error)
    assert '"$name"' in str(error)


def test_a_mistake_fails_the_cell_with_our_error(shell: Any) -> None:
    assert isinstance(shell.run_cell("%lepton trian").error_in_exec, MagicUsageError)
    assert isinstance(shell.run_cell("%%lepton train\nlr: 3\n").error_in_exec, MagicUsageError)


def test_the_question_mark_shows_the_verbs(shell: Any) -> None:
    text = shell.object_inspect_text("%lepton")
    assert "train     fine-tune a model on a data set" in text


def test_loading_the_extension_imports_no_framework() -> None:
    code = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "from lepton_lab.magics import load\n"
        "load(InteractiveShell())\n"
        "print(sorted({'torch', 'timm', 'transformers', 'pandas', 'numpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
