# SPDX-License-Identifier: BSD-3-Clause
"""The head of a sentence model starts as the best linear one, so that fine-tuning only has to refine.

A random head pulls the backbone about before it knows anything itself, which spoils what was pretrained
(Kumar et al., "Fine-Tuning can Distort Pretrained Features", arXiv 2202.10054). The vectors of some training
texts are computed once and a regularized linear model is fitted to them; for most sentence models that
is a good classifier already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.datasets.sampler import order
from lepton_lab.metrics.multilabel import memberships
from lepton_lab.runtime.inputs import Row, preparer

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset

# Operations of the backbone that a start may cost: under a minute of one core.
_WORK = 2e12
_BATCH = 32
# Of the weights, per squared length of a vector; the middle of what serves a hundred to ten thousand texts.
_DECAY = 1e-5
_STEPS = 100


def start_head(built: BuiltModel, data: Dataset, seed: int) -> int:
    """Fit the head of a `PooledText` to the vectors of training texts, as many as are cheap.

    Args:
        built: The model, pretrained, with a head for the labels of the data.
        data: The training split is used.
        seed: Chooses the texts where not all are used.

    Returns:
        The number of texts; 0 leaves the head as it is.
    """
    import torch

    module: Any = built.module
    rows, labels = _chosen(built, data, seed)
    if len(rows) < 2:
        return 0
    vectors = _vectors(module, preparer(built.preprocessing, built.files), rows)
    targets = torch.from_numpy(_targets(built, labels))
    # Without the usual initial values, which would move the global random state.
    made: Any = torch.nn.utils.skip_init
    head: Any = made(torch.nn.Linear, vectors.shape[1], module.head.out_features)
    with torch.no_grad():
        for values in head.parameters():
            values.zero_()
    decay = _DECAY * float((vectors**2).sum(1).mean())
    search: dict[str, Any] = {"max_iter": _STEPS, "line_search_fn": "strong_wolfe"}
    optimizer: Any = torch.optim.LBFGS(head.parameters(), **search)

    def closure() -> Any:
        optimizer.zero_grad()
        size = sum((values**2).sum() for values in head.parameters())
        loss = _loss(head(vectors), targets, built.preprocessing["labels"]) + decay * size
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)
    if all(bool(values.isfinite().all()) for values in head.parameters()):
        module.head.load_state_dict(head.state_dict())
        return len(rows)
    return 0


def _chosen(built: BuiltModel, data: Dataset, seed: int) -> tuple[list[Row], list[Any]]:
    """Prepared texts with a known label, in random order, until the work is done; and their labels."""
    ready = preparer(built.preprocessing, built.files)
    tables = {id(m.weight) for m in built.module.modules() if type(m).__name__ == "Embedding"}
    cost = 2.0 * sum(p.numel() for p in built.module.parameters() if id(p) not in tables)
    rows: list[Row] = []
    labels: list[Any] = []
    work = 0.0
    for index in order(seed, 0, len(data.train)):
        label = data.train[int(index)].label
        if label is None:
            continue
        if work > _WORK:
            break
        rows.append(ready.prepare(data.train.read(int(index))))
        labels.append(label)
        work += cost * len(rows[-1]["input_ids"])
    return rows, labels


def _vectors(module: Any, ready: Any, rows: list[Row]) -> torch.Tensor:
    """The vectors of texts, float32 (N, width), in their order; those of like length go together."""
    import torch

    by_length = np.argsort([len(row["input_ids"]) for row in rows], kind="stable")
    found = torch.zeros(len(rows), module.head.in_features)
    training = module.training
    module.eval()
    with torch.no_grad():
        for start in range(0, len(rows), _BATCH):
            part = by_length[start : start + _BATCH]
            batch = ready.collate([rows[int(i)] for i in part])
            given = {name: torch.from_numpy(values) for name, values in batch.items()}
            found[torch.from_numpy(part)] = module.vectors(**given).float()
    module.train(training)
    return found


def _targets(built: BuiltModel, labels: list[Any]) -> np.ndarray:
    """Class indexes (N,), memberships (N, C), or numbers on the scale of the model (N,)."""
    kind = built.preprocessing["labels"]
    if kind == "class":
        return np.array(labels, np.int64)
    if kind == "classes":
        return np.asarray(memberships(labels, len(built.classes)), np.float32)
    scale = built.preprocessing["target"]
    return np.asarray((np.array(labels, np.float64) - scale["mean"]) / scale["std"], np.float32)


def _loss(logits: torch.Tensor, targets: torch.Tensor, kind: str) -> torch.Tensor:
    import torch.nn.functional as F

    if kind == "class":
        return F.cross_entropy(logits, targets)
    if kind == "classes":
        return F.binary_cross_entropy_with_logits(logits, targets)
    return F.mse_loss(logits[:, 0], targets)
