# SPDX-License-Identifier: BSD-3-Clause
"""Which mask belongs to which image, told by folders and names alone.

images/a.jpg            masks/a.png                       one file of values
train/images/a.jpg      train/masks/a_mask.png            with splits outside, a suffix on every mask
images/train/a.jpg      annotations/train/a.png           with splits inside
images/a.jpg            masks/a_cat.png, masks/a_dog.png  one file per class
images/a.jpg            masks/a/cat.png, masks/a/dog.png  a folder per image
JPEGImages/a.jpg        SegmentationClass/a.png           Pascal VOC, with its lists in ImageSets
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lepton_lab.datasets.sources.names import SPLIT_NAMES, is_image, suffix
from lepton_lab.datasets.sources.walk import Walk, walk

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages", "photos", "leftimg8bit")
MASK_FOLDERS = (
    "masks", "mask", "segmentationclass", "segmentation", "segmentations", "labels", "label",
    "annotations", "annotation", "gtfine", "groundtruth", "gt", "seg",
)  # fmt: skip
MASK_FILES = (".png", ".bmp", ".gif", ".tif", ".tiff", ".jpg", ".jpeg", ".webp")
# Endings that say what a file is and not what it shows; the first one that occurs is read.
WHOLE = (
    "labelTrainIds", "labelIds", "mask", "masks", "label", "labels", "gt", "seg",
    "segmentation", "annotation", "annotations", "P", "L",
)  # fmt: skip
_OF_IMAGE = re.compile(r"[_-](leftImg8bit|image|img|sat|rgb)$")
_LOOK_AT = 500


@dataclass(frozen=True)
class Place:
    """A folder of images and the folder of their masks; the split that they are for, or None."""

    images: Path
    masks: Path
    split: str | None = None


@dataclass
class Pair:
    """An image and its mask files by ending; "" is a mask of the image's own name."""

    id: str
    image: Path
    split: str | None
    masks: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """What was found.

    Attributes:
        pairs: Images with at least one mask.
        layers: Classes that have a file each; empty where a mask is one file of values.
        subject: What the ending of all masks says they show, or "".
        bare: Images without a mask.
        lonely: Masks without an image, and files with an ending that is not read.
        walks: What else is in the folders.
    """

    pairs: Sequence[Pair]
    layers: tuple[str, ...]
    subject: str
    bare: Sequence[str]
    lonely: Sequence[str]
    walks: Sequence[Walk]


def places(root: Path, masks: str = "") -> list[Place]:
    """Where images and masks are, below a folder; empty when it does not look like that.

    Args:
        root: The folder.
        masks: The folder of masks, below `root` or anywhere; found by its name when left out.
    """
    if masks:
        where = root / Path(masks).expanduser()
        inside = _named(root, IMAGE_FOLDERS)
        return [Place(inside or root, where)] if where.is_dir() else []
    found = [_place(root, None)]
    for name in _folders(root):
        if name.lower() in SPLIT_NAMES:
            found.append(_place(root / name, SPLIT_NAMES[name.lower()]))
    return [place for place in found if place is not None]


def pair_up(root: Path, masks: str = "") -> Layout:
    """Images with their masks; see the module. Nothing is opened."""
    pairs: dict[tuple[Path, str], Pair] = {}
    lonely: list[str] = []
    walks = []
    for place in places(root, masks):
        images, lists = walk(place.images), _lists(root)
        inside = place.masks.resolve().is_relative_to(place.images.resolve())
        for name in images.files:
            path = place.images / name
            if is_image(place.images, name) and not (inside and path.is_relative_to(place.masks)):
                split = place.split or _split_of(name) or lists.get(PurePosixPath(name).stem)
                if not lists or split or place.split:
                    found = Pair(_relative(path, root), path, split)
                    pairs[place.images, _key(name)] = found
        known = walk(place.masks)
        keys = {key for folder, key in pairs if folder == place.images}
        for name in known.files:
            key, ending = _match(name, keys)
            if suffix(name) not in MASK_FILES or key is None:
                lonely.append(_relative(place.masks / name, root))
            else:
                pairs[place.images, key].masks.setdefault(ending, place.masks / name)
        walks += [images, known]
    return _decided(list(pairs.values()), lonely, walks)


