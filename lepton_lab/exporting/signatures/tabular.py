# SPDX-License-Identifier: BSD-3-Clause
"""How models of rows are exported: a row as JSON in, class probabilities or a number out.

The runtime makes numbers and category indexes of a row by the plan of the columns; the graph holds the
network and what turns its output into probabilities or into the target's own unit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.errors import LeptonError
from lepton_lab.exporting.signature import Graph, Outputs, Score, Signature
from lepton_lab.exporting.signatures import one_class
from lepton_lab.metrics.regression import regression_intervals, regression_values

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.exporting.subject import ExportSample, Subject
    from lepton_lab.runtime.probe import Compute

# Networks of rows have a few layers, so rounding in fp32 moves a logit by some 1e-6 of the largest one.
# Trees compare the same float32 numbers with the same thresholds on both sides, so no row can fall
# into another leaf; only the sum of a hundred leaves may be rounded otherwise (1e-6).
_RELATIVE = 1e-4
_MOST_ODD = 3


def _input(built: BuiltModel) -> dict[str, Any]:
    columns = []
    for column in built.preprocessing["columns"]:
        about = {"name": column["name"], "kind": column["kind"]}
        if column["kind"] == "date":
            about["formats"] = column["formats"]
        columns.append(about)
    return {"kind": "row", "formats": ["JSON object"], "columns": columns}


def _classes_interface(built: BuiltModel) -> dict[str, Any]:
    shape = {"dtype": "float32", "shape": ["batch", len(built.classes)]}
    decision = built.preprocessing.get("decision") or {}
    return {
        "input": _input(built),
        "output": {"kind": "classes", "probabilities": shape, "logits": shape, **decision},
    }


def _number_interface(built: BuiltModel) -> dict[str, Any]:
    number = {"dtype": "float32", "shape": ["batch"]}
    about = {"kind": "number", "value": number, "name": built.preprocessing.get("target", "")}
    return {
        "input": _input(built),
        "output": about | {"scale": built.preprocessing["number"]["std"]},
    }


def _classes_graph(subject: Subject) -> Graph:
    def probabilities(logits: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return logits.softmax(-1), logits

    return _graph(subject, probabilities, ("probabilities", "logits"))


def _number_graph(subject: Subject) -> Graph:
    number = subject.built.preprocessing["number"]

    def unit(raw: torch.Tensor) -> tuple[torch.Tensor, ...]:
        # In fp64: a year is a large number with a small spread.
        return ((raw[:, 0].double() * number["std"] + number["mean"]).float(),)

    return _graph(subject, unit, ("value",))


def _graph(
    subject: Subject,
    answer: Callable[[torch.Tensor], tuple[torch.Tensor, ...]],
    outputs: tuple[str, ...],
) -> Graph:
    """The network between the inputs that its table has and its answer."""
    import torch

    from lepton_lab.catalog.tabular_models import shape_of

    inner = subject.module()
    numbers, categories = shape_of(subject.built.preprocessing["columns"])

    class Answer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

    class OfBoth(Answer):
        def forward(
            self, numbers: torch.Tensor, categories: torch.Tensor
        ) -> tuple[torch.Tensor, ...]:
            return answer(self.inner(numbers, categories))

    class OfNumbers(Answer):
        def forward(self, numbers: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return answer(self.inner(numbers, None))

    class OfCategories(Answer):
        def forward(self, categories: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return answer(self.inner(None, categories))

    example = {}
    if numbers:
        example["numbers"] = torch.zeros(2, numbers)
    if categories:
        example["categories"] = torch.zeros(2, len(categories), dtype=torch.int64)
    kind = OfBoth if len(example) == 2 else OfNumbers if numbers else OfCategories
    return Graph(kind().eval(), example, outputs, {name: {0: "batch"} for name in example})


def _raw(module: torch.nn.Module, batch: Mapping[str, np.ndarray]) -> torch.Tensor:
    import torch

    device = next(module.parameters()).device
    parts = [
        torch.from_numpy(batch[name]).to(device) if name in batch else None
        for name in ("numbers", "categories")
    ]
    with torch.inference_mode():
        found: torch.Tensor = module(*parts).float().cpu()
    return found


def _classes_compute(module: torch.nn.Module, rule: Mapping[str, Any]) -> Compute:
    def compute(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        logits = _raw(module, batch).numpy()
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return {"probabilities": odds / odds.sum(axis=1, keepdims=True), "logits": logits}

    return compute


def _number_compute(module: torch.nn.Module, rule: Mapping[str, Any]) -> Compute:
    number = rule["number"]

    def compute(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        raw = _raw(module, batch).numpy()[:, 0].astype(np.float64)
        return {"value": (raw * number["std"] + number["mean"]).astype(np.float32)}

    return compute


def odd_rows(samples: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """Rows as users get them wrong: everything missing, unknown words, numbers out of all bounds.

    Args:
        samples: Real rows as JSON.

    Returns:
        (kind, JSON). Some are refused by the runtime, and then by both sides.
    """
    found = []
    for number, data in enumerate(samples[:_MOST_ODD]):
        row = json.loads(data)
        made = {
            "nothing-known": dict.fromkeys(row),
            "empty-texts": dict.fromkeys(row, ""),
            "unknown-words": {k: "a word never seen" if _is_word(v) else v for k, v in row.items()},
            "huge-numbers": {k: v if _is_word(v) else 1e12 for k, v in row.items()},
            "numbers-not-texts": {k: v if _is_word(v) else float(v) for k, v in row.items()},
            "more-columns": {**row, "a column never seen": [1, 2], "": None},
            "other-order": dict(reversed(row.items())),
            "a-million-letters": {k: "x" * 1_000_000 if _is_word(v) else v for k, v in row.items()},
        }
        found += [(f"{kind}-{number}", json.dumps(r).encode()) for kind, r in made.items()]
        found.append(
            (f"byte-order-mark-{number}", b"\xef\xbb\xbf" + json.dumps(row).encode("utf-8"))
        )
    return found


def _is_word(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return True
    return False


def _stand_ins() -> list[ExportSample]:
    raise LeptonError(
        "A model of rows is proven on rows of its table, and there are none here.",
        "Rows cannot be made up: their columns mean something.",
        "model.export(data=lab.data('customers.csv'))",
    )


def _number_tolerance(reference: Outputs) -> dict[str, float]:
    """A ten-thousandth of how far the answers themselves lie apart, and never less than fp32 can tell."""
    values = np.array([float(value) for value in reference["value"]])
    return {
        "value": max(_RELATIVE * float(np.ptp(values)), 1e-6 * float(np.abs(values).max()), 1e-9)
    }


def _numbers_agree(reference: Outputs, found: Outputs) -> np.ndarray:
    wanted, given = (np.array([float(v) for v in side["value"]]) for side in (reference, found))
    close: np.ndarray = np.abs(wanted - given) <= _number_tolerance(reference)["value"]
    return close


def _number_score(outputs: Outputs, targets: Sequence[float]) -> Score:
    if not len(targets):
        return Score("mae", float("nan"), float("nan"), float("nan"), 0)
    found = np.array([float(value) for value in outputs["value"]])
    low, high = regression_intervals(found, targets)["mae"]
    return Score("mae", regression_values(found, targets)["mae"], low, high, len(targets))


def _carries(name: str) -> bool:
    """The trees beside a network are a model of their own."""
    return not name.startswith("baseline/")


CLASSIFICATION = Signature(
    name="tabular-classification",
    description="A row as JSON to class probabilities.",
    interface=_classes_interface,
    graph=_classes_graph,
    compute=_classes_compute,
    odd=odd_rows,
    stand_ins=_stand_ins,
    suffix=lambda data: ".json",
    tolerance=one_class.tolerance,
    agrees=one_class.agrees,
    answer=one_class.answer,
    score=one_class.score,
    independent_check=lambda subject, samples: "",
    carries=_carries,
    golden=1e-3,
)

REGRESSION = Signature(
    name="tabular-regression",
    description="A row as JSON to a number.",
    interface=_number_interface,
    graph=_number_graph,
    compute=_number_compute,
    odd=odd_rows,
    stand_ins=_stand_ins,
    suffix=lambda data: ".json",
    tolerance=_number_tolerance,
    agrees=_numbers_agree,
    answer=lambda outputs, row, labels: f"{float(outputs['value'][row]):.6g}",
    score=_number_score,
    independent_check=lambda subject, samples: "",
    carries=_carries,
    golden=1e-3,
)
