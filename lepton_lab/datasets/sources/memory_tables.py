# SPDX-License-Identifier: BSD-3-Clause
"""Tables that are already in memory: data frames, lists of records, lists of texts, `datasets` objects.

lab.data(frame)    lab.data([{"text": "…", "label": "…"}])    lab.data((texts, labels))
lab.data({"train": frame, "val": other})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lepton_lab.datasets.records import no_such, plural
from lepton_lab.datasets.sources.cells import Columns, as_cell
from lepton_lab.datasets.sources.names import SPLIT_NAMES

_TEXTS = "texts"


def is_memory_table(source: Any) -> bool:
    """Whether an object is one of those; never raises."""
    if isinstance(source, Mapping):
        return "train" in split_keys(source).values() and all(map(is_memory_table, source.values()))
    return is_frame(source) or _is_hub(source) or _is_records(source) or _is_pair(source)


def split_keys(source: Mapping[Any, Any]) -> dict[Any, str]:
    """Key -> split, for the keys of a mapping that name one."""
    named = {key: SPLIT_NAMES.get(str(key).lower(), "") for key in source}
    return {key: side for key, side in named.items() if side}


def is_frame(source: Any) -> bool:
    """A data frame of pandas (or of a library with its methods)."""
    return hasattr(source, "columns") and hasattr(source, "to_dict") and hasattr(source, "iloc")


def memory_columns(source: Any) -> Columns:
    """One table of those. Raises DataError when it has no rows or its lengths differ."""
    if is_frame(source):
        names = [str(name) for name in source.columns]
        cells = [[as_cell(v) for v in source.iloc[:, i]] for i in range(len(names))]
        return _of(names, cells, "frame")
    if _is_hub(source):
        return _from_hub(source)
    if _is_pair(source):
        return _from_pair(source)
    names = list(dict.fromkeys(str(key) for row in source for key in row))
    rows = [{str(key): value for key, value in row.items()} for row in source]
    return _of(names, [[as_cell(row.get(name)) for row in rows] for name in names], "records")


def _of(names: list[str], cells: list[list[Any]], name: str) -> Columns:
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise no_such(
            f'Two columns of the {name} are called "{twice}".',
            "Each column needs a name of its own.",
            "Rename one of them, then run the cell again.",
        )
    count = len(cells[0]) if cells else 0
    if not count:
        raise no_such(
            f"The {name} has no rows.",
            f"It has {plural(len(names), 'column')}.",
            "Give at least two rows.",
        )
    width = max(5, len(str(count)))
    ids = [f"{i:0{width}d}" for i in range(count)]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
    return Columns(names, rows, ids, name=name, source=name)


def _is_hub(source: Any) -> bool:
    module = type(source).__module__
    if not (module == "datasets" or module.startswith("datasets.")):
        return False
    features = getattr(source, "features", None) or {}
    return bool(features) and not any(type(f).__name__ == "Image" for f in features.values())


def _from_hub(source: Any) -> Columns:
    """A table of the `datasets` library; class numbers become their names, -1 is how it marks a missing one."""
    from itertools import chain

    features = dict(source.features)
    cells: list[list[Any]] = []
    classes = {}
    for name, feature in features.items():
        inner = getattr(feature, "feature", feature)
        named = getattr(inner, "names", None)
        table = source.select_columns([name])
        if type(feature).__name__ == "Audio":
            import datasets

            table = table.cast_column(name, datasets.Audio(decode=False))
        column = list(chain.from_iterable(batch[name] for batch in table.iter(1000)))
        if named is not None and not isinstance(named, Mapping):
            classes[name] = tuple(str(one) for one in named)
            column = [_named(value, classes[name]) for value in column]
        cells.append([as_cell(value) for value in column])
    found = _of(list(features), cells, "hub data")
    found.classes = classes
    return found


def _named(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, (list, tuple)):
        return [_named(one, names) for one in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return names[value] if 0 <= value < len(names) else None
    return value


def _is_records(source: Any) -> bool:
    return (
        isinstance(source, list)
        and bool(source)
        and all(isinstance(r, Mapping) for r in source[:50])
    )


def _is_pair(source: Any) -> bool:
    """(texts, labels): a list of strings (or of pairs of strings) with as many labels."""
    if not (isinstance(source, tuple) and len(source) == 2):
        return False
    texts, labels = source
    if not isinstance(texts, (list, tuple)) or not texts or isinstance(labels, (str, bytes)):
        return False
    return isinstance(labels, Sequence) or hasattr(labels, "tolist") if _all_texts(texts) else False


def _all_texts(texts: Sequence[Any]) -> bool:
    some = texts[:50]
    if all(isinstance(text, str) for text in some):
        return True
    return all(
        isinstance(t, (list, tuple)) and len(t) == 2 and all(isinstance(p, str) for p in t)
        for t in some
    )


def _from_pair(source: Any) -> Columns:
    texts, labels = list(source[0]), source[1]
    labels = list(labels.tolist() if hasattr(labels, "tolist") else labels)
    if len(texts) != len(labels):
        raise no_such(
            f"There are {plural(len(texts), 'text')} but {plural(len(labels), 'label')}.",
            "Each text needs one label, in the same order.",
            "Compare len(texts) and len(labels), then run the cell again.",
        )
    cells = [as_cell(label) for label in labels]
    if isinstance(texts[0], str):
        return _of(["text", "label"], [texts, cells], _TEXTS)
    first, second = [t[0] for t in texts], [t[1] for t in texts]
    return _of(["text_a", "text_b", "label"], [first, second, cells], _TEXTS)