def _decided(pairs: list[Pair], lonely: list[str], walks: list[Walk]) -> Layout:
    """Which endings are masks and which are classes."""
    bare = [pair.id for pair in pairs if not pair.masks]
    pairs = [pair for pair in pairs if pair.masks]
    endings = Counter(ending for pair in pairs for ending in pair.masks)
    chosen = next((e for e in ("", *WHOLE) if e in endings), None)
    if chosen is None and len(endings) == 1:
        chosen = next(iter(endings))
    if chosen is None:
        return Layout(pairs, tuple(sorted(endings)), "", bare, lonely, walks)
    whole = [e for e in endings if e == chosen]
    for pair in pairs:
        lonely += [path.name for ending, path in pair.masks.items() if ending not in whole]
        pair.masks = {"": pair.masks[chosen]} if chosen in pair.masks else {}
    bare += [pair.id for pair in pairs if not pair.masks]
    subject = "" if chosen in ("", *WHOLE) else chosen
    return Layout([pair for pair in pairs if pair.masks], (), subject, bare, lonely, walks)


def _place(folder: Path, split: str | None) -> Place | None:
    images = _named(folder, IMAGE_FOLDERS)
    if images is None:
        return None
    for name in MASK_FOLDERS:
        masks = _named(folder, (name,))
        if masks is not None and _holds_pictures(masks):
            return Place(images, masks, split)
    return None


def _named(folder: Path, names: Sequence[str]) -> Path | None:
    there = {name.lower(): name for name in _folders(folder)}
    return next((folder / there[name] for name in names if name in there), None)


def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as listing:
            return sorted(entry.name for entry in listing if entry.is_dir())
    except OSError:
        return []


def _holds_pictures(folder: Path) -> bool:
    """Whether the first files below are pictures; boxes are kept in text, XML or JSON."""
    seen = 0
    for _, _, files in os.walk(folder):
        for name in files:
            if suffix(name) in MASK_FILES and not name.startswith("."):
                return True
            seen += 1
            if seen > _LOOK_AT:
                return False
    return False


def _key(name: str) -> str:
    """What an image and its mask have in common: the path without suffix and without "_image"."""
    return _OF_IMAGE.sub("", str(PurePosixPath(name).with_suffix("")))


def _match(name: str, keys: set[str]) -> tuple[str | None, str]:
    """The image that a mask is for, and what its name adds to it.

    >>> _match("a_1_cat.png", {"a", "a_1"}), _match("a/dog.png", {"a"}), _match("b.png", {"a"})
    (('a_1', 'cat'), ('a', 'dog'), (None, ''))
    """
    stem = str(PurePosixPath(name).with_suffix(""))
    for candidate in (stem, _key(name)):
        if candidate in keys:
            return candidate, ""
    for place in _cuts(stem):
        if stem[:place] in keys:
            ending = stem[place + 1 :]
            start = PurePosixPath(stem[:place]).name
            return stem[:place], ending.removeprefix(f"{start}_").removeprefix(f"{start}-")
    return None, ""


def _cuts(stem: str) -> Iterator[int]:
    """Where a name may end and an ending begin, the last place first."""
    return (i for i in range(len(stem) - 1, 0, -1) if stem[i] in "_-./ ")


def _split_of(name: str) -> str | None:
    first, _, rest = name.partition("/")
    return SPLIT_NAMES.get(first.lower()) if rest else None


def _lists(root: Path) -> dict[str, str]:
    """Image name -> split, of the lists of Pascal VOC."""
    found = {}
    for path in sorted((root / "ImageSets" / "Segmentation").glob("*.txt")):
        split = SPLIT_NAMES.get(path.stem.lower())
        if split:
            lines = path.read_text("utf-8", "replace").splitlines()
            found.update({line.split()[0]: split for line in lines if line.split()})
    return found


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
