# SPDX-License-Identifier: BSD-3-Clause
"""Structured pruning: whole channels are taken out, so that what is left is smaller and faster anywhere.

Which layers have to lose the same channels is worked out by following a sample through the network
(torch-pruning, arXiv 2301.12900); within each such group the channels with the smallest weights go. A short
training afterwards brings most of what was lost back: that is an ordinary run.
"""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lepton_lab.catalog import from_config
from lepton_lab.catalog.pruned_models import SOURCE, differences, restore
from lepton_lab.compression.contract import Method
from lepton_lab.errors import LeptonError

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel

TASKS = ("image-classification",)
# Kernels are fast on whole groups of channels.
_TOGETHER = 4
_CLOSE = 1e-4


def prune(built: BuiltModel, ratio: float, task: str) -> BuiltModel:
    """A copy of a model with fewer channels in every layer but the last one.

    Args:
        built: The model; it stays as it is.
        ratio: Share of the channels of each layer to take out, above 0 and below 1.
        task: What it does.

    Raises:
        LeptonError: The network cannot be pruned, and why.
    """
    import torch

    if task not in TASKS:
        raise _refused(built, f"Channels can be taken out of convolutional nets for {', '.join(TASKS)}; this one does {task}.")
    if not any(isinstance(layer, torch.nn.Conv2d) and layer.groups == 1 and max(layer.kernel_size) <= 7
               for layer in built.module.modules()):  # fmt: skip
        raise _refused(built, "It has no convolutions whose channels could be taken out.")
    base = built.config["base"] if built.config.get("source") == SOURCE else built.config
    module = copy.deepcopy(getattr(built.module, "_orig_mod", built.module)).cpu().float().eval()
    example = _example(built)
    try:
        with _quietly():
            _cut(module, example, ratio, set(built.head))
            config = {"source": SOURCE, "base": base, "ratio": ratio}
            config |= differences(module, from_config(base, classes=built.classes).module)
            found = restore(config, tuple(built.classes))
            found.module.load_state_dict(module.state_dict())
            with torch.inference_mode():
                gap = float((found.module.eval()(example) - module.eval()(example)).abs().max())
    except LeptonError:
        raise
    except Exception as error:  # every architecture fails in its own way
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
        raise _refused(built, f"Its layers cannot be followed: {reason}.") from error
    if not gap <= _CLOSE:
        raise _refused(built, f"Made again from its sizes it answers differently, by {gap:.2g}.")
    found = replace(found, weights=built.weights, pretrained=True, recipe=built.recipe)
    return replace(found, preprocessing=built.preprocessing, files=dict(built.files))


def _cut(module: torch.nn.Module, example: torch.Tensor, ratio: float, head: set[str]) -> None:
    import torch

    try:
        import torch_pruning
    except ImportError as error:
        raise LeptonError(
            "Pruning needs the package torch-pruning.", str(error), "pip install 'lepton-lab[compress]'"
        ) from error
    for parameter in module.parameters():
        parameter.requires_grad_(True)
    ignored = [
        layer
        for name, layer in module.named_modules()
        if any(f"{name}.{own}" in head for own, _ in layer.named_parameters(recurse=False))
    ]
    pruner = torch_pruning.pruner.BasePruner(
        module,
        example,
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=ratio,
        ignored_layers=ignored,
        round_to=_TOGETHER,
    )
    pruner.step()
    with torch.inference_mode():
        module(example)


def _example(built: BuiltModel) -> Any:
    import torch

    rule = built.preprocessing
    height, width = (rule.get("crop") or rule["resize"])["size"]
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, int(rule["channels"]), int(height), int(width), generator=generator)


def _refused(built: BuiltModel, why: str) -> LeptonError:
    name = built.entry.name.split("/")[-1]
    return LeptonError(f"{name} cannot be pruned.", why, "lab.compress(run, quantize='int8')")


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


RECORD = Method("prune", "fewer channels, then a short training")
