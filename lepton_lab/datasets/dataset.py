# SPDX-License-Identifier: BSD-3-Clause
"""A data set: classes, up to three splits, and everything that was found on the way.

    ds = ImageDataset.load_from_folder("flowers", batch_size=32)
    ds.train, ds.val, ds.test      ds.problems      ds.audit()      ds.show(16)

`data` guesses where an object comes from; the class methods name it. Both end in the same place.
A data set is read once and does not change afterwards, and it never changes anything on disk.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lepton_lab.datasets.assemble import Assembled, assemble
from lepton_lab.datasets.cache import PixelCache
from lepton_lab.datasets.checking import Check
from lepton_lab.datasets.licence import declared
from lepton_lab.datasets.records import Finding, Reading, Sample, Source, call, no_such
from lepton_lab.datasets.sources import arrays as arrays_source
from lepton_lab.datasets.sources import hub as hub_source
from lepton_lab.datasets.sources import sources
from lepton_lab.datasets.splits import Split
from lepton_lab.spec import DataSpec, parse

if TYPE_CHECKING:
    from pathlib import Path

    import pandas

    from lepton_lab.datasets.audit import Audit
    from lepton_lab.datasets.gallery import Gallery, Tiles


class Dataset:
    """What every kind of data set has.

    Attributes:
        name: A short name.
        content: What a sample is ("image").
        labels: What its label is ("class").
        task: What it is for.
        columns: Role -> column of the table that it was read from, where it was one.
        spec: How it was read and split.
        classes: The names that labels point into, the same for all splits.
        train: The split to learn from.
        val: The split that chooses the best epoch, or None.
        test: The split to report on, or None.
        problems: What was found while loading, as `Finding`s.
        batch_size: Samples per step where the user fixed it here, else None.
        shuffle: Whether train is shuffled; val and test never are.
        flip_safe: Whether a mirrored sample keeps its class.
        groups: Id -> group, for samples that must stay on one side.
        original: The data set before its edits, when it has edits and was not read from a run's copy.
    """

    def __init__(
        self,
        reading: Reading,
        parts: Assembled,
        spec: DataSpec,
        *,
        batch_size: int | None = None,
        shuffle: bool = True,
    ) -> None:
        self.name, self.spec = reading.name or "data", spec
        self.content, self.labels, self.task = reading.content, reading.labels, reading.task
        self.columns = dict(reading.columns)
        self.licence = spec.licence or reading.licence or (declared(Path(spec.path)) if spec.path else "")
        self.classes, self.problems = parts.classes, list(parts.problems)
        self.batch_size, self.shuffle, self.flip_safe = batch_size, shuffle, reading.flip_safe
        self.checks, self.groups = parts.checks, parts.groups
        self.original: Dataset | None = None
        self.cache = PixelCache()
        splits = {
            name: Split(name, samples, self.classes, self.cache, self.content, self.labels)
            for name, samples in parts.samples.items()
        }
        self.train: Split = splits["train"]
        self.val: Split | None = splits["val"] if len(splits["val"]) else None
        self.test: Split | None = splits["test"] if len(splits["test"]) else None

    @property
    def held_out(self) -> Split:
        """The split to report on: test, else val. Raises DataError when nothing was held out."""
        held = self.test or self.val
        if held is None:
            raise no_such(
                f'Nothing of "{self.name}" was held out.',
                "val and test are both empty.",
                call(self.spec.path, val=0.15, test=0.15),
            )
        return held

    def splits(self) -> list[Split]:
        """The splits that exist: train, val, test."""
        return [split for split in (self.train, self.val, self.test) if split is not None]

    def split(self, name: str) -> Split:
        """The split called `name`. Raises DataError that names the ones there are."""
        found = {split.name: split for split in self.splits()}
        if name not in found:
            raise no_such(
                f'There is no split "{name}" in "{self.name}".',
                f"There are: {', '.join(found)}.",
                f'split="{next(iter(found))}"',
            )
        return found[name]

    def fingerprint(self) -> str:
        """16 hex digits that change with any id, content, label, class or split, nothing else."""
        hasher = hashlib.sha256(repr(self.classes).encode("utf-8", "surrogatepass"))
        for split in self.splits():
            for sample in sorted(split, key=lambda s: s.id):
                check = self.checks[sample.id]
                parts = split.name, sample.id, check.size, check.digest.hex(), sample.label
                hasher.update(repr(parts).encode("utf-8", "surrogatepass"))
        return hasher.hexdigest()[:16]

    def to_pandas(self) -> pandas.DataFrame:
        """One row per sample: id, label, split, bytes; of pictures width and height in pixels too."""
        import pandas

        rows = []
        for split in self.splits():
            for sample in split:
                check, label = self.checks[sample.id], sample.label
                words = None if label is None else split.labels.words(label, split.classes)
                row: dict[str, Any] = {"id": _text(sample.id), "label": _text(words), "split": split.name}
                if self.content == "image":
                    row |= {"width": None, "height": None}
                    if check.facts:
                        row |= {"width": check.facts.width, "height": check.facts.height}
                rows.append({**row, "bytes": check.size})
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        from lepton_lab.datasets.card import card

        return card(self).text()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from lepton_lab.datasets.card import card

        return card(self)._repr_mimebundle_()

    def audit(self) -> Audit:
        """Look at every sample: damage, odd kinds, copies, near copies, leaks, imbalance."""
        from lepton_lab.datasets.audit import audit

        return audit(self)

    def show(self, count: int = 16, split: str = "train", augment: str = "none") -> Gallery | Tiles:
        """A grid of samples.

        Args:
            count: How many.
            split: Which split.
            augment: "light" or "strong" shows them as training would see them.
        """
        from lepton_lab.datasets.gallery import gallery

        return gallery(self.split(split), count, augment, self.flip_safe, self.spec.seed)

    def edited(self, edits: str | Path) -> Self:
        """A data set with the edits of a file applied (see `lab.clean`); this one stays as it is.

        Args:
            edits: The edits file, or `FILE@N` for its first N lines.

        Raises:
            DataError: There is no such file, or nothing would be left to train on.
        """
        from lepton_lab.datasets.edits import edited

        return edited(self, os.fspath(edits))

    def folded(self, fold: str) -> Self:
        """Train and val together, cut anew: fold "2/5" is val, the other four are train. Test stays as it is.

        Args:
            fold: K/N, the K-th of N folds.

        Raises:
            DataError: It is no such pair of numbers, or there are fewer samples than folds.
        """
        from lepton_lab.datasets.folds import folded

        return folded(self, fold)

    def rebuilt(
        self,
        samples: dict[str, list[Sample]],
        spec: DataSpec,
        problems: Sequence[Finding],
        checks: dict[str, Check] | None = None,
    ) -> Self:
        """A data set of the same kind with other samples.

        Args:
            samples: Split name -> its samples.
            spec: How it is read and split.
            problems: What is to be said about it.
            checks: What is known of each sample, by id; as here when left out.
        """
        reading = Reading(
            (),
            self.name,
            flip_safe=self.flip_safe,
            content=self.content,
            labels=self.labels,
            task=self.task,
            columns=self.columns,
            licence=self.licence,
        )
        known = self.checks if checks is None else checks
        parts = Assembled(samples, self.classes, list(problems), known, self.groups)
        return type(self)(reading, parts, spec, batch_size=self.batch_size, shuffle=self.shuffle)

    def __len__(self) -> int:
        return len(self.train)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        sample, found = self.train[index], self.train.read(index)
        label = -1 if sample.label is None and self.labels == "class" else sample.label
        return found.copy() if hasattr(found, "copy") else found, label

    @classmethod
    def _load(
        cls,
        source: Any,
        options: dict[str, Any],
        batch_size: int | None,
        shuffle: bool,
        record: Source,
    ) -> Self:
        named = isinstance(source, (str, os.PathLike))
        spec = parse(
            DataSpec, {"path": os.fspath(source) if named else record.name, **options}, where="data"
        )
        if record.name in ("folder", "table") and not record.recognizes(source):
            raise _not_there(source)
        if batch_size is not None and (
            isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1
        ):
            raise no_such(
                f"batch_size must be a whole number of at least 1; got {batch_size!r}.",
                "",
                "batch_size=32",
            )
        plain = replace(spec, edits="", fold="")
        reading = Reading.of(record.read(source, plain), record.name)
        if spec.task != "auto":
            reading = replace(reading, task=spec.task)
        pictures: Any = ImageDataset if cls is Dataset and reading.content == "image" else cls
        found: Self = pictures(
            reading, assemble(source, reading, plain), plain, batch_size=batch_size, shuffle=shuffle
        )
        found = found.edited(spec.edits) if spec.edits else found
        return found.folded(spec.fold) if spec.fold else found


class ImageDataset(Dataset):
    """Labeled images. As a sequence it is its train split: `ds[i]` is (uint8 (H, W, 3), class)."""

    @classmethod
    def load_from_folder(
        cls, path: str | Path, batch_size: int | None = None, shuffle: bool = True, **options: Any
    ) -> ImageDataset:
        """Images in one folder per class, with or without train, val and test around them.

        Args:
            path: The folder.
            batch_size: Samples per step; chosen when training where left out.
            shuffle: Whether train is shuffled.
            **options: Fields of `DataSpec`: val, test, seed, exclude, clean, dedupe, label, ...

        Raises:
            DataError: The folder is not there, is empty, or has fewer than two classes.
            SpecError: An option is unknown or has a wrong value.
        """
        return cls._load(path, options, batch_size, shuffle, sources.get("folder"))

    from_folder = load_from_folder

    @classmethod
    def from_table(
        cls, path: str | Path, batch_size: int | None = None, shuffle: bool = True, **options: Any
    ) -> ImageDataset:
        """Images listed in a CSV, TSV or Parquet file, one row each with a path and a label.

        Args:
            path: The table; image paths in it are relative to its folder.
            batch_size: As in `load_from_folder`.
            shuffle: As in `load_from_folder`.
            **options: Fields of `DataSpec`, above all `image` and `label`, the two columns.
        """
        return cls._load(path, options, batch_size, shuffle, sources.get("table"))

    @classmethod
    def from_arrays(
        cls,
        images: Any,
        labels: Any,
        classes: Sequence[str] | None = None,
        batch_size: int | None = None,
        shuffle: bool = True,
        **options: Any,
    ) -> ImageDataset:
        """Images in memory.

        Args:
            images: (N, H, W), (N, H, W, C) or (N, C, H, W), NumPy or torch; or a list of PIL
                pictures or arrays.
            labels: N class indexes or names.
            classes: The names that indexes stand for.
            batch_size: As in `load_from_folder`.
            shuffle: As in `load_from_folder`.
            **options: Fields of `DataSpec`.
        """
        source = arrays_source.Arrays(images, labels, classes)
        return cls._load(source, options, batch_size, shuffle, sources.get("arrays"))

    @classmethod
    def from_hub(
        cls, source: Any, batch_size: int | None = None, shuffle: bool = True, **options: Any
    ) -> ImageDataset:
        """A data set of the `datasets` library: its name on the hub, a Dataset or a DatasetDict.

        Args:
            source: The name or the object; it needs an image column and a class column.
            batch_size: As in `load_from_folder`.
            shuffle: As in `load_from_folder`.
            **options: Fields of `DataSpec`.
        """
        if isinstance(source, str) and not source.startswith(hub_source.PREFIX):
            source = hub_source.PREFIX + source
        return cls._load(source, options, batch_size, shuffle, sources.get("hub"))


def data(path_or_object: Any, **options: Any) -> Dataset:
    """Load a data set from wherever it is.

    Args:
        path_or_object: A folder of class folders, a CSV/TSV/Parquet file, "digits", a pair
            (images, labels), a `datasets` object or hub name, or a data set that is loaded
            already.
        **options: Fields of `DataSpec`: val, test, seed, label, image, exclude, clean, dedupe, edits.

    Raises:
        DataError: Nothing is there, or it cannot be trained on; the message says what to type.
        SpecError: An option is unknown or has a wrong value.

    >>> data("digits").classes
    ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """
    if isinstance(path_or_object, Dataset) and not options:
        return path_or_object
    if options.get("masks"):
        # A folder of masks that is named says what the images are for, whatever else lies beside them.
        return Dataset._load(path_or_object, options, None, True, sources.get("masks"))
    for record in sources:
        if record.recognizes(path_or_object):
            return Dataset._load(path_or_object, options, None, True, record)
    raise _not_there(path_or_object)


def _text(name: str | None) -> str | None:
    """A name that a table can hold; bytes of a file name that are no text are written as escapes."""
    return None if name is None else name.encode("utf-8", "backslashreplace").decode()


def _not_there(source: Any) -> Exception:
    from lepton_lab.datasets.missing import explain

    return explain(source)
