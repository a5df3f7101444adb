# SPDX-License-Identifier: BSD-3-Clause
"""The card of a run: its chart, its numbers, what was decided for it and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lepton_lab.rendering import Card, duration, escape, learning_rate

if TYPE_CHECKING:
    from lepton_lab.workbench.handle import Run


def run_card(run: Run) -> dict[str, Any]:
    """MIME bundle: text of at most twelve lines, HTML with the chart as a static picture."""
    from lepton_lab.charts.svg import svg

    record = run.record
    plan, best = record["plan"], record.get("best") or {}
    facts = {
        "model": f"{record['model']['name']} ({record['model']['weights']})",
        "data": _data(record["data"]),
    }
    if best:
        metric = best.get("metric", "accuracy")
        value = best.get(metric, float("nan"))
        facts["best"] = (
            f"{best.get('split', 'val')} {metric.replace('_', ' ')} {value:.3f}, epoch {best['epoch']}"
        )
    facts["trained"] = f"{record.get('step', 0)} steps" + (
        f" in {duration(record['seconds'])}" if record.get("seconds") else ""
    )
    facts["settings"] = settings(plan)
    facts["folder"] = str(run.path)
    if record.get("message"):
        facts["message"] = record["message"]
    card = Card(
        f"{run.name}: {record['state']}", facts, next_steps=next_steps(run.name, record["state"])
    )
    reasons = "".join(
        f"<li>{escape(k)} = {escape(plan.get(k))}: {escape(why)}</li>"
        for k, why in plan["reasons"].items()
    )
    details = f"<details><summary>What was decided, and why</summary><ul>{reasons}</ul></details>"
    return {
        "text/plain": card.text(),
        "text/html": card.html() + svg(run.chart.snapshot()) + details,
    }


def settings(plan: dict[str, Any]) -> str:
    """The effective values in one line."""
    return (
        f"{plan['epochs']} epoch{'s' * (plan['epochs'] != 1)}, lr {learning_rate(plan['learning_rate'])}, batch {plan['batch_size']}, "
        f"{plan['precision']} on {plan['device']}, weight decay {plan['weight_decay']:g}, layer decay {plan['layer_decay']:g}"
    )


def next_steps(name: str, state: str) -> list[str]:
    """What one does after a run."""
    if state in ("done", "stopped"):
        return ["%lepton evaluate", "%lepton export --format=onnx"]
    if state in ("failed", "crashed"):
        return [f"%lepton evaluate {name}", "%lepton doctor --last"]
    return [f"%lepton runs {name}"]


def _data(data: dict[str, Any]) -> str:
    splits = ", ".join(f"{name} {count}" for name, count in data["splits"].items())
    return f"{data['name']}: {len(data['classes'])} classes, {splits}"
