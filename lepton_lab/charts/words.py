# SPDX-License-Identifier: BSD-3-Clause
"""A run in words: the headline, the terminal's line, the summary of a saved cell.

The words are the same in a widget, in a terminal and in a saved notebook, so that a run is read the
same way everywhere. State is always a word with an icon, never a color.
"""

from __future__ import annotations

import math
import time

from lepton_lab.charts.history import Snapshot
from lepton_lab.rendering import TEXT_LINES, duration, learning_rate, visible

ICONS = {
    "starting": "◌",
    "running": "●",
    "stopping": "●",
    "paused": "⏸",
    "done": "✓",
    "stopped": "■",
    "failed": "✗",
    "interrupted": "■",
}


def headline(view: Snapshot) -> str:
    """One line: icon, state, how far, and which run."""
    name = f" · {visible(view.about.run)}" if view.about.run else ""
    return f"{ICONS.get(view.state, '●')} {state(view)}{name}"


def state(view: Snapshot) -> str:
    """The state in words, with the place where the run is or ended."""
    where = f"step {view.step}" + (f"/{view.total_steps}" if view.total_steps else "")
    if view.epochs and view.epoch and not view.ended:
        where = f"epoch {view.epoch}/{view.epochs} · {where}"
    sentences = {
        "starting": "Preparing",
        "running": f"Training · {where}",
        "stopping": f"Stopping after this step · {where}",
        "paused": f"Paused at step {view.step}",
        "done": f"Done in {duration(view.elapsed)}",
        "stopped": f"Stopped at step {view.step} after {duration(view.elapsed)}",
        "failed": f"Failed at step {view.step}",
        "interrupted": f"Interrupted at step {view.step}",
    }
    return sentences.get(view.state, view.state)


def progress(view: Snapshot) -> str:
    """Percent, rate and time left: what stands beside the bar."""
    parts = [f"{math.floor(view.fraction * 100)} %"] if view.total_steps else []
    rate = view.steps_per_second
    if rate is not None:
        parts.append(f"{rate:.1f} steps/s" if rate < 100 else f"{rate:.0f} steps/s")
    if view.ended:
        parts.append(f"took {duration(view.elapsed)}")
    elif view.seconds_left is not None:
        parts.append(f"{duration(view.seconds_left)} left")
    if view.ends_between is not None:
        form = "%H:%M:%S" if view.ends_between[1] - view.now < 600 else "%H:%M"
        first, last = (time.strftime(form, time.localtime(end)) for end in view.ends_between)
        parts.append(f"ends between {first} and {last}")
    return " · ".join(parts)


def facts(view: Snapshot) -> list[tuple[str, str]]:
    """The latest numbers, label by label; a number that is not finite is said so."""
    found: list[tuple[str, str]] = []
    loss = view.last("loss")
    if loss is not None:
        found.append(("train loss", number(loss)))
    drawn = ("loss", view.metric)
    found += [
        (f"{visible(split)} {visible(name)}", number(float(values[-1])))
        for (split, name), (_, values) in view.metrics.items()
        if len(values) and name in drawn
    ]
    if view.best_step and view.metric in view.best:
        found.append(("best ▲", f"{number(view.best[view.metric])} at step {view.best_step}"))
    rate, speed, memory = (
        view.last("learning_rate"),
        view.last("samples_per_second"),
        view.last("memory"),
    )
    if rate is not None:
        found.append(("learning rate", learning_rate(rate) if rate else "0"))
    if speed is not None:
        found.append(("samples/s", f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}"))
    if memory:
        found.append(
            ("memory", f"{memory / 1e9:.1f} GB" if memory >= 1e9 else f"{memory / 1e6:.0f} MB")
        )
    return found


def number(value: float) -> str:
    """A metric or a loss, short.

    >>> number(0.93412), number(float("nan")), number(1234.5)
    ('0.934', 'not a number', '1234')
    """
    if math.isnan(value):
        return "not a number"
    return (
        f"{value:.3f}"
        if abs(value) < 100 and (abs(value) >= 0.01 or value == 0)
        else f"{value:.4g}"
    )


def caption(view: Snapshot, width: int) -> list[str]:
    """The headline, then what was trained and its numbers in lines of about `width` characters."""
    lines = [headline(view)]
    for part in (what(view), *(f"{label} {value}" for label, value in facts(view))):
        if len(lines) > 1 and len(lines[-1]) + len(part) + 3 <= width:
            lines[-1] += f" · {part}"
        elif part:
            lines.append(part)
    return lines


def line(view: Snapshot) -> str:
    """A run in one line, as a terminal shows it."""
    parts = [state(view)]
    if view.state != "starting":
        parts += [progress(view)] if not view.ended else []
        parts += [f"{label} {value}" for label, value in facts(view)]
    return " · ".join(part for part in parts if part)


def summary(view: Snapshot) -> str:
    """At most twelve lines: state, what was trained on what, numbers, alerts."""
    rows = [("", what(view))] if what(view) else []
    steps = f"{view.step}" + (f" of {view.total_steps}" if view.total_steps else "")
    rows += [("steps", steps)] if view.step else []
    rows += facts(view)
    if view.saved:
        rows.append(("checkpoint", visible(view.saved.path)))
    width = max((len(label) for label, _ in rows), default=0)
    lines = [headline(view), *([_cut(view.message)] if view.message else [])]
    lines += [f"{label:<{width}}  {value}" if label else value for label, value in rows]
    troubles = [alert for alert in view.alerts if alert.level != "info"]
    room = max(TEXT_LINES - len(lines), 0)
    lines += [
        f"{alert.level} at step {alert.step}: {_cut(alert.message)}"
        for alert in troubles[-room:]
        if room
    ]
    return "\n".join(lines[:TEXT_LINES])


def what(view: Snapshot) -> str:
    """Which model on which data, and where."""
    about = view.about
    what = " on ".join(visible(part) for part in (about.model, about.data) if part)
    return what + (f" ({visible(about.device)})" if what and about.device else "")


def _cut(text: str, width: int = 160) -> str:
    """One line of at most `width` characters."""
    flat = visible(" ".join(text.split()))
    return flat if len(flat) <= width else flat[: width - 1] + "…"
