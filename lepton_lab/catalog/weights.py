# SPDX-License-Identifier: BSD-3-Clause
"""Where weights come from, and whether they fit. Only safetensors: a pickle can run any program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_lab.catalog.folder import read_header
from lepton_lab.errors import LeptonError, WeightsError

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog.entry import ModelEntry

_PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".tar", ".npz", ".h5")


@dataclass(frozen=True)
class Source:
    """Weights that were found.

    Attributes:
        folder: Folder with `config.json` and safetensors; None for a lone file or random weights.
        file: The one safetensors file; None for random weights and for several files.
        shown: As the user is told: "builtin", "hub cache", "hub", "folder NAME", "file NAME", "random".
    """

    folder: Path | None
    file: Path | None
    shown: str

    @property
    def pretrained(self) -> bool:
        """Whether there are weights at all."""
        return self.file is not None or self.folder is not None


def locate(entry: ModelEntry, asked: str) -> Source:
    """The weights that a `ModelSpec` asks for; fetched when they are on the hub.

    Args:
        entry: The model.
        asked: "pretrained", "none", or the path of a .safetensors file.

    Raises:
        WeightsError: There are none, they cannot be fetched, or the file is no safetensors file.
    """
    if asked.lower() in ("none", "random"):
        return Source(None, None, "random")
    if asked != "pretrained":
        path = _file(asked)
        return Source(None, path, f"file {path.name}")
    if entry.location:
        folder = Path(entry.location)
        return Source(folder, _only_file(folder), "builtin" if entry.source == "builtin" else f"folder {folder.name}")
    if not entry.hub_id:
        raise WeightsError(
            f'There are no pretrained weights for "{entry.name}".',
            "The library that defines it offers none as safetensors.",
            f"lab.load_model({entry.name!r}, weights='none')",
        )
    return _from_hub(entry)


def misfits(
    found: Mapping[str, Iterable[int]], wanted: Mapping[str, Iterable[int]], file: str, model: str, cause: str = ""
) -> LeptonError:
    """The error that names the first tensors in which a file and a model differ.

    Args:
        found: Tensor name -> shape, of the file.
        wanted: Tensor name -> shape, of the model.
        file: Name of the file.
        model: Name of the model.
        cause: What the library said, when no tensor differs by name or shape.
    """
    lines = [f"{name} is missing" for name in wanted if name not in found]
    lines = [
        f"{name} is {_shape(found[name])}, the model's {_shape(wanted[name])}"
        for name in wanted
        if name in found and tuple(found[name]) != tuple(wanted[name])
    ] + lines
    lines += [f"{name} is not the model's" for name in found if name not in wanted]
    shown = "; ".join(lines[:3]) + (f"; and {len(lines) - 3} more" if len(lines) > 3 else "")
    return WeightsError(
        f"{file} does not fit {model}.",
        shown + "." if lines else cause,
        "Give the weights of the same architecture, image size, channels and number of classes.",
    )


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """Tensor name -> shape of a safetensors file, read off its header."""
    return {name: tuple(facts["shape"]) for name, facts in read_header(path).items()}


def module_shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Tensor name -> shape of a module, counters left out."""
    return {
        name: tuple(value.shape)
        for name, value in module.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def _file(asked: str) -> Path:
    path = Path(asked).expanduser()
    if path.suffix.lower() in _PICKLES:
        raise WeightsError(
            f'"{path.name}" was not opened: files of this kind can hold Python code.',
            "A model file should hold only numbers.",
            "Ask its author for a .safetensors file.",
        )
    if path.suffix.lower() != ".safetensors":
        raise WeightsError(
            f'weights={asked[:80]!r} is neither "pretrained", "none" nor a .safetensors file.', "", "weights='pretrained'"
        )
    if not path.is_file():
        raise WeightsError(f'There is no file "{path}".', f"Looked in {path.expanduser().resolve().parent}.", "weights='pretrained'")
    read_header(path)
    return path


def _only_file(folder: Path) -> Path | None:
    """The single safetensors file of a folder; None when it is cut into several.

    Raises:
        WeightsError: The folder has none, or only pickles.
    """
    if (folder / "model.safetensors").is_file():
        return folder / "model.safetensors"
    if (folder / "model.safetensors.index.json").is_file():
        return None
    files = sorted(folder.glob("*.safetensors"))
    if len(files) == 1:
        return files[0]
    pickles = [path.name for path in sorted(folder.iterdir()) if path.suffix in _PICKLES]
    why = f"{pickles[0]} was not opened: files of this kind can hold Python code." if pickles else ""
    raise WeightsError(f"The folder {folder.name} has no model.safetensors.", why, "weights='none' builds it with random weights.")


def _from_hub(entry: ModelEntry) -> Source:
    from lepton_lab.catalog import hub

    here = entry.cached
    folder = hub.weight_files(entry.hub_id)
    return Source(folder, _only_file(folder), "hub cache" if here else "hub")


def _shape(shape: Iterable[int]) -> str:
    return "(" + ", ".join(str(side) for side in shape) + ")"
