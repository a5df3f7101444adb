# SPDX-License-Identifier: BSD-3-Clause
"""Boxes in Pascal VOC's XML: one file per image.

    VOC2012/Annotations/1.xml  JPEGImages/1.jpg  ImageSets/Main/train.txt     the layout of VOC
    cells/train/1.jpg  cells/train/1.xml                                      beside the image

A document type is refused: only with one could a file define entities, which grow without end or
read other files. Boxes marked difficult are boxes like others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from lepton_lab.datasets.records import Reading, Source, no_such
from lepton_lab.datasets.sources.annotated import (
    Gathering,
    Pictures,
    only_known_sides,
    split_of,
)
from lepton_lab.datasets.sources.fitting import Given
from lepton_lab.datasets.sources.names import suffix
from lepton_lab.spec import DataSpec

_PLACES = ("Annotations", "annotations", "", "train", "training", "xmls")
_LARGEST = 8 << 20
_HEAD = 4096
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def recognizes(source: Any) -> bool:
    """A folder with VOC's XML files in a usual place."""
    if not isinstance(source, (str, os.PathLike)):
        return False
    try:
        root = Path(source).expanduser()
        return root.is_dir() and any(_has_annotations(root / place) for place in _PLACES)
    except (OSError, ValueError, RuntimeError):
        return False


def read(source: Any, spec: DataSpec) -> Reading:
    """The images of a folder with their XML files."""
    root = Path(source).expanduser()
    gathering = Gathering(Pictures(root))
    listed = _listed(root)
    for name in gathering.pictures.found.files:
        if suffix(name) == ".xml":
            _add(gathering, root, name, listed)
    if not gathering.records:
        raise no_such(
            f'No image in "{source}" has an annotation.',
            "XML files of Pascal VOC were found, but none with its image.",
            "Put each image beside its XML file, or into JPEGImages.",
        )
    if not only_known_sides(gathering.records.values()):
        gathering.records = {k: replace(r, split=None) for k, r in gathering.records.items()}
    gathering.tell_unlisted()
    return gathering.reading(root.resolve().name, None)


def parse(data: bytes) -> Element:
    """The tree of an XML file without a document type.

    Raises:
        ValueError: It is damaged, has a document type, or is larger than 8 MB.
    """
    if len(data) > _LARGEST:
        raise ValueError("it is larger than 8 MB")
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError(f"it is no valid XML ({error})") from error
    return builder.close()


def _refuse(*args: Any) -> None:
    raise ValueError("it has a document type, which is not read")


def _has_annotations(folder: Path) -> bool:
    """Whether the first XML file of a folder is one of VOC's."""
    if not folder.is_dir():
        return False
    with os.scandir(folder) as entries:
        first = next((e.path for e in entries if suffix(e.name) == ".xml" and e.is_file()), None)
    if first is None:
        return False
    with Path(first).open("rb") as file:
        return b"<annotation" in file.read(_HEAD).replace(b"\0", b"")


def _add(gathering: Gathering, root: Path, name: str, listed: dict[str, str]) -> None:
    path = PurePosixPath(name)
    try:
        tree = parse((root / name).read_bytes())
        if tree.tag != "annotation":
            raise ValueError(f"its root is <{tree.tag[:40]}>")
    except (ValueError, OSError) as error:
        picture = gathering.pictures.with_stem(path.stem, str(path.parent))
        gathering.note("annotation-damaged", picture or name, str(error))
        return
    pictures = gathering.pictures
    found = pictures.with_stem(path.stem, str(path.parent))
    found = found or pictures.called(_text(tree, "filename"), (str(path.parent), "JPEGImages"))
    if not found:
        gathering.note("annotation-alone", name, _text(tree, "filename"))
        return
    split = listed.get(path.stem) or split_of(*reversed(path.parts[:-1]))
    gathering.add(found, list(_boxes(tree)), split, _size(tree))


def _boxes(tree: Element) -> Iterator[Given]:
    for item in tree.iter("object"):
        box = item.find("bndbox")
        corners = ("no bndbox",) if box is None else tuple(_text(box, c) for c in _CORNERS)
        yield Given(corners, _text(item, "name") or "(no name)")


def _size(tree: Element) -> tuple[int, int] | None:
    try:
        height, width = (int(float(_text(tree, f"size/{key}"))) for key in ("height", "width"))
    except (ValueError, OverflowError):
        return None
    return (height, width) if height > 0 and width > 0 else None


def _text(tree: Element, path: str) -> str:
    return (tree.findtext(path) or "").strip()


def _listed(root: Path) -> dict[str, str]:
    """Stem -> side, from the lists in ImageSets/Main."""
    found: dict[str, str] = {}
    for side in ("test", "val", "train"):
        path = root / "ImageSets" / "Main" / f"{side}.txt"
        if path.is_file():
            lines = path.read_text("utf-8", "replace").splitlines()
            found |= {line.split()[0]: side for line in lines if line.strip()}
    return found


SOURCE = Source("voc", "Boxes in XML files of Pascal VOC, one per image.", recognizes, read)
