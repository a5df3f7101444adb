# SPDX-License-Identifier: BSD-3-Clause
"""Models by name: of a run, of an artifact, of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.errors import LeptonError, StorageError
from lepton_lab.journal.folder import NAME, RunFolder, runs_root
from lepton_lab.spec import DataSpec, ModelSpec, changes, from_json
from lepton_lab.workbench import assets
from lepton_lab.workbench.model import LeptonModel

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel
    from lepton_lab.datasets import Dataset
    from lepton_lab.workbench.handle import Run


def load_model(
    name: str | Path, weights: str = "pretrained", image_size: int | None = None, **options: Any
) -> LeptonModel:
    """A model by its name, whatever kind of name it is.

    Args:
        name: A run's name, a model of the catalogue ("imagenet_resnet50" asks for the ImageNet-1k head), a
            hub id, a local folder in timm's or transformers' format, or an artifact that holds its weights.
        weights: "pretrained", "none" for random ones, or a .safetensors file.
        image_size: Side of the input image; the model's own when left out.
        **options: Further fields of `ModelSpec`.

    Raises:
        NotFoundError: Nothing has that name; the nearest ones are given.
    """
    text = str(name)
    if NAME.fullmatch(text) and (runs_root() / text / "run.json").is_file():
        from lepton_lab.workbench.listing import run

        return run(text).model
    if (Path(text) / "manifest.json").is_file():
        return _of_artifact(Path(text))
    return LeptonModel.load_pretrained(text, weights=weights, image_size=image_size, **options)


def model_of_run(run: Run) -> LeptonModel:
    """The model of a finished, stopped or crashed run, with the weights that its training chose."""
    record = run.record
    built = built_of(record, run.folder.path)
    built.weights = f"run {run.name}"
    built.module.load_state_dict(chosen_weights(run.folder, record))
    built.module.eval()
    model = LeptonModel(
        from_json(ModelSpec, record["spec"]["model"]), built, record["spec"]["task"]
    )
    model.adopt(built, run)
    return model


def data_of_run(folder: RunFolder) -> Dataset:
    """The data set of a run: its copy in the run's folder, or read again from where it came.

    Raises:
        LeptonError: It was made in a notebook and no copy was kept.
    """
    from lepton_lab.datasets import data, handover

    about, spec = folder.record["data"], from_json(DataSpec, folder.record["spec"]["data"])
    if (folder.path / handover.FOLDER).is_dir():
        return handover.load(folder.path / handover.FOLDER)
    if not spec.path or spec.path in handover.IN_MEMORY:
        raise LeptonError(
            f"The data of run '{folder.name}' was made in a notebook that is gone.",
            "It was too large to keep a copy; only its summary is kept in the run.",
            f"lab.evaluate(lab.run('{folder.name}'), data)",
        )
    options = {name: value for name, value in changes(spec).items() if name != "path"}
    found = data(about.get("source") or spec.path, **options)
    found.shuffle = about.get("shuffle", True)
    return found


def built_of(record: Mapping[str, Any], folder: Path) -> BuiltModel:
    """The module of a run as its record describes it, with weights that are still to be loaded."""
    from lepton_lab.catalog import from_config

    about = record["model"]
    built = from_config(about["config"], classes=about["classes"])
    built.preprocessing, built.weights = about["preprocessing"], about["weights"]
    built.pretrained, built.files = about["pretrained"], assets.load(folder)
    return built


def chosen_weights(folder: RunFolder, record: Mapping[str, Any]) -> dict[str, Any]:
    """The weights of the best checkpoint, or of the newest when the run was not to keep the best.

    Averaged weights where there are such; a damaged checkpoint is passed over for the one before it.
    """
    from lepton_lab.training import checkpoint

    found = checkpoint.newest(folder.checkpoints)
    if record["spec"]["train"].get("keep_best", True):
        best = record.get("best", {}).get("step")
        found.sort(key=lambda path: path.name != f"step-{best}")
    for path in found:
        try:
            trees = checkpoint.read_state(path)["trees"]
            return checkpoint.weights(path, "average" if "average" in trees else "model")
        except StorageError:
            continue
    raise LeptonError(
        f"Run '{folder.name}' has no checkpoint that can be loaded.",
        "It ended before its first one was saved." if not found else "All of them are damaged.",
        "%lepton runs",
    )


def _of_artifact(path: Path) -> LeptonModel:
    """The model of an artifact that holds weights, made again from its folder as the export gate made it."""
    from lepton_lab import durable
    from lepton_lab.tasks import tasks

    manifest = durable.read_json(path / "manifest.json")
    if not (path / "model.safetensors").is_file() or not (path / "config.json").is_file():
        raise LeptonError(
            f"The artifact {path.name} holds no weights that can be trained on.",
            "It was exported for inference only.",
            f"lab.load_artifact({str(path)!r}).predict(...)",
        )
    spec = ModelSpec(name=str(path))
    built = tasks.get(manifest["task"]).build(spec, None, 0)
    built.weights = f"artifact {path.name}"
    model = LeptonModel(spec, built, manifest["task"])
    model.title = path.stem
    return model
