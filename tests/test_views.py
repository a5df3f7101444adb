# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import subprocess
import sys

import pytest

from lepton_lab import views
from lepton_lab.errors import NotFoundError
from lepton_lab.events import Alert


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv("LEPTON_DISPLAY", raising=False)


class Shell:
    """An IPython shell, in a kernel or in a terminal."""

    def __init__(self, kernel):
        self.kernel = kernel


def test_every_view_has_a_name_and_a_line_that_says_what_it_is():
    assert views.views.names() == ["widget", "svg", "text", "silent"]
    assert all(view.description for view in views.views)


@pytest.mark.parametrize(
    ("shell", "expected"), [(None, "text"), (Shell(None), "text"), (Shell(object()), "widget")]
)
def test_the_view_follows_from_where_the_code_runs(monkeypatch, shell, expected):
    monkeypatch.setattr(views, "shell", lambda: shell)
    assert views.choose().name == expected


def test_a_kernel_without_widgets_gets_the_picture(monkeypatch):
    monkeypatch.setattr(views, "shell", lambda: Shell(object()))
    monkeypatch.setattr(views.importlib.util, "find_spec", lambda name: None)
    assert views.choose().name == "svg"


def test_without_standard_output_nothing_is_shown(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert views.choose().name == "silent"


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("silent", "silent"),
        ("text", "text"),
        ("plain", "text"),
        ("svg", "svg"),
        ("widget", "widget"),
    ],
)
def test_the_variable_overrules_every_choice(monkeypatch, variable, expected):
    monkeypatch.setenv("LEPTON_DISPLAY", variable)
    assert views.choose().name == expected
    assert views.choose("silent").name == expected


def test_a_view_that_does_not_exist_is_told_with_the_nearest_and_who_asked(monkeypatch):
    with pytest.raises(NotFoundError, match=r"'widgets'.\nDid you mean widget?"):
        views.choose("widgets")
    monkeypatch.setenv("LEPTON_DISPLAY", "loud")
    with pytest.raises(NotFoundError, match=r"'loud' .LEPTON_DISPLAY asks for it."):
        views.choose()


def test_the_silent_view_takes_events_and_closes_twice():
    watcher = views.choose("silent").open()
    watcher(Alert(1, "info", "hello"))
    watcher.close()
    watcher.close()


def test_choosing_imports_neither_widgets_nor_ipython_nor_plotly():
    code = (
        "import sys; from lepton_lab import views, charts; views.choose('widget'); "
        "heavy = {'anywidget', 'ipywidgets', 'IPython', 'plotly', 'torch'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
