# SPDX-License-Identifier: BSD-3-Clause
"""Where completion finds names: models, data sets, runs, variables and paths.

Each source answers from what is at hand: the shipped index of models, the folder of runs, the
variables of the notebook. None touches the network and none imports a framework.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lepton_lab.magics.verb import Option, Positional

logger = logging.getLogger(__name__)
Candidate = tuple[str, str]
LIMIT = 300
_TABLES = (".csv", ".tsv", ".parquet")
_VARIABLES = {
    "model": ("LeptonModel", "Run"),
    "trained": ("Run", "LeptonModel", "Artifact"),
    "data": ("Dataset", "DataFrame"),
    "run": ("Run",),
    "input": ("Dataset", "Split", "Image", "ImageInput", "ndarray", "Tensor", "list"),
    "pattern": (),
    "deleted": (),
    "word": (),
}


def words(
    place: Positional, fragment: str, namespace: Mapping[str, Any], *, quoted: bool = True
) -> list[Candidate]:
    """The names that fit a positional, those that begin with the fragment before the others.

    Args:
        place: The positional.
        fragment: What is typed of the word, perhaps with an opening quotation mark.
        namespace: The variables.
        quoted: Whether names that need it get quotation marks, as a line wants them.
    """
    mark = fragment[:1] if quoted and fragment[:1] in ("'", '"') else ""
    typed = fragment[len(mark) :]
    unique: dict[str, str] = {}
    for text, kind in variables(place.kind, typed, namespace):
        unique.setdefault(text, kind)
    for source in _SOURCES[place.kind]:
        for text, kind in _tried(source, typed):
            unique.setdefault(text, kind)
    found = list(unique.items())[:LIMIT]
    if not quoted:
        return found
    return [(f"{mark}{text}{mark}" if mark else shlex.quote(text), kind) for text, kind in found]


def starting(fragment: str, found: Iterable[Candidate]) -> list[Candidate]:
    """The candidates that begin with the fragment."""
    return [(text, kind) for text, kind in found if text.startswith(fragment)]


def flags(options: Iterable[Option], fragment: str = "") -> list[Candidate]:
    """Options as they are typed; an alias only for someone who has begun to type it."""
    found: list[Candidate] = []
    for option in options:
        if not option.switch:
            found.append((f"{option.flag}=", "option"))
        if option.switch and option.default is not True:
            found.append((option.flag, "option"))
        if option.switch and option.default is not False:
            found.append((f"--no-{option.flag[2:]}", "option"))
        if option.alias and len(fragment) > 2 and f"--{option.alias}".startswith(fragment):
            found.append((f"--{option.alias}=", "option"))
    return [*found, ("--help", "option")]


def variables(kind: str, fragment: str, namespace: Mapping[str, Any]) -> list[Candidate]:
    """Variables whose type fits, told by the name of a class so that nothing need be imported."""
    wanted = set(_VARIABLES[kind])
    names = [
        name for name in list(namespace) if not name.startswith("_") and name.startswith(fragment)
    ]
    fitting = [n for n in names if wanted & {cls.__name__ for cls in type(namespace[n]).__mro__}]
    return [(name, "variable") for name in fitting if name not in ("In", "Out")]


def models(fragment: str) -> list[Candidate]:
    """Models of the shipped index."""
    from lepton_lab.catalog import complete

    return [(name, "model") for name in complete(fragment)]


def samples(fragment: str) -> list[Candidate]:
    """Data sets that come with the package."""
    from lepton_lab.datasets.sources import builtin

    return starting(fragment, [(name, "dataset") for name in builtin.NAMES])


def runs(fragment: str) -> list[Candidate]:
    """Runs of this project, newest first."""
    from lepton_lab.journal import run_folders

    names = [folder.name for folder in run_folders()]
    ordered = [n for n in names if n.startswith(fragment)] + [n for n in names if fragment in n[1:]]
    return [(name, "run") for name in dict.fromkeys(ordered)]


def deleted(fragment: str) -> list[Candidate]:
    """Runs in the trash."""
    from lepton_lab.journal import keeping

    return starting(fragment, [(name, "run") for name in keeping.trashed()])


def paths(fragment: str, keep: Callable[[str], bool] = lambda name: True) -> list[Candidate]:
    """Folders, and the files that `keep` likes, whose path begins with the fragment."""
    folder, base = os.path.split(fragment)
    found: list[Candidate] = []
    with contextlib.suppress(OSError), os.scandir(Path(folder).expanduser()) as entries:
        for entry in itertools.islice(entries, 2000):
            if not entry.name.startswith(base) or (entry.name.startswith(".") and not base):
                continue
            text = fragment[: len(fragment) - len(base)] + entry.name
            if entry.is_dir():
                found.append((text + "/", "path"))
            elif keep(entry.name):
                found.append((text, "path"))
    return sorted(found)


def _tried(source: Callable[[str], list[Candidate]], fragment: str) -> list[Candidate]:
    """What a source offers; one that fails takes nothing away from the others."""
    try:
        return source(fragment)
    except Exception:
        logger.debug("no names from %s", source, exc_info=True)
        return []


def _folders(fragment: str) -> list[Candidate]:
    """Local model folders, for someone who types a path: elsewhere names are meant."""
    return paths(fragment, lambda name: False) if fragment.startswith((".", "/", "~")) else []


def _data_paths(fragment: str) -> list[Candidate]:
    return paths(fragment, lambda name: name.lower().endswith(_TABLES))


_SOURCES: dict[str, tuple[Callable[[str], list[Candidate]], ...]] = {
    "model": (models, runs, _folders),
    "trained": (runs, models, _folders),
    "data": (samples, _data_paths),
    "run": (runs,),
    "input": (paths,),
    "pattern": (models,),
    "deleted": (deleted,),
    "word": (),
}
