# SPDX-License-Identifier: BSD-3-Clause
"""Models of rows that come with Lepton Lab: they are small, and are made for a table when it is known.

What a table's columns are decides the shape of its model, so there is nothing pretrained to load: a
task learns the plan of the columns from the training rows and calls `create`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.catalog.building import BuiltModel, Framework, seeded
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.groups import named_groups
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec

if TYPE_CHECKING:
    import torch

TREES = "lepton/boosted-trees"
NETWORKS: dict[str, dict[str, Any]] = {
    "lepton/mlp": {"network": "mlp", "width": 12, "hidden": 192, "depth": 3, "dropout": 0.15},
    "lepton/ft-transformer": {"network": "ft-transformer", "width": 192, "depth": 3, "heads": 8},
    "lepton/ft-transformer-small": {
        "network": "ft-transformer",
        "width": 48,
        "depth": 2,
        "heads": 4,
    },
}
"""Name -> the network and its sizes."""

RECIPES: dict[str, dict[str, Any]] = {
    "mlp": {
        "learning_rate": 2e-3,
        "weight_decay": 1e-2,
        "layer_decay": 1.0,
        "batch_size": 128,
        "why": "MLP with periodic embeddings, arXiv 2203.05556",
    },
    "ft-transformer": {
        "learning_rate": 1e-3,
        "weight_decay": 1e-2,
        "layer_decay": 1.0,
        "batch_size": 128,
        "why": "FT-Transformer, arXiv 2106.11959",
    },
}


def build(
    entry: ModelEntry, spec: ModelSpec, classes: tuple[str, ...] | None, seed: int
) -> BuiltModel:
    """Refused: a model of rows is made by its task, which knows the columns."""
    raise LeptonError(
        f"{entry.name} is made for a table, and there is none yet.",
        "How many columns there are, and of which kind, decides its shape.",
        f"lab.train({entry.name!r}, lab.data('customers.csv'))",
    )


def create(
    entry: ModelEntry,
    columns: Sequence[Mapping[str, Any]],
    classes: tuple[str, ...],
    seed: int,
) -> BuiltModel:
    """A model with random weights for the columns of a plan; its preprocessing is put in by the task.

    Args:
        entry: Which network.
        columns: Of the plan; see `runtime.row_input.make`.
        classes: Names of the outputs; empty for a number.
        seed: Of the weights.

    Raises:
        LeptonError: No column is left to learn from, or the entry is no model of rows.
    """
    if entry.name not in NETWORKS:
        raise _other(entry)
    numbers, categories = shape_of(columns)
    if not numbers and not categories:
        raise LeptonError(
            "The table has no column to learn from.", "All were left out.", "%lepton data"
        )
    config = {
        "source": "tabular",
        "name": entry.name,
        **NETWORKS[entry.name],
        "numbers": numbers,
        "categories": categories,
        "outputs": len(classes) or 1,
    }
    return restore(config, classes, seed)


def restore(config: Mapping[str, Any], classes: tuple[str, ...], seed: int = 0) -> BuiltModel:
    """The architecture of `config` with random weights; see `building.from_config`."""
    config = {**config, "outputs": len(classes) or 1}
    with seeded(seed):
        module = network(config)
    parameters = sum(p.numel() for p in module.parameters())
    entry = ModelEntry(
        str(config["name"]), "tabular", str(config.get("task", "")), params=parameters
    )
    head = [name for name, _ in module.named_parameters() if name.startswith("head.")]
    return BuiltModel(
        module.eval(),
        config,
        {"kind": "row"},
        classes,
        entry,
        "random",
        False,
        named_groups(module, head),
        head,
        recipe=dict(RECIPES.get(config["network"], {})),
    )


def network(config: Mapping[str, Any]) -> torch.nn.Module:
    """The module of a configuration. Raises LeptonError when there is no such network."""
    from lepton_lab.catalog.tabular_networks import FTTransformer, RowMLP
    from lepton_lab.catalog.trees import Trees

    kind, sizes = config["network"], [int(size) for size in config["categories"]]
    numbers, outputs = int(config["numbers"]), int(config["outputs"])
    if kind == "trees":
        return Trees(config["trees"], config["nodes"], config["depth"], outputs)
    known = {"mlp": RowMLP, "ft-transformer": FTTransformer}
    if kind not in known:
        raise LeptonError(
            f"There is no network of rows called {str(kind)[:60]!r}.",
            f"There are: {', '.join(known)}.",
        )
    options = {
        name: config[name]
        for name in ("width", "hidden", "depth", "heads", "dropout", "attention_dropout")
        if name in config
    }
    made: torch.nn.Module = known[kind](numbers, sizes, outputs, **options)
    return made


def save(built: BuiltModel, folder: Path) -> list[str]:
    """`model.safetensors` and `config.json`, which `lab.load_model(FOLDER)` reads."""
    packed = pack(built.module, built.config, built.classes, built.preprocessing)
    for name, data in packed.items():
        (folder / name).write_bytes(data)
    return sorted(packed)


def pack(
    module: torch.nn.Module,
    config: Mapping[str, Any],
    classes: Sequence[str],
    preprocessing: Mapping[str, Any],
) -> dict[str, bytes]:
    """A model as the files of its folder, by name."""
    from safetensors.torch import save as to_bytes

    state = {name: value.contiguous() for name, value in module.state_dict().items()}
    about = {**config, "classes": list(classes), "preprocessing": dict(preprocessing)}
    return {
        "config.json": json.dumps(about, indent=1).encode() + b"\n",
        "model.safetensors": to_bytes(state, {"format": "pt"}),
    }


def unpack(files: Mapping[str, bytes]) -> BuiltModel:
    """The model that `pack` wrote. Raises LeptonError when its files do not belong together."""
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    try:
        config = json.loads(files["config.json"])
        classes = tuple(config.pop("classes"))
        preprocessing = config.pop("preprocessing")
        built = restore(config, classes)
        built.module.load_state_dict(from_bytes(files["model.safetensors"]))
    except (KeyError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().split("\n")[0][:160]
        raise LeptonError(
            "The files of this model of rows do not belong together.", reason
        ) from error
    built.preprocessing, built.weights, built.pretrained = preprocessing, "its folder", True
    return built


def load(entry: ModelEntry) -> BuiltModel:
    """The model of a folder that `save` wrote, or LeptonError."""
    folder = Path(entry.location)
    try:
        files = {
            name: (folder / name).read_bytes() for name in ("config.json", "model.safetensors")
        }
    except OSError as error:
        raise LeptonError(f"{folder} is no whole model.", str(error)) from error
    return unpack(files)


def awaiting(entry: ModelEntry) -> BuiltModel:
    """A model that has no shape yet: it can be trained on a table, and refuses everything else."""
    if entry.name not in NETWORKS:
        raise _other(entry)
    from lepton_lab.catalog.tabular_networks import Awaiting

    module = Awaiting(entry.name).eval()
    preprocessing = {"kind": "row", "columns": []}
    config = {"source": "tabular", "name": entry.name, "network": "awaiting"}
    return BuiltModel(module, config, preprocessing, (), entry, "random", False, [[]], [])


def _other(entry: ModelEntry) -> LeptonError:
    return LeptonError(
        f"{entry.name} does not learn from rows of a table.",
        f"These do: {', '.join(NETWORKS)}.",
        f"lab.load_model('{next(iter(NETWORKS))}')",
    )


def shape_of(columns: Sequence[Mapping[str, Any]]) -> tuple[int, list[int]]:
    """How many numbers a plan gives, and how many values each category has (unknown, missing, its own)."""
    numbers = sum(
        len(c["scales"]) + bool(c["indicator"]) for c in columns if c["kind"] != "category"
    )
    return numbers, [len(c["values"]) + 2 for c in columns if c["kind"] == "category"]


RECORD = Framework("tabular", "Models of rows that come with Lepton Lab.", build, restore, save)
