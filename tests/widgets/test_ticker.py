# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import threading

from lepton_lab.widgets.ticker import Ticker


def test_it_ticks_until_the_end_then_finishes_once_on_its_own_thread():
    seen, enough = [], threading.Event()

    def tick():
        seen.append(("tick", threading.current_thread().name))
        if len(seen) >= 3:
            enough.set()
        return 0.001

    ticker = Ticker(tick, lambda: seen.append(("finish", threading.current_thread().name)))
    assert enough.wait(10)
    ticker.end()
    ticker.end()
    assert ticker.wait()
    assert [kind for kind, _ in seen].count("finish") == 1
    assert seen[-1] == ("finish", "lepton-view") and {name for _, name in seen} == {"lepton-view"}


def test_a_picture_that_fails_does_not_keep_the_last_one_from_being_drawn(caplog):
    finished = threading.Event()

    def tick():
        raise RuntimeError("no picture")

    ticker = Ticker(tick, finished.set)
    ticker.end()
    assert ticker.wait() and finished.is_set()


def test_waiting_ends_also_when_the_last_picture_fails(caplog):
    def finish():
        raise RuntimeError("no picture")

    ticker = Ticker(lambda: 0.001, finish)
    ticker.end()
    assert ticker.wait()
    assert "could not be drawn" in caplog.text


def test_it_may_wait_for_itself():
    waited = []
    ready = threading.Event()

    def finish():
        ready.wait(10)
        waited.append(ticker.wait())

    ticker = Ticker(lambda: 0.001, finish)
    ready.set()
    ticker.end()
    assert ticker.wait() and waited == [True]
