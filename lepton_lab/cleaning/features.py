# SPDX-License-Identifier: BSD-3-Clause
"""What a backbone says of each sample, computed once and kept by content.

A feature belongs to the bytes of a sample and to a backbone, and to nothing else. So the file of a backbone
serves every data set, survives the kernel, and only new samples are computed. A damaged file is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lepton_lab import durable
from lepton_lab.errors import LeptonError
from lepton_lab.spec import TrainSpec

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Split

_memory: dict[str, dict[str, NDArray[np.float32]]] = {}


def features(
    built: BuiltModel,
    split: Split,
    digests: Sequence[str],
    folder: Path,
    task: str = "image-classification",
) -> NDArray[np.float32]:
    """The input of the model's head for each sample.

    Args:
        built: The backbone; its head is not used.
        split: The samples.
        digests: The content of each, hexadecimal.
        folder: Where they are kept; made when it is missing.
        task: Prepares the samples.

    Returns:
        float32 (N, D).
    """
    name = key(built)
    known = _memory.setdefault(name, {})
    file = folder / f"{name}.safetensors"
    if any(digest not in known for digest in digests):
        known.update({k: v for k, v in _read(file).items() if k not in known})
    wanted = {digest: i for i, digest in reversed(list(enumerate(digests))) if digest not in known}
    if wanted:
        found = _compute(built, split.subset(wanted.values()), task)
        known.update(zip(wanted, found, strict=True))
        with contextlib.suppress(LeptonError):  # without the file they are computed again
            _write(file, known)
    return np.stack([known[digest] for digest in digests])


def key(built: BuiltModel) -> str:
    """16 hex digits of weights without the head, and of how a sample is prepared."""
    hasher = hashlib.sha256(json.dumps([built.preprocessing, built.config.get("name")]).encode())
    for name, data in sorted(built.files.items()):
        hasher.update(name.encode() + data)
    head = set(built.head)
    for name, value in sorted(built.module.state_dict().items()):
        if name not in head:
            hasher.update(name.encode())
            hasher.update(value.detach().cpu().float().contiguous().numpy().tobytes())
    return hasher.hexdigest()[:16]


def _compute(built: BuiltModel, split: Split, task: str) -> NDArray[np.float32]:
    import torch

    from lepton_lab.tasks import tasks
    from lepton_lab.training.evaluate import outputs
    from lepton_lab.training.plan import pick_device

    module = built.module
    home = next(module.parameters()).device
    caught: list[torch.Tensor] = []
    last: dict[str, torch.Tensor] = {}
    owner = _head_of(built)

    def before_head(_: Any, given: tuple[Any, ...]) -> None:
        last["input"] = given[0]

    def after_all(_: Any, given: Any, logits: torch.Tensor) -> None:
        caught.append(_pooled(last.pop("input", logits)).float().cpu())

    hooks = [module.register_forward_hook(after_all)]
    if owner is not None:
        hooks.append(owner.register_forward_pre_hook(before_head))
    try:
        prepared = tasks.get(task).create(built, TrainSpec(), True)
        device = torch.device(pick_device("auto"))
        outputs(prepared, module.to(device), split, device=device)
    finally:
        module.to(home)
        for hook in hooks:
            hook.remove()
    return torch.cat(caught).numpy()


def _head_of(built: BuiltModel) -> torch.nn.Module | None:
    """The last layer of the head; None where there is no head, then the output itself is the feature."""
    parameters = dict(built.module.named_parameters())
    matrices = [name for name in built.head if parameters[name].ndim >= 2]
    return built.module.get_submodule(matrices[-1].rpartition(".")[0]) if matrices else None


def _pooled(value: torch.Tensor) -> torch.Tensor:
    """(N, D): positions of a map (N, D, H, W) or of tokens (N, T, D) are averaged."""
    if value.ndim == 4:
        return value.mean(dim=(2, 3))
    return value.mean(dim=1) if value.ndim == 3 else value


def _read(file: Path) -> dict[str, NDArray[np.float32]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        kept = load_file(file)
        digests = [row.tobytes().hex() for row in kept["digests"]]
        return dict(zip(digests, kept["features"].astype(np.float32), strict=True))
    except (OSError, SafetensorError, KeyError, ValueError):
        return {}


def _write(file: Path, known: dict[str, NDArray[np.float32]]) -> None:
    from safetensors.numpy import save

    digests = np.array([list(bytes.fromhex(digest)) for digest in known], dtype=np.uint8)
    durable.write_bytes(
        file, save({"digests": digests, "features": np.stack(list(known.values()))})
    )
