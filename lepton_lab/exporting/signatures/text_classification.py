# SPDX-License-Identifier: BSD-3-Clause
"""How a classifier of texts is exported: token numbers in; probabilities of classes, or a number, out.

The runtime makes tokens from a string (or a pair of strings); the graph holds the model and what turns
its logits into an answer: a softmax, a sigmoid per class, or the scale of the number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.exporting.signature import Graph, Outputs, Score, Signature
from lepton_lab.exporting.signatures import one_class
from lepton_lab.exporting.signatures.odd_texts import is_pair, odd_texts, stand_ins
from lepton_lab.metrics.multilabel import memberships, multilabel_intervals, multilabel_values
from lepton_lab.metrics.regression import regression_intervals, regression_values
from lepton_lab.runtime.labels_output import PROBABILITIES as MEMBERSHIPS
from lepton_lab.runtime.labels_output import THRESHOLD

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.exporting.subject import Subject
    from lepton_lab.runtime.probe import Compute

# As for images: fp32 rounding grows to some 1e-6 of a logit over a dozen of layers, and padding to another
# length adds as much. A mistake (a wrong mask, other positions, another tokenizer) moves probabilities by a
# hundredth and more.
_RELATIVE = 1e-4
_SMALLEST = 1e-5
_NAMES = {
    "class": ("probabilities", "logits"),
    "classes": (MEMBERSHIPS, "logits"),
    "number": ("value",),
}
_OUTPUTS = {"class": "classes", "classes": "labels", "number": "number"}


def _interface(built: BuiltModel) -> dict[str, Any]:
    rule, kind = built.preprocessing, _kind(built.preprocessing)
    shape = ["batch"] if kind == "number" else ["batch", len(built.classes)]
    about: dict[str, Any] = {"kind": _OUTPUTS[kind]}
    if kind == "classes":
        about["threshold"] = THRESHOLD
    if kind == "number":
        about["scale"] = _scale(rule)[1]
    return {
        "input": {
            "kind": "text",
            "formats": ["JSON list of two texts"] if rule.get("pair") else ["text"],
            "arrays": [
                {"name": name, "dtype": "int64", "shape": ["batch", "length"]}
                for name in rule["inputs"]
            ],
        },
        "output": about | {name: {"dtype": "float32", "shape": shape} for name in _NAMES[kind]},
    }


def _graph(subject: Subject) -> Graph:
    import torch

    inner, rule = subject.module(), subject.built.preprocessing
    kind, (mean, spread) = _kind(rule), _scale(rule)

    class TokensToAnswer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor | None = None,
        ) -> tuple[torch.Tensor, ...]:
            logits = self.inner(input_ids, attention_mask, token_type_ids)
            if kind == "number":
                return (logits[:, 0] * spread + mean,)
            if kind == "classes":
                return torch.sigmoid(logits), logits
            return torch.softmax(logits, dim=-1), logits

    example = {name: torch.ones(2, 9, dtype=torch.int64) for name in rule["inputs"]}
    example["input_ids"] = example["input_ids"] * int(rule["pad"])
    dynamic = {name: {0: "batch", 1: "length"} for name in rule["inputs"]}
    return Graph(TokensToAnswer().eval(), example, _NAMES[kind], dynamic)


def _compute(module: torch.nn.Module, rule: Mapping[str, Any]) -> Compute:
    import torch

    device = next(module.parameters()).device
    kind, (mean, spread) = _kind(rule), _scale(rule)

    def compute(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        given = {name: torch.from_numpy(batch[name]).to(device) for name in rule["inputs"]}
        with torch.inference_mode():
            logits = module(**given).float().cpu()
        if kind == "number":
            return {"value": (logits[:, 0] * spread + mean).numpy()}
        found = logits.sigmoid() if kind == "classes" else logits.softmax(dim=-1)
        return {_NAMES[kind][0]: found.numpy(), "logits": logits.numpy()}

    return compute


def _tolerance(reference: Outputs) -> dict[str, float]:
    return {
        name: one_class.PROBABILITY
        if name in ("probabilities", MEMBERSHIPS)
        else max(_SMALLEST, _RELATIVE * max(float(np.abs(one).max(initial=0.0)) for one in values))
        for name, values in reference.items()
    }


def _agrees(reference: Outputs, found: Outputs) -> np.ndarray:
    """Whether answers are the same, up to what the model itself holds for a tie."""
    if "value" in reference:
        limit = 2 * _tolerance(reference)["value"]
        near: np.ndarray = np.abs(np.stack(reference["value"]) - np.stack(found["value"])) <= limit
        return near
    if MEMBERSHIPS in reference:
        wanted, given = np.stack(reference[MEMBERSHIPS]), np.stack(found[MEMBERSHIPS])
        close = np.abs(wanted - THRESHOLD) <= 2 * one_class.PROBABILITY
        same: np.ndarray = (close | ((wanted >= THRESHOLD) == (given >= THRESHOLD))).all(axis=1)
        return same
    return one_class.agrees(reference, found)


def _answer(outputs: Outputs, row: int, labels: Sequence[str]) -> str:
    if "value" in outputs:
        return f"{float(outputs['value'][row]):.6g}"
    if MEMBERSHIPS in outputs:
        values = outputs[MEMBERSHIPS][row]
        chosen = np.flatnonzero(values >= THRESHOLD)
        return ", ".join(f"{labels[int(i)]} {values[i]:.4f}" for i in chosen) or "none"
    return one_class.answer(outputs, row, labels)


def _score(outputs: Outputs, targets: Sequence[Any]) -> Score:
    n, nothing = len(targets), float("nan")
    if "value" in outputs:
        found, truth = np.array(outputs["value"], np.float64), np.array(targets, np.float64)
        if not n:
            return Score("rmse", nothing, nothing, nothing, 0)
        low, high = regression_intervals(found, truth)["rmse"]
        return Score("rmse", regression_values(found, truth)["rmse"], low, high, n)
    if MEMBERSHIPS in outputs:
        name = "average_precision"
        if not n:
            return Score(name, nothing, nothing, nothing, 0)
        shares = np.stack(outputs[MEMBERSHIPS])
        real = memberships(targets, shares.shape[1])
        low, high = multilabel_intervals(shares, real)[name]
        return Score(name, multilabel_values(shares, real)[name], low, high, n)
    return one_class.score(outputs, targets)


def _independent_check(subject: Subject, samples: Sequence[bytes]) -> str:
    """The batch that transformers itself makes of the samples with the same tokenizer."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    from lepton_lab.runtime.inputs import preparer
    from lepton_lab.runtime.text_input import read_text

    rule, files = subject.built.preprocessing, subject.built.files
    data = files[rule["tokenizer"]].decode("utf-8")
    theirs: Any = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(data))  # type: ignore[no-untyped-call]
    most, pair = int(rule["max_length"]), bool(rule.get("pair"))
    ours = preparer(rule, files)
    for sample in samples:
        text = read_text(sample, pair)
        given = text if isinstance(text, tuple) else (text,)
        found = theirs(
            *given, truncation="longest_first", max_length=most, return_token_type_ids=True
        )
        row = ours.prepare(sample)
        for name in rule["inputs"]:
            if found["input_ids"] and found[name] != row[name].tolist():
                return f"transformers makes other {name} of {given[0][:40]!r}"
    return ""


def _suffix(data: bytes) -> str:
    return ".json" if is_pair(data) else ".txt"


def _kind(rule: Mapping[str, Any]) -> str:
    return str(rule.get("labels", "class"))


def _scale(rule: Mapping[str, Any]) -> tuple[float, float]:
    """Mean and spread of the numbers that the model learned."""
    target = rule.get("target") or {"mean": 0.0, "std": 1.0}
    return float(target["mean"]), float(target["std"])


RECORD = Signature(
    name="text-classification",
    description="A text or a pair of texts to its classes, or to a number.",
    interface=_interface,
    graph=_graph,
    compute=_compute,
    odd=odd_texts,
    stand_ins=stand_ins,
    suffix=_suffix,
    tolerance=_tolerance,
    agrees=_agrees,
    answer=_answer,
    score=_score,
    independent_check=_independent_check,
    requirements=("tokenizers>=0.20",),
)
