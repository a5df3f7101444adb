# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints: everything that decides how a run goes on, as safetensors and JSON.

A checkpoint is a folder `step-N` with the weights, their average, the optimizer's state and a
`state.json` that names every file with its hash, and has one of its own. It appears whole or not at all. Order, augmentation,
dropout and the learning rate are pure functions of (seed, step), so no generator state is needed. A
damaged checkpoint is passed over for the one before it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from lepton_lab import durable
from lepton_lab.errors import StorageError

FORMAT = 1
KEEP = 2


def save(folder: Path, step: int, trees: Mapping[str, Any], facts: Mapping[str, Any]) -> Path:
    """Write `folder/step-N`.

    Args:
        folder: The run's checkpoint folder.
        step: Optimizer steps taken.
        trees: Name -> nested dicts and lists of tensors and plain values (a `state_dict`).
        facts: Plain JSON values (epoch, best, ...).

    Raises:
        StorageError: The disk is full; nothing appears and earlier checkpoints are untouched.
    """
    path = folder / f"step-{step}"
    with durable.new_directory(path) as aside:
        skeletons, files = {}, {}
        for name, tree in trees.items():
            tensors: dict[str, torch.Tensor] = {}
            skeletons[name] = _take_apart(tree, name, tensors)
            file = aside / f"{name}.safetensors"
            _save_tensors(tensors, file)
            files[file.name] = _digest(file)
        state = {"format": FORMAT, "step": step, "files": files, "trees": skeletons, **facts}
        durable.write_json(aside / "state.json", {**state, "hash": _state_digest(state)})
    return path


def load(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The trees and the facts of a checkpoint, hashes checked first; tensors on the CPU.

    Raises:
        StorageError: A file is missing or is not what was written; the message names it.
    """
    state = read_state(path)
    trees = {}
    for name, skeleton in state["trees"].items():
        trees[name] = _put_together(skeleton, tensors(path, name, state))
    own = ("trees", "files", "hash")
    return trees, {key: value for key, value in state.items() if key not in own}


def read_state(path: Path) -> dict[str, Any]:
    """The content of a checkpoint's `state.json`. Raises StorageError when it is not what was written."""
    state = durable.read_json(path / "state.json")
    if not isinstance(state, dict) or state.pop("hash", None) != _state_digest(state):
        raise _damaged(path, "state.json")
    return state


def tensors(
    path: Path, name: str, state: Mapping[str, Any] | None = None
) -> dict[str, torch.Tensor]:
    """The tensors of one tree of a checkpoint, by their path in it. Raises StorageError as `load`."""
    state = state or read_state(path)
    file = path / f"{name}.safetensors"
    if not file.is_file() or _digest(file) != state["files"].get(file.name):
        raise _damaged(path, file.name)
    return load_file(file)


def _damaged(path: Path, file: str) -> StorageError:
    return StorageError(
        f"The checkpoint {path.name} is damaged: {file} is not what was written.",
        "The checkpoint before it is used where there is one.",
    )


def weights(path: Path, name: str = "model") -> dict[str, torch.Tensor]:
    """A `state_dict` of weights, by parameter name."""
    trees, _ = load(path)
    return dict(trees[name])


def newest(folder: Path) -> list[Path]:
    """The checkpoints of a run, newest first. Leftovers of killed writers are cleared away."""
    if not folder.is_dir():
        return []
    durable.clean_leftovers(folder)
    found = [path for path in folder.glob("step-*") if path.name[5:].isdecimal()]
    return sorted(found, key=lambda path: int(path.name[5:]), reverse=True)


def pinned(folder: Path) -> set[str]:
    """Names of the checkpoints that a user asked to keep."""
    kept = set()
    for path in newest(folder):
        try:
            if read_state(path).get("pinned"):
                kept.add(path.name)
        except StorageError:
            continue
    return kept


def prune(
    folder: Path,
    keep: set[str],
    recent: int = KEEP,
    limit: float = float("inf"),
    upto: float = float("inf"),
) -> None:
    """Remove what need not be kept.

    Args:
        folder: The run's checkpoint folder.
        keep: Names that stay whatever happens.
        recent: How many of the newest stay.
        limit: Bytes that all together may take; beyond them the older recent ones go, never the newest.
        upto: The step just saved. Later ones are damaged (the run went back behind them) and count for nothing.
    """
    found = [path for path in newest(folder) if int(path.name[5:]) <= upto]
    for path in found[recent:]:
        if path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)
    for path in reversed(found[1:recent]):
        if path.name not in keep and _bytes(folder) > limit:
            shutil.rmtree(path, ignore_errors=True)


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _take_apart(tree: Any, name: str, into: dict[str, torch.Tensor]) -> Any:
    """Tensors go `into` the table under their path; what is left is JSON that says where they were."""
    if isinstance(tree, torch.Tensor):
        into[name] = tree.detach().to("cpu", copy=False).contiguous()
        return {"tensor": name}
    if isinstance(tree, Mapping):
        return {"dict": [[_key(k), _take_apart(v, f"{name}/{k}", into)] for k, v in tree.items()]}
    if isinstance(tree, (list, tuple)):
        return {"list": [_take_apart(v, f"{name}/{i}", into) for i, v in enumerate(tree)]}
    return {"value": tree}


def _put_together(skeleton: Mapping[str, Any], table: Mapping[str, torch.Tensor]) -> Any:
    if "tensor" in skeleton:
        return table[skeleton["tensor"]]
    if "dict" in skeleton:
        return {key: _put_together(value, table) for key, value in skeleton["dict"]}
    if "list" in skeleton:
        return [_put_together(value, table) for value in skeleton["list"]]
    return skeleton["value"]


def _key(key: Any) -> str | int:
    return key if isinstance(key, int) else str(key)


def _save_tensors(table: dict[str, torch.Tensor], file: Path) -> None:
    """Safetensors refuses tensors that share memory: shared ones (tied weights) are written in full."""
    seen: set[int] = set()
    for name, tensor in table.items():
        pointer = tensor.untyped_storage().data_ptr()
        if pointer in seen or tensor.untyped_storage().nbytes() != tensor.nbytes:
            table[name] = tensor.clone()
        seen.add(pointer)
    try:
        save_file(table, file)
    except Exception as error:
        raise OSError(28, str(error)) if "space" in str(error).lower() else error from error


def _state_digest(state: Mapping[str, Any]) -> str:
    """The hash of a state as JSON gives it back, whatever the order of its keys."""
    return hashlib.blake2b(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "blake2b").hexdigest()
