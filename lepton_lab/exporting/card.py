# SPDX-License-Identifier: BSD-3-Clause
"""MODEL_CARD.md: the manifest and the certificate for people, and nothing that is not in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lepton_lab.exporting.registered import formats
from lepton_lab.rendering import interval, visible

_LABELS = 50
_FEW = 20
_MARKUP = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>#|&~$"})


def model_card(manifest: Mapping[str, Any], certificate: Mapping[str, Any]) -> str:
    """The card as Markdown.

    Args:
        manifest: As in manifest.json.
        certificate: As in certificate.json.
    """
    facts = dict(manifest["provenance"])
    metrics = facts.pop("metrics") if "values" in facts.get("metrics", ()) else {}
    data = facts.pop("data") if isinstance(facts.get("data"), Mapping) else {}
    sections = (
        _what(manifest),
        _use(manifest),
        _results(metrics),
        _data(data),
        _origin(manifest, facts),
        _proof(certificate),
        _limits(certificate, metrics, data),
        _hashes(manifest["files"]),
    )
    return "\n".join(line for section in sections for line in (*section, ""))


def _what(manifest: Mapping[str, Any]) -> Iterable[str]:
    labels = manifest["labels"]
    rest = f" … {len(labels) - _LABELS} more" if len(labels) > _LABELS else ""
    graph = manifest["input"].get("graph", {})
    yield f"# {_text(manifest['name'])}"
    yield ""
    yield f"- task: {_text(manifest['task'])}"
    if not manifest["trained"]:
        yield "- **untrained**: the weights are random; the answers mean nothing"
    if labels:
        yield f"- classes ({len(labels)}): {', '.join(map(_text, labels[:_LABELS]))}{rest}"
    sides = " × ".join(map(str, graph.get("shape", ())))
    shape = f", prepared to {_text(sides)} {_text(graph['dtype'])}" if graph else ""
    yield f"- input: {_text(manifest['input']['kind'])}{shape}"
    yield f"- licence of the starting weights: {_text(manifest['licence'])}"


def _use(manifest: Mapping[str, Any]) -> Iterable[str]:
    yield "## Use"
    yield ""
    yield "```sh"
    yield "pip install -r requirements.txt"
    yield from (formats.get(name).usage for name in manifest["formats"])
    yield "python -m lepton_runtime verify"
    yield "```"
    reads = manifest["architecture"].get("reads")
    if reads and "safetensors" in manifest["formats"]:
        yield ""
        yield _text(reads)


def _results(metrics: Mapping[str, Any]) -> Iterable[str]:
    """Every metric with its interval, then every class."""
    if not metrics:
        return
    yield f"## Results on the {_text(metrics['split'])} split (n = {metrics['n']})"
    yield ""
    yield from _table(
        ("metric", "value", "95 % interval"),
        [(k, _number(v), " to ".join(map(_number, metrics["intervals"].get(k, ()))) or "–") for k, v in metrics["values"].items()],
    )
    columns = metrics.get("per_class", {})
    if columns:
        rows = list(zip(*columns.values(), strict=True))
        yield ""
        yield from _table(tuple(columns), rows[:_LABELS])
        if len(rows) > _LABELS:
            yield ""
            yield f"… {len(rows) - _LABELS} more classes"


def _data(data: Mapping[str, Any]) -> Iterable[str]:
    """What it learned from, and what the audit of it found."""
    if not data:
        return
    facts = dict(data)
    found = facts.pop("audit", None)
    facts.pop("classes", None)
    yield "## Data"
    yield ""
    for key, value in facts.items():
        yield from _fact(key, value)
    if found is not None:
        yield f"- audit: {len(found)} findings" if found else "- audit: no findings"
        yield from (f"  - {_text(line)}" for line in found)


def _origin(manifest: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterable[str]:
    yield "## Origin"
    yield ""
    yield f"- starting weights: {_text(facts.get('starting_weights', manifest['weights']))}"
    for key, value in facts.items():
        if key != "starting_weights":
            yield from _fact(key, value)
    yield f"- made with: {_text(_flat(manifest['versions']))}"
    yield f"- written: {_text(manifest['created'])}"


def _fact(key: str, value: Any, depth: int = 0) -> Iterable[str]:
    """A fact on a line of its own; what is in it below, indented."""
    indent, name = "  " * depth, _text(key).replace("\\_", " ")
    if isinstance(value, Mapping):
        yield f"{indent}- {name}:"
        for inner, item in value.items():
            yield from _fact(inner, item, depth + 1)
    elif value not in ("", None, (), []):
        yield f"{indent}- {name}: {_text(_flat(value))}"


def _proof(certificate: Mapping[str, Any]) -> Iterable[str]:
    tried = certificate["samples"]
    yield "## Compared with the model it was exported from"
    yield ""
    real = (
        f"{tried['real']} held-out samples"
        if tried["real"]
        else "generated samples (no data given)"
    )
    sizes = _flat(certificate["batch_sizes"])
    yield f"{real} and {tried['odd']} awkward ones, in batches of {sizes}."
    yield ""
    yield "| format | agreement | largest difference | tolerance | metric before | after |"
    yield "|---|---|---|---|---|---|"
    for name, found in certificate["formats"].items():
        metric = found["metric"] or {}
        cells = [
            name,
            f"{found['agreement']:.3f}",
            ", ".join(f"{key} {gap:.1e}" for key, gap in found["largest_difference"].items()),
            ", ".join(f"{key} {limit:.0e}" for key, limit in certificate["tolerance"].items()),
            score_text(metric.get("before")),
            score_text(metric.get("after")),
        ]
        yield f"| {' | '.join(cells)} |"
    refused = certificate.get("refused") or {}
    if refused:
        yield ""
        yield "Left out:"
        yield from (f"- {_text(name)}: {_text(why)}" for name, why in refused.items())


def _limits(
    certificate: Mapping[str, Any], metrics: Mapping[str, Any], data: Mapping[str, Any]
) -> Iterable[str]:
    yield "## Know before use"
    yield ""
    yield "- `golden/` holds samples of the validation data; look at them before you share this."
    if certificate["metric"]:
        n = certificate["metric"]["n"]
        yield f"- The metric was measured on {n} held-out samples of the same data, not on yours."
    if metrics.get("split") == "val":
        yield "- The same split chose the best epoch, so these results are somewhat too good."
    if data.get("classes"):
        yield "- An input of another kind gets one of the classes above all the same."
    few = _few(metrics.get("per_class", {}))
    if few:
        yield f"- Fewer than {_FEW} samples were there to judge: {', '.join(map(_text, few))}."
    if data and data.get("licence", "not stated") == "not stated":
        yield "- The licence of the data is not stated."


def _few(columns: Mapping[str, Any]) -> list[Any]:
    """Classes with too few samples to say much about them."""
    return [name for name, n in zip(columns.get("class", ()), columns.get("n", ()), strict=False) if n < _FEW]


def _hashes(files: Mapping[str, Any]) -> Iterable[str]:
    """What identifies the model, whatever it is called."""
    models = {name: facts for name, facts in files.items() if name.startswith("model")}
    if models:
        yield "## Hashes"
        yield ""
        yield from _table(("file", "bytes", "sha256"), [(k, v["size"], v["sha256"]) for k, v in models.items()])


def _table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterable[str]:
    names = [_text(name) for name in columns]
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, (list, tuple)):
        return " to ".join(map(_cell, value))
    return _number(value) if isinstance(value, float) else _text(value)


def _number(value: float) -> str:
    return f"{value:.3f}"


def score_text(score: Mapping[str, Any] | None) -> str:
    """A metric with its interval, or a dash where no sample had a known class."""
    if not score:
        return "–"
    return f"{score['name']} {interval(score['value'], score['low'], score['high'], score['n'])}"


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_flat(item)}" for key, item in value.items())
    return ", ".join(map(_flat, value)) if isinstance(value, (list, tuple)) else str(value)


def _text(value: object) -> str:
    """Text that Markdown shows as it is: one line, no markup, no HTML."""
    return visible(" ".join(str(value).split())).translate(_MARKUP)
