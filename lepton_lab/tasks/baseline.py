# SPDX-License-Identifier: BSD-3-Clause
"""Boosted trees grown on the same training rows as the network, so that nobody wonders.

On tables they are hard to beat and take seconds. scikit-learn grows them; they are kept as tables of
numbers among the files of the model, in a folder that is a model of its own: it can be loaded,
evaluated and exported like any other (`lab.load_model(run.path / "assets/baseline")`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel

FOLDER = "baseline"
NAME = "trees"
_MOST_ROWS = 500_000
_SAME = 1e-4
# Up to here scikit-learn does not stop early, and its defaults learn small tables by heart; these smaller steps
# and trees were worth a hundredth of ROC area on 7,000 customers.
_FEW_ROWS = 10_000
_GENTLE = {"learning_rate": 0.05, "max_leaf_nodes": 15, "l2_regularization": 1.0}

logger = logging.getLogger(__name__)


def grow(
    built: BuiltModel, rows: Mapping[str, np.ndarray], targets: np.ndarray, seed: int
) -> dict[str, bytes]:
    """Grow trees on prepared rows and pack them as files; none where there is nothing to grow on.

    Args:
        built: The network, for its classes and preprocessing.
        rows: The training rows as one batch.
        targets: Class indexes (-1 unknown) or numbers (NaN unknown), (N,).
        seed: Chooses the rows of very large tables, and those that early stopping looks at.
    """
    from lepton_lab.catalog.tabular_models import TREES, pack
    from lepton_lab.catalog.trees import from_scikit_learn

    known = targets >= 0 if built.classes else ~np.isnan(targets)
    chosen = np.flatnonzero(known)
    if len(chosen) > _MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, _MOST_ROWS, replace=False))
    x = np.concatenate([values.astype(np.float32) for values in rows.values()], 1)[chosen]
    y = targets[chosen]
    if len(chosen) < 2 or (built.classes and len(np.unique(y)) < len(built.classes)):
        return {}
    if not built.classes:
        number = built.preprocessing["number"]
        y = (y - number["mean"]) / number["std"]
    model = _fitted(x, y, bool(built.classes), seed)
    outputs = len(built.classes) or 1
    trees = from_scikit_learn(model, outputs)
    if not _same(model, trees, rows, chosen, x, bool(built.classes)):
        logger.warning(
            "the boosted trees could not be taken over from this version of scikit-learn"
        )
        return {}
    config = {
        "source": "tabular",
        "name": TREES,
        "network": "trees",
        "task": built.config["task"],
        "numbers": built.config["numbers"],
        "categories": built.config["categories"],
        "outputs": outputs,
        "trees": len(trees.value),
        "nodes": int(trees.value.shape[1]),
        "depth": trees.depth,
    }
    packed = pack(trees, config, built.classes, built.preprocessing)
    return {f"{FOLDER}/{name}": data for name, data in packed.items()}


def of(files: Mapping[str, bytes]) -> BuiltModel | None:
    """The trees among the files of a model, or None."""
    from lepton_lab.catalog.tabular_models import unpack

    part = {
        name.removeprefix(f"{FOLDER}/"): data
        for name, data in files.items()
        if name.startswith(f"{FOLDER}/")
    }
    return unpack(part) if part else None


def about(files: Mapping[str, bytes]) -> Mapping[str, Any]:
    """The configuration of the trees among the files; empty where there are none."""
    found: Mapping[str, Any] = json.loads(files.get(f"{FOLDER}/config.json", b"{}"))
    return found


def _fitted(x: np.ndarray, y: np.ndarray, classes: bool, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    options = _GENTLE if len(x) <= _FEW_ROWS else {}
    return kind(random_state=seed, **options).fit(x, y)


def _same(
    model: Any,
    trees: Any,
    rows: Mapping[str, np.ndarray],
    chosen: np.ndarray,
    x: np.ndarray,
    classes: bool,
) -> bool:
    """Whether the module answers as scikit-learn does, on the rows that the trees grew on."""
    import torch

    some = chosen[:2000]
    parts = [
        torch.from_numpy(rows[n][some]) if n in rows else None for n in ("numbers", "categories")
    ]
    with torch.inference_mode():
        found = trees(*parts)
    ours = found.softmax(1).numpy() if classes else found[:, 0].numpy()
    theirs = model.predict_proba(x[:2000]) if classes else model.predict(x[:2000])
    return bool(np.abs(ours - theirs).max() <= _SAME * max(1.0, float(np.abs(theirs).max())))
