# SPDX-License-Identifier: BSD-3-Clause
"""Boxes in YOLO's text files: one per image, one line per box, positions relative to the image.

    cells/data.yaml  cells/images/train/1.jpg  cells/labels/train/1.txt
    cells/data.yaml  cells/train/images/1.jpg  cells/train/labels/1.txt
    2 0.500 0.500 0.250 0.125                       class, centre x and y, width, height

`data.yaml` gives the names of the classes and the folders of the splits. Of everything else that
such files hold (addresses, code to download data) nothing is followed or run. Polygons become the
box around them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from lepton_lab.datasets.records import Reading, Source, call, no_such, quoted
from lepton_lab.datasets.sources.annotated import (
    Gathering,
    Pictures,
    only_known_sides,
    split_of,
)
from lepton_lab.datasets.sources.fitting import Given
from lepton_lab.errors import DataError
from lepton_lab.spec import DataSpec

_YAML = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_LARGEST = 1 << 20
_LOOK_AT = 50
_NAMES = ("classes.txt", "obj.names", "labels/classes.txt")


def recognizes(source: Any) -> bool:
    """A folder with YOLO's data.yaml or label files, or that file itself."""
    if not isinstance(source, (str, os.PathLike)):
        return False
    try:
        path = Path(source).expanduser()
        if path.is_file():
            return path.suffix.lower() in (".yaml", ".yml") and _describes_boxes(path)
        return path.is_dir() and (_settings_file(path) is not None or _has_labels(path))
    except (OSError, ValueError, RuntimeError):
        return False


def read(source: Any, spec: DataSpec) -> Reading:
    """The images of a folder with their label files."""
    path = Path(source).expanduser()
    settings_file = path if path.is_file() else _settings_file(path)
    root = path.parent if path.is_file() else path
    settings = {} if settings_file is None else _settings(settings_file)
    names = _names(settings.get("names"), root)
    gathering = Gathering(Pictures(root))
    files = {name for name in gathering.pictures.found.files if name.endswith(".txt")}
    sides = _sides(settings, gathering.pictures, root)
    bare = []
    for name in gathering.pictures.names:
        split = sides(name)
        labels = _label_file(name, files)
        if split == "" or (labels is None and not settings and "images" not in name.split("/")):
            gathering.note("left-unlisted", name)
        elif labels is None:
            bare.append((name, split))
        else:
            gathering.add(name, _boxes(root / labels, labels, names, gathering), split)
            files.discard(labels)
    if not gathering.records:
        raise no_such(
            f'No image in "{source}" has a label file.',
            f"Images found: {len(gathering.pictures.names)}; label files: {len(files)}.",
            "Put labels/1.txt beside images/1.jpg, with the same folders below both.",
        )
    for name, split in bare:
        gathering.note("not-annotated", name)
        gathering.add(name, (), split)
    for name in sorted(files):
        if "labels" in PurePosixPath(name).parts[:-1] and PurePosixPath(name).name != "classes.txt":
            gathering.note("annotation-alone", name)
    if not only_known_sides(gathering.records.values()):
        gathering.records = {k: replace(r, split=None) for k, r in gathering.records.items()}
    return gathering.reading(root.resolve().name, list(dict.fromkeys(names.values())) or None)


def _settings_file(root: Path) -> Path | None:
    return next(
        (root / n for n in _YAML if (root / n).is_file() and _describes_boxes(root / n)), None
    )


def _describes_boxes(path: Path) -> bool:
    """Whether a YAML file names classes and a folder to train on; a damaged one is told when it is read."""
    if not 0 < path.stat().st_size <= _LARGEST:
        return False
    keys = {
        line.partition(":")[0].strip() for line in path.read_text("utf-8", "replace").splitlines()
    }
    return {"names", "train"} <= keys


def _has_labels(root: Path) -> bool:
    """Whether folders called images and labels lie side by side, with a line of a box in the latter."""
    for labels in (root / "labels", root / "train" / "labels"):
        if labels.is_dir() and (labels.parent / "images").is_dir():
            files = (f for _, f in zip(range(_LOOK_AT), labels.rglob("*.txt"), strict=False))
            return any(_is_box(f) for f in files)
    return False


def _is_box(path: Path) -> bool:
    with path.open("rb") as file:
        words = file.readline(4096).split()
    try:
        return (
            len(words) >= 5 and float(words[0]).is_integer() and all(float(w) < 100 for w in words)
        )
    except ValueError:
        return False


