# SPDX-License-Identifier: BSD-3-Clause
"""No door opens a pickle: each file is refused in words, at once, and none of what is in it is called."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from tests.hostile.gadgets import CALLS, WRAPS, pickled

# Every function in three kinds of file, so that every kind has several functions.
_SUFFIXES = cycle(WRAPS)
FILES = [(name, next(_SUFFIXES)) for name in CALLS for _ in range(3)]


def _folder(file: Path) -> Any:
    """The file as the weights of a model's folder."""
    folder = file.with_suffix(".model")
    folder.mkdir()
    config = {"model_type": "bert", "architectures": ["BertModel"], "vocab_size": 9, "hidden_size": 4}
    (folder / "config.json").write_text(json.dumps(config))
    name = "model.safetensors" if file.suffix == ".safetensors" else f"pytorch_model{file.suffix}"
    (folder / name).write_bytes(file.read_bytes())
    return lab.load_model(str(folder), task="text-classification")


DOORS: dict[str, Callable[[Path], Any]] = {
    "weights": lambda file: lab.load_model("test_resnet", weights=str(file)),
    "model": lambda file: lab.load_model(str(file)),
    "folder": _folder,
    "data": lambda file: lab.data(str(file)),
    "artifact": lambda file: lab.load_artifact(file),
}


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """What is measured below is the refusal and not the first import of a framework."""
    lab.load_model("test_resnet", weights="none")


def test_there_are_many_of_them() -> None:
    assert len(FILES) >= 60
    assert {suffix for _, suffix in FILES} == set(WRAPS)


def test_they_do_what_they_are_feared_for(tmp_path: Path) -> None:
    """Opened in a process of its own, each leaves its canary: the files below are not harmless."""
    for name in CALLS:
        (tmp_path / f"{name}.pkl").write_bytes(pickled(name, tmp_path / f"{name}.canary"))
    code = (
        "import pathlib, pickle, sys\n"
        "for file in sorted(pathlib.Path(sys.argv[1]).glob('*.pkl')):\n"
        "    try:\n"
        "        pickle.loads(file.read_bytes())\n"
        "    except Exception as error:\n"
        "        print(file.name, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    left = {path.name.removesuffix(".canary") for path in tmp_path.glob("*.canary")}
    assert left == set(CALLS), done.stdout


@pytest.mark.parametrize("door", DOORS)
def test_no_door_opens_one(door: str, tmp_path: Path) -> None:
    slowest = (0.0, "")
    for number, (name, suffix) in enumerate(FILES):
        file, canary = tmp_path / f"{number:02d}{suffix}", tmp_path / f"{number:02d}.canary"
        file.write_bytes(WRAPS[suffix](pickled(name, canary)))
        started = time.process_time()
        with pytest.raises(LeptonError) as refused:
            DOORS[door](file)
        slowest = max(slowest, (time.process_time() - started, f"{name}{suffix}"))
        assert len(str(refused.value).splitlines()) <= 3
        assert not canary.exists() and not canary.is_symlink(), name
    assert slowest[0] < 0.5, slowest

