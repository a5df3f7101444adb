# SPDX-License-Identifier: BSD-3-Clause
"""Data sets of the `datasets` library: objects in memory, or names on the Hugging Face hub.

    lab.data(datasets.load_dataset("imagefolder", data_dir="photos"))      lab.data("hub:beans")

An image column and a class column are needed. The image bytes are read from the library's table
when a sample is needed, undecoded, so that damage, orientation and 16-bit files are treated as
everywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lepton_lab.datasets.records import Finding, Reading, Record, Source, call, no_such, quoted
from lepton_lab.datasets.sources import rows
from lepton_lab.datasets.sources.memory_tables import is_memory_table
from lepton_lab.datasets.sources.names import SPLIT_NAMES
from lepton_lab.errors import did_you_mean
from lepton_lab.spec import DataSpec

PREFIX = "hub:"


@dataclass(frozen=True)
class HubImage:
    """The bytes of one row, fetched when needed."""

    table: Any
    row: int
    column: str

    def fetch(self) -> bytes:
        """The encoded image."""
        cell = self.table[self.row][self.column]
        if cell is None:
            return b""
        return cell["bytes"] if cell.get("bytes") is not None else Path(cell["path"]).read_bytes()


def recognizes(source: Any) -> bool:
    """An object of the library, `hub:NAME`, or OWNER/NAME where no such path could be meant."""
    if isinstance(source, str):
        if source.startswith(PREFIX):
            return True
        owner, _, name = source.partition("/")
        plausible = re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", source) is not None
        return (
            plausible
            and not Path(owner).exists()
            and not name.endswith((".csv", ".tsv", ".parquet"))
        )
    module = type(source).__module__
    return module == "datasets" or module.startswith("datasets.")


def read(source: Any, spec: DataSpec) -> Reading:
    """The records of a hub name, a DatasetDict or a Dataset."""
    name = source.removeprefix(PREFIX) if isinstance(source, str) else "hub data"
    loaded = _load(name, source) if isinstance(source, str) else source
    if isinstance(source, str) and is_memory_table(loaded):
        return replace(rows.read(loaded, spec), name=re.sub(r"[^\w.-]+", "-", name))
    tables = dict(loaded) if isinstance(loaded, Mapping) else {"": loaded}
    findings: list[Finding] = []
    sides = _sides(tables, findings)
    records: list[Record] = []
    classes: tuple[str, ...] | None = None
    for key, side in sides.items():
        table = tables[key]
        image, label = _columns(table, spec, source)
        feature = table.features[label]
        classes = classes or (tuple(feature.names) if hasattr(feature, "names") else None)
        records += _records(table, key, side, image, label)
    licence = next((str(table.info.license or "") for table in tables.values() if hasattr(table, "info")), "")
    return Reading(records, re.sub(r"[^\w.-]+", "-", name), tuple(findings), classes, licence=licence)


def _load(name: str, source: Any) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise no_such(
            "Data from the hub need the datasets library.",
            "It is not installed.",
            "%pip install lepton-lab[hub]",
        ) from error
    try:
        return datasets.load_dataset(name)
    except Exception as error:
        reason = (
            str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        )
        raise no_such(
            f'The data set "{name}" is not on this computer and could not be fetched from the hub.',
            f'There is no folder "{source}" either. The library says: {reason}',
            f"Check the name and the network, or try {call('digits')}",
        ) from error


def _sides(tables: Mapping[str, Any], findings: list[Finding]) -> dict[str, str | None]:
    """Key of a table -> split; keys that are no split are left out and said."""
    if len(tables) == 1:
        return {next(iter(tables)): None}
    sides = {key: SPLIT_NAMES.get(str(key).lower()) for key in tables}
    other = [str(key) for key, side in sides.items() if side is None]
    if "train" not in sides.values():
        raise no_such(
            "The data set has no train split.",
            f"Its splits: {quoted(map(str, tables))}.",
            f"lab.data(dataset[{next(iter(tables))!r}])",
        )
    if other:
        findings.append(
            Finding(
                "other-splits",
                "info",
                len(other),
                f"Further splits: {quoted(other)}.",
                "Not read.",
                tuple(other),
            )
        )
    return {key: side for key, side in sides.items() if side}


def _columns(table: Any, spec: DataSpec, source: Any) -> tuple[str, str]:
    features = table.features
    images = [name for name, f in features.items() if type(f).__name__ == "Image"]
    labels = [name for name, f in features.items() if type(f).__name__ == "ClassLabel"]
    if not labels:
        labels = [
            name
            for name in features
            if name in ("label", "labels", "class", "target") and name not in images
        ]
    image, label = spec.image or next(iter(images), ""), spec.label or next(iter(labels), "")
    for wanted, option in ((image, "image"), (label, "label")):
        if wanted not in features:
            what = (
                f'There is no column "{wanted}".'
                if wanted
                else f"No column is recognized as the {option}."
            )
            why = f"{did_you_mean(wanted, features)} Columns: {quoted(features)}.".strip()
            raise no_such(
                what, why, f"lab.data(dataset, {option}={next(iter(features), 'name')!r})"
            )
    if image not in images:
        raise no_such(
            f'The column "{image}" holds no images.',
            f"Image columns: {quoted(images) or 'none'}.",
            "dataset = dataset.cast_column('image', datasets.Image())",
        )
    return image, label


def _records(table: Any, key: str, side: str | None, image: str, label: str) -> Iterator[Record]:
    import datasets

    raw = table.select_columns([image]).cast_column(image, datasets.Image(decode=False))
    feature = table.features[label]
    width = max(5, len(str(len(table))))
    for row, value in enumerate(table[label]):
        name = f"{key}/{row:0{width}d}" if key else f"{row:0{width}d}"
        yield Record(name, HubImage(raw, row, image), _name(value, feature), side)


def _name(value: Any, feature: Any) -> str | None:
    """The class as text; -1 is how the library marks a missing one."""
    if value is None or (hasattr(feature, "names") and value == -1):
        return None
    return feature.int2str(value) if hasattr(feature, "names") else str(value)


SOURCE = Source(
    "hub", "Objects of the datasets library, or hub:NAME on the Hugging Face hub.", recognizes, read
)
