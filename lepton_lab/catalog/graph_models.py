# SPDX-License-Identifier: BSD-3-Clause
"""Models that are an ONNX graph already: a quantized one has no weights that PyTorch could hold.

The graph lies in the module as bytes, so that it is kept, copied and loaded like weights are. It is called
as its task calls any other module, evaluates and answers; it cannot be trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.catalog.building import BuiltModel, Framework
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec

if TYPE_CHECKING:
    import torch

SOURCE = "graph"
TASKS = ("image-classification", "text-classification")


def configuration(
    name: str, task: str, method: str, graph: bytes, preprocessing: Mapping[str, Any]
) -> dict[str, Any]:
    """The configuration from which `restore` makes the module of a graph.

    Args:
        name: Of the model that it was.
        task: What it does.
        method: What was done to it ("int8").
        graph: The ONNX file.
        preprocessing: Of the model.
    """
    keys = ("rescale", "mean", "std", "target")
    rule = {key: preprocessing[key] for key in keys if key in preprocessing}
    about = {"name": name, "task": task, "method": method, "bytes": len(graph), "rule": rule}
    return {"source": SOURCE, **about}


def restore(config: Mapping[str, Any], classes: tuple[str, ...]) -> BuiltModel:
    """The module of a graph whose bytes are still to be loaded; see `building.from_config`.

    Raises:
        LeptonError: Graphs of this task answer through their artifact alone.
    """
    name, task = str(config["name"]), str(config["task"])
    if task not in TASKS:
        raise LeptonError(
            f"A model for {task} in {config['method']} has no PyTorch module.",
            "It is an ONNX graph, which answers through its artifact.",
            "lab.load_artifact(run.path / 'artifacts' / f'{run.name}.lepton').predict(...)",
        )
    module = _module_class()(int(config["bytes"]), task, dict(config["rule"]))
    entry = ModelEntry(name, SOURCE, task)
    shown = f"{config['method']} graph"
    return BuiltModel(module, dict(config), {}, classes, entry, shown, True, [["anchor"]], [])


def build(
    entry: ModelEntry, spec: ModelSpec, classes: tuple[str, ...] | None, seed: int
) -> BuiltModel:
    """Refused: a graph belongs to its run."""
    raise _fixed(entry.name)


def save(built: BuiltModel, folder: Path) -> list[str]:
    """Refused: there are no weights that another library could load."""
    raise _fixed(built.entry.name)


def graph_of(built: BuiltModel) -> bytes:
    """The ONNX file of a model that `restore` made."""
    found: Any = built.module.graph
    return bytes(found.numpy().tobytes())


def check_trainable(config: Mapping[str, Any], run: str, parent: str) -> None:
    """Refuse what a graph cannot do, before anything begins.

    Args:
        config: Of the model.
        run: Name of its run.
        parent: Name of the run that it was made of; empty where there is none.

    Raises:
        LeptonError: It is a graph.
    """
    if config.get("source") == SOURCE:
        raise _fixed(f"Run '{run}'", f"lab.run({parent!r}).model.train(data)" if parent else "")


def _fixed(name: str, todo: str = "") -> LeptonError:
    return LeptonError(
        f"{name} is an ONNX graph: it can be evaluated, asked and exported as ONNX.",
        "Quantized weights cannot be trained and are no safetensors of another library.",
        todo or "%lepton runs",
    )


def _module_class() -> Any:
    import torch

    class GraphModule(torch.nn.Module):
        """Called as `task` calls a module: normalized pixels, or token arrays; gives logits."""

        def __init__(self, size: int, task: str, rule: dict[str, Any]) -> None:
            super().__init__()
            self.task, self.rule, self.session = task, rule, None
            self.graph: torch.Tensor
            self.register_buffer("graph", torch.zeros(size, dtype=torch.uint8))
            self.anchor = torch.nn.Parameter(torch.zeros(()), requires_grad=False)
            self.training = False

        def train(self, mode: bool = True) -> GraphModule:
            if mode:
                raise _fixed("The model")
            return self

        def __deepcopy__(self, memo: Any) -> GraphModule:
            copied = GraphModule(len(self.graph), self.task, dict(self.rule))
            copied.graph.copy_(self.graph)
            return copied

        def forward(self, *given: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
            names = [node.name for node in self._live().get_inputs()]
            if self.task == "image-classification":
                batch = {names[0]: self._pixels(given[0])}
            else:
                order = ("input_ids", "attention_mask", "token_type_ids")
                every = {**dict(zip(order, given, strict=False)), **named}
                batch = {name: every[name].cpu().numpy() for name in names}
            outputs = [node.name for node in self._live().get_outputs()]
            found = dict(zip(outputs, self._live().run(outputs, batch), strict=True))
            if "logits" in found:
                return torch.from_numpy(found["logits"])
            scale = self.rule.get("target") or {"mean": 0.0, "std": 1.0}
            return torch.from_numpy((found["value"] - scale["mean"]) / scale["std"])[:, None]

        def _pixels(self, images: torch.Tensor) -> np.ndarray:
            """The uint8 pixels (N, h, w, C) that normalized float32 ones (N, C, h, w) were made of."""
            mean, std = (np.asarray(self.rule[key], np.float64) for key in ("mean", "std"))
            values = images.permute(0, 2, 3, 1).cpu().double().numpy() * std + mean
            pixels: np.ndarray = np.rint(values / self.rule["rescale"]).clip(0, 255)
            return pixels.astype(np.uint8)

        def _live(self) -> Any:
            if self.session is None:
                import onnxruntime

                options = onnxruntime.SessionOptions()
                options.log_severity_level = 3
                self.session = onnxruntime.InferenceSession(
                    self.graph.numpy().tobytes(), options, providers=["CPUExecutionProvider"]
                )
            return self.session

    return GraphModule


RECORD = Framework(SOURCE, "Quantized models, as ONNX graphs.", build, restore, save)
