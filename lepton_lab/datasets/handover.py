# SPDX-License-Identifier: BSD-3-Clause
"""A data set that lives in memory, written down so that another process trains on the same bits.

Data that came from a folder, a table or a name is simply read again. Arrays and pictures of a notebook
are gone with their kernel; a copy in the run's folder lets the run go on after a restart, and lets a
process of its own train on it. Samples, order, labels, splits and fingerprint are the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from lepton_lab import durable
from lepton_lab.datasets import payload
from lepton_lab.datasets.assemble import Assembled
from lepton_lab.datasets.checking import Check
from lepton_lab.datasets.contents import contents as kinds
from lepton_lab.datasets.dataset import Dataset, ImageDataset
from lepton_lab.datasets.records import Reading, Sample
from lepton_lab.errors import StorageError
from lepton_lab.spec import DataSpec, from_json, to_json

FOLDER = "data"
IN_MEMORY = ("arrays", "hub", "rows")


def needed(data: Dataset) -> bool:
    """Whether the data exists in this process alone."""
    return data.spec.path in IN_MEMORY


def size(data: Dataset) -> int:
    """Bytes of its samples, as far as they are known."""
    return sum(data.checks[sample.id].size for split in data.splits() for sample in split)


def save(data: Dataset, folder: Path) -> None:
    """Write the data set into `folder`, which must not be there yet.

    Raises:
        StorageError: The disk refuses; nothing is left behind.
    """
    contents: dict[str, np.ndarray] = {}
    splits = {split.name: [_entry(s, data, contents) for s in split] for split in data.splits()}
    about = {
        "name": data.name,
        "spec": to_json(data.spec),
        "classes": list(data.classes),
        "batch_size": data.batch_size,
        "shuffle": data.shuffle,
        "flip_safe": data.flip_safe,
        "content": data.content,
        "labels": data.labels,
        "task": data.task,
        "columns": data.columns,
        "licence": data.licence,
        "splits": splits,
    }
    with durable.new_directory(folder) as aside:
        try:
            save_file(contents, aside / "contents.safetensors")
        except SafetensorError as error:
            raise StorageError(f"The data could not be written to {folder}.", str(error)) from error
        durable.write_json(aside / "data.json", about)


def load(folder: Path) -> Dataset:
    """The data set that `save` wrote.

    Raises:
        StorageError: A file is missing or damaged.
    """
    about = durable.read_json(folder / "data.json")
    try:
        contents = load_file(folder / "contents.safetensors")
        samples = {
            name: [Sample(e["id"], _content(e, contents), _label(e["label"])) for e in entries]
            for name, entries in {"train": [], "val": [], "test": [], **about["splits"]}.items()
        }
        checks = {
            e["id"]: Check(e["size"], bytes.fromhex(e["digest"]))
            for entries in about["splits"].values()
            for e in entries
        }
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StorageError(f"The data in {folder} cannot be read.", str(error)) from error
    kind = ImageDataset if about["content"] == "image" else Dataset
    return kind(
        Reading(
            (),
            about["name"],
            flip_safe=about["flip_safe"],
            content=about["content"],
            labels=about["labels"],
            task=about["task"],
            columns=about["columns"],
            licence=about.get("licence", ""),
        ),
        Assembled(samples, tuple(about["classes"]), [], checks),
        from_json(DataSpec, about["spec"]),
        batch_size=about["batch_size"],
        shuffle=about["shuffle"],
    )


def _entry(sample: Sample, data: Dataset, contents: dict[str, np.ndarray]) -> dict[str, Any]:
    """What is written of a sample; its content goes beside, as bytes of a file or as pixels."""
    check, key = data.checks[sample.id], str(len(contents))
    if data.content == "image" and payload.encoded_source(sample.payload) is None:
        contents[key] = payload.pixels(sample.payload)
    else:
        encoded = kinds.get(data.content).encoded(sample.payload)
        contents[key] = np.frombuffer(encoded, dtype=np.uint8)
    return {
        "id": sample.id,
        "label": sample.label.tolist() if hasattr(sample.label, "tolist") else sample.label,
        "content": key,
        "size": check.size,
        "digest": check.digest.hex(),
    }


def _content(entry: dict[str, Any], contents: dict[str, np.ndarray]) -> bytes | np.ndarray:
    content = contents[entry["content"]]
    return content.tobytes() if content.ndim == 1 else content


def _label(label: Any) -> Any:
    """A label as JSON gives it back: a sequence is a tuple again."""
    return tuple(map(_label, label)) if isinstance(label, list) else label
