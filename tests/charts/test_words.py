# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pytest

from lepton_lab.charts import History, summary, text_line, words
from lepton_lab.events import Alert, Controlled, RunEnded


def test_the_line_of_a_run_under_way_says_everything_in_one_line(make_run):
    history = History.from_events(make_run()[:50])
    assert text_line(history) == (
        "Training · epoch 3/5 · step 45/100 · 45 % · 10.0 steps/s · 7.5 s left · "
        "train loss 0.107 · val loss 0.050 · val accuracy 0.975 · "
        "best ▲ 0.975 at step 40 · learning rate 9.56e-4 · "
        "samples/s 63 · memory 2.0 GB"
    )


def test_the_summary_of_a_run_is_at_most_twelve_lines_with_the_numbers(make_run):
    events = make_run()
    alerts = [Alert(3, "warning", f"alert {i}\nwith a second line") for i in range(20)]
    lines = summary(History.from_events([*events[:-1], *alerts, events[-1]])).split("\n")
    assert lines[:3] == [
        "✓ Done in 15.0 s · pets-3",
        "resnet18 on pets (cpu)",
        "steps          100 of 100",
    ]
    assert "val accuracy   0.990" in lines
    assert len(lines) <= 12


def test_a_failed_run_says_why(make_run):
    history = History.from_events(
        [*make_run()[:30], RunEnded(27, 2, "failed", 4.0, "The loss became NaN.")]
    )
    assert summary(history).split("\n")[:2] == [
        "✗ Failed at step 27 · pets-3",
        "The loss became NaN.",
    ]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("pause", "⏸ Paused at step 27 · pets-3"),
        ("stop", "● Stopping after this step · epoch 2/5 · step 27/100 · pets-3"),
    ],
)
def test_the_state_is_a_word_with_an_icon(make_run, action, expected):
    history = History.from_events([*make_run()[:30], Controlled(27, action, time=1004.0)])
    assert words.headline(history.snapshot()) == expected


def test_a_loss_that_is_not_a_number_is_said_so(make_run):
    assert "train loss not a number" in text_line(History.from_events(make_run(nan=(10,))[:11]))


def test_control_characters_in_names_are_made_visible(make_run):
    history = History.from_events(make_run(name="a\x1b[31m\nb"))
    assert (
        "\x1b" not in summary(history) and "a\ufffd[31m\ufffdb" in summary(history).split("\n")[0]
    )