def _settings(path: Path) -> dict[str, Any]:
    """`data.yaml` as plain values: no tags, and no aliases, which could make a small file huge."""
    import yaml

    try:
        text = path.read_text("utf-8-sig")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise _damaged(path, "It has aliases (*name), which are not read.")
        found = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise _damaged(path, str(error).replace("\n", " ")[:160]) from error
    if not isinstance(found, dict):
        raise _damaged(path, "It has no names.")
    return found


def _damaged(path: Path, why: str) -> DataError:
    todo = "names: [cat, dog]   train: images/train   val: images/val"
    return no_such(f'"{path.name}" cannot be read.', why, todo)


def _names(given: Any, root: Path) -> dict[int, str]:
    """Class number -> name; empty when nobody names them, and the numbers must do."""
    if isinstance(given, dict):
        pairs = [(str(key), str(value)) for key, value in given.items()]
        if not all(key.isdigit() for key, _ in pairs):
            raise no_such(
                "The names in data.yaml are no list.",
                f"Found: {quoted([key for key, _ in pairs])}.",
                "names: [cat, dog]",
            )
        return {int(key): value for key, value in pairs}
    if isinstance(given, list):
        return {i: str(value) for i, value in enumerate(given)}
    file = next((root / name for name in _NAMES if (root / name).is_file()), None)
    lines = file.read_text("utf-8", "replace").splitlines() if file else []
    return {i: line.strip() for i, line in enumerate(lines) if line.strip()}


def _sides(settings: dict[str, Any], pictures: Pictures, root: Path) -> Any:
    """The function that says on which side a picture is: None where nothing says, "" where it is on none."""
    folders: dict[str, str] = {}
    listed: dict[str, str] = {}
    for key, side in (("train", "train"), ("val", "val"), ("valid", "val"), ("test", "test")):
        value = settings.get(key)
        for entry in value if isinstance(value, list) else [value] if value else []:
            place = _inside(str(entry), str(settings.get("path") or ""), root)
            if (root / place).is_file():
                lines = (root / place).read_text("utf-8", "replace").splitlines()
                found = (pictures.called(line.strip()) for line in lines if line.strip())
                listed |= {name: side for name in found if name}
            else:
                folders.setdefault(place, side)

    def side_of(name: str) -> str | None:
        if name in listed:
            return listed[name]
        fits = [place for place in folders if place == "." or name.startswith(f"{place}/")]
        if fits:
            return folders[max(fits, key=len)]
        return "" if folders or listed else split_of(*PurePosixPath(name).parts[:-1])

    return side_of


def _inside(entry: str, base: str, root: Path) -> str:
    """A place that data.yaml names, relative to the folder. Raises DataError when it is not inside.

    Tools write such places relative to the file, to its folder's parent or to `path`; what exists counts.
    """
    entry = entry.replace("\\", "/")
    bare = entry
    while bare.startswith("../"):
        bare = bare[3:]
    top = Path(os.path.realpath(root))
    for place in (Path(base) / entry, Path(entry), Path(bare)):
        found = Path(os.path.realpath(top / place))
        if found.exists() and found.is_relative_to(top):
            return found.relative_to(top).as_posix()
    raise no_such(
        f'data.yaml names "{entry[:120]}", which is not in this folder.',
        "Only what lies beside data.yaml or below it is read.",
        f"Put data.yaml into the folder that holds the images, then: {call(root)}",
    )


def _label_file(name: str, files: set[str]) -> str | None:
    """The label file of a picture: in `labels` where it is in `images`, else beside it."""
    path = PurePosixPath(name).with_suffix(".txt")
    parts = list(path.parts)
    places = [i for i, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        parts[places[-1]] = "labels"
    return next((file for file in ("/".join(parts), str(path)) if file in files), None)


def _boxes(path: Path, name: str, names: dict[int, str], gathering: Gathering) -> list[Given]:
    boxes = []
    lines = path.read_text("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        if not (words := line.split()):
            continue
        try:
            label, values = int(float(words[0])), [float(word) for word in words[1:]]
        except (ValueError, OverflowError):
            gathering.note("boxes-unreadable", f"{name}:{number}", line[:60])
            continue
        if names and label not in names:
            gathering.note("unknown-category", f"{name}:{number}", f"class {label}")
            continue
        boxes.append(Given(_corners(values), names.get(label, str(label)), relative=True))
    return boxes


def _corners(values: Sequence[float]) -> Sequence[float]:
    """Centre and size, perhaps with a confidence after them, or a polygon, as corners."""
    if len(values) in (4, 5):
        x, y, width, height = values[:4]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if len(values) < 6 or len(values) % 2:
        return values
    xs, ys = values[::2], values[1::2]
    return min(xs), min(ys), max(xs), max(ys)


SOURCE = Source("yolo", "Boxes in text files of YOLO, one per image.", recognizes, read)
