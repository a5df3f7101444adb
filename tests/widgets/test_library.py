# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import gzip
import subprocess
import sys

import pytest

from lepton_lab.widgets import library


class Widget:
    """Takes messages as a widget's comm does."""

    def __init__(self):
        self.sent, self.handler = [], None

    def on_msg(self, handler):
        self.handler = handler

    def send(self, content, buffers):
        self.sent.append((content, buffers))


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(library, "_sent", False)


def test_what_is_sent_is_the_installed_plotly_compressed():
    source = gzip.decompress(library.compressed())
    assert b"plotly.js v" in source[:100]
    assert len(library.compressed()) < 2_000_000


def test_the_first_card_of_a_kernel_sends_the_library_and_the_others_do_not(monkeypatch):
    monkeypatch.setattr(library, "served_with_lab", lambda: False)
    first, second = Widget(), Widget()
    assert library.provide(first) is True
    assert library.provide(second) is False
    assert first.sent == [({"kind": "plotly"}, [library.compressed()])] and second.sent == []


def test_nothing_is_sent_where_the_server_has_it(monkeypatch):
    monkeypatch.setattr(library, "served_with_lab", lambda: True)
    widget = Widget()
    assert library.provide(widget) is False
    assert widget.sent == []


def test_a_page_that_asks_is_answered_and_other_messages_are_not(monkeypatch):
    monkeypatch.setattr(library, "served_with_lab", lambda: True)
    widget = Widget()
    library.provide(widget)
    for content in ({"kind": "other"}, None, "need-plotly"):
        widget.handler(widget, content, [])
    assert widget.sent == []
    widget.handler(widget, {"kind": "need-plotly"}, [])
    assert len(widget.sent) == 1


def test_a_server_is_trusted_to_have_it_only_when_it_runs_in_this_environment(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(library, "_installed", lambda: True)
    sleep = "import time; time.sleep(60)"
    ours = subprocess.Popen([sys.executable, "-c", sleep])
    try:
        monkeypatch.setenv("JPY_PARENT_PID", str(ours.pid))
        assert library.served_with_lab() is True
        monkeypatch.setattr(library.sys, "executable", str(tmp_path / "bin" / "python"))
        assert library.served_with_lab() is False
    finally:
        ours.kill()
        ours.wait()


@pytest.mark.parametrize("parent", ["", "not a number", "999999999"])
def test_in_doubt_the_library_is_not_taken_for_served(monkeypatch, parent):
    monkeypatch.setattr(library, "_installed", lambda: True)
    monkeypatch.setenv("JPY_PARENT_PID", parent)
    assert library.served_with_lab() is False
