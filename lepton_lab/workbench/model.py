# SPDX-License-Identifier: BSD-3-Clause
"""`LeptonModel`: a pretrained or trained model, and what can be done with it.

It wraps an `nn.Module` (`model.module`) and does not inherit from it: `model.train(data)` starts a
training, which torch's own `train(mode)` would shadow. The module is built when it is first needed, so
that naming a model costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError, SpecError
from lepton_lab.rendering import Card, count
from lepton_lab.spec import ModelSpec, parse

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel, ModelEntry
    from lepton_lab.evaluation import Evaluation, Report
    from lepton_lab.exporting import Artifact
    from lepton_lab.training.rate_finder import RateFinding
    from lepton_lab.workbench.compressed import Compression
    from lepton_lab.workbench.handle import Run


class LeptonModel:
    """A model by name, or the result of a run.

    Args:
        spec: Which model and which weights.
        built: The module, where it exists already.
        task: Name of the task; the one that the model was trained for when left out.
    """

    def __init__(
        self, spec: ModelSpec, built: BuiltModel | None = None, task: str = ""
    ) -> None:
        from lepton_lab.catalog import find

        self.entry: ModelEntry = built.entry if built is not None else find(spec.name)
        self.spec, self.task = spec, task or self.entry.task
        self._built = built
        self._run: Run | None = None
        self.title = ""

    @classmethod
    def load_pretrained(
        cls,
        name: str,
        input_shape: Sequence[int] | None = None,
        *,
        weights: str = "pretrained",
        **options: Any,
    ) -> LeptonModel:
        """A model of timm or transformers by name, hub id or local folder.

        Args:
            name: As `lab.models()` lists it, a hub id, or a folder in timm's or transformers' format.
            input_shape: (H, W, C) or (C, H, W); the model's own when left out.
            weights: "pretrained", "none" for random ones, or a .safetensors file.
            **options: Further fields of `ModelSpec`.

        Raises:
            NotFoundError: No such model; the nearest names are given.
            WeightsError: The weights are not here and cannot be fetched.
        """
        size, channels = _shape(input_shape)
        asked = {
            "name": name,
            "weights": weights,
            "image_size": size,
            "channels": channels,
            **options,
        }
        model = cls(
            parse(ModelSpec, {k: v for k, v in asked.items() if v is not None}, where="models")
        )
        model.built  # noqa: B018 - loading is what was asked for: a missing file is told now, not at the first use
        return model

    from_pretrained = load_pretrained

    @property
    def name(self) -> str:
        """The model's name; that of its run once it is trained, or the title it was given."""
        return self._run.name if self._run is not None else self.title or self.entry.name

    @property
    def built(self) -> BuiltModel:
        """The module with its preprocessing and classes; built now if it was not yet. Waits for a run under way."""
        self._wait()
        if self._built is None:
            from lepton_lab.tasks import tasks

            self._built = tasks.get(self.task).build(self.spec, None, 0)
        return self._built

    @property
    def module(self) -> torch.nn.Module:
        """The `torch.nn.Module`: float32 (N, C, H, W) to logits (N, classes)."""
        return self.built.module

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the outputs."""
        return tuple(self.built.classes)

    @property
    def preprocessing(self) -> dict[str, Any]:
        """How an image becomes the module's input, as data."""
        return self.built.preprocessing

    @property
    def run(self) -> Run | None:
        """The run that trained it, if any."""
        return self._run

    def train(self, data: Any = None, epochs: int | None = None, **options: Any) -> Run:
        """Train on a data set and return the run; this model is the trained one afterwards.

        Args:
            data: A `Dataset`, or anything that `lab.data` takes.
            epochs: Passes over the training split.
            **options: Fields of `TrainSpec`, and `background=True` to return at once.

        Raises:
            LeptonError: What is wrong with data or options, in three lines.
        """
        if data is None or isinstance(data, bool):
            raise LeptonError(
                "model.train(data, ...) starts a training and needs a data set.",
                "For PyTorch's training mode use model.module.train().",
                "model.train(lab.data('flowers/'), epochs=5)",
            )
        from lepton_lab.workbench.learning import train

        if epochs is not None:
            options["epochs"] = epochs
        return train(self, data, **options)

    fit = train

    def eval(self) -> LeptonModel:
        """Put the module into evaluation mode and return the model."""
        self.module.eval()
        return self

    def evaluate(
        self, data: Any = None, split: str | None = None, *, cost: Any = None
    ) -> Evaluation | Report:
        """Metrics with intervals on the held-out split: see `lab.evaluate`."""
        from lepton_lab.workbench.judging import evaluate

        return evaluate(self, data, split, cost=cost)

    def predict(self, inputs: Any, top: int = 5) -> Any:
        """Answers for inputs: see `lab.predict`."""
        from lepton_lab.workbench.predicting import predict

        return predict(self, inputs, top=top)

    def export(
        self, format: str = "onnx", to: Any = None, data: Any = None, *, cost: Any = None
    ) -> Artifact:
        """Write a deployable artifact, proven equal to this model: see `lab.export`."""
        from lepton_lab.workbench.shipping import export

        return export(self, format, to=to, data=data, cost=cost)

    def compress(self, data: Any = None, **options: Any) -> Compression:
        """Make it smaller, by evidence: see `lab.compress`."""
        from lepton_lab.workbench.compressing import compress

        return compress(self, data, **options)

    def find_learning_rate(self, data: Any, **options: Any) -> RateFinding:
        """The range test; the model is left as it was: see `lab.find_learning_rate`."""
        from lepton_lab.workbench.planning import find_learning_rate

        return find_learning_rate(self, data, **options)

    def adopt(self, built: BuiltModel, run: Run) -> None:
        """Become the result of a run; what was for its training alone is left behind."""
        from lepton_lab.tasks.soft_targets import without

        built.files = without(built.files)
        self._built, self._run = built, run

    def _wait(self) -> None:
        if self._run is not None and self._built is None:
            self._run.wait()

    def __repr__(self) -> str:
        return f"LeptonModel({self.name!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        entry = self.entry
        facts = {
            "task": self.task,
            "parameters": count(
                sum(p.numel() for p in self._built.module.parameters())
                if self._built
                else entry.params
            ),
            "input": " x ".join(str(n) for n in entry.input_size) or "–",
        }
        if self._built is not None:
            facts["weights"] = self._built.weights if self._run is None else f"run {self._run.name}"
            facts["classes"] = _some(self._built.classes)
        facts["licence"] = entry.licence or "not stated"
        steps = (
            ["%lepton evaluate", "%lepton export"]
            if self._run is not None
            else [f"%lepton train {entry.name} DATA"]
        )
        return Card(f"{self.name}", facts, next_steps=steps)._repr_mimebundle_()


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown}, … {len(names) - 6} more"


def _shape(shape: Sequence[int] | None) -> tuple[int | None, int | None]:
    """(side, channels) of (H, W, C) or (C, H, W), told apart by the axis that is 1, 3 or 4."""
    if shape is None:
        return None, None
    numbers = [int(n) for n in shape]
    last, first = numbers[-1] in (1, 3, 4), numbers[0] in (1, 3, 4)
    if len(numbers) != 3 or last == first:
        raise SpecError(
            f"input_shape {tuple(shape)} is not clear.",
            "Give (height, width, channels).",
            "input_shape=(224, 224, 3)",
        )
    height, width, channels = numbers if last else (numbers[1], numbers[2], numbers[0])
    if height != width:
        raise SpecError(
            f"input_shape {tuple(shape)} is not square.",
            "Models of this catalogue take square images.",
            f"input_shape=({height}, {height}, {channels})",
        )
    return height, channels
