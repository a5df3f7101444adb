# SPDX-License-Identifier: BSD-3-Clause
"""What is not asked for is not loaded: each of these is a fresh process."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from importlib import metadata, util
from pathlib import Path

import pytest

import lepton_lab

FRAMEWORKS = ["torch", "torchvision", "timm", "transformers"]
HEAVY = [
    *FRAMEWORKS,
    "pandas",
    "sklearn",
    "IPython",
    "plotly",
    "onnx",
    "onnxruntime",
    "anywidget",
    "ipywidgets",
    "PIL",
]
SHELL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
assert shell.run_line_magic("load_ext", "lepton_lab") is None
assert shell.find_line_magic("lepton") is not None
"""


def loaded_by(code: str, names: list[str] = HEAVY) -> list[str]:
    """Which of the libraries `code` has loaded when it ends, in a process of its own."""
    code += (
        f"\nimport json, sys\nprint(json.dumps([name for name in {names} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "LEPTON_DISPLAY": "silent"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_check_sees_what_is_loaded():
    assert loaded_by("import plotly") == ["plotly"]


@pytest.mark.parametrize(
    "code",
    [
        "import lepton_lab",
        "import lepton_lab; dir(lepton_lab); lepton_lab.LeptonError",
        "import lepton_lab.errors, lepton_lab.registry, lepton_lab.durable, lepton_lab.rendering",
        "from lepton_lab.spec import *; fingerprint(parse(TrainSpec, {'epochs': 3}))",
        "import lepton_lab.events, lepton_lab.journal, lepton_lab.charts, lepton_lab.views",
    ],
)
def test_the_package_and_its_lowest_rooms_load_nothing_heavy(code):
    assert loaded_by(code) == []


@pytest.mark.parametrize(
    "room",
    [
        "catalog",
        "datasets",
        "tasks",
        "training",
        "exporting",
        "evaluation",
        "workbench",
        "widgets",
        "magics",
    ],
)
def test_a_room_is_entered_without_a_framework(room):
    if util.find_spec(f"lepton_lab.{room}") is None:
        pytest.skip(f"there is no room {room} yet")
    light = {"tasks", "training"}
    names = [
        name
        for name in [*FRAMEWORKS, "pandas", "plotly", "sklearn"]
        if not (room in light and name.startswith("torch"))
    ]
    assert loaded_by(f"import lepton_lab.{room}", names) == []


def test_the_catalog_is_searched_without_a_framework():
    if util.find_spec("lepton_lab.catalog") is None:
        pytest.skip("there is no catalog yet")
    code = (
        "import lepton_lab as lab\n"
        "found = lab.models('resnet*', max_params='30M')\n"
        "assert len(found) > 5\n"
        "shown = found._repr_mimebundle_()\n"
        "assert 'resnet' in (shown[0] if isinstance(shown, tuple) else shown)['text/plain']"
    )
    assert loaded_by(code, [*FRAMEWORKS, "pandas", "IPython", "plotly", "sklearn"]) == []


def test_the_magic_is_loaded_without_a_framework():
    assert loaded_by(SHELL, [*FRAMEWORKS, "pandas", "sklearn", "plotly", "onnxruntime"]) == []


def test_completion_and_the_bench_load_no_framework(tmp_path):
    code = SHELL + (
        "for line in ('%lepton ', '%lepton train resn', '%lepton train resnet18 --'):\n"
        "    assert shell.complete(line)[1], line\n"
        "shell.run_line_magic('lepton', '')\n"
        "shell.run_line_magic('lepton', 'models resnet1*')\n"
        "shell.run_line_magic('lepton', 'train --help')\n"
    )
    assert loaded_by(code, FRAMEWORKS) == []


@pytest.mark.parametrize("name", [name for name in lepton_lab.__all__ if not name.startswith("__")])
def test_every_public_name_is_there_and_says_what_it_is(name):
    value = getattr(lepton_lab, name)
    assert value.__doc__
    assert name in dir(lepton_lab)


def test_a_name_that_is_not_public_is_an_ordinary_attribute_error():
    with pytest.raises(AttributeError, match="module 'lepton_lab' has no attribute 'no_such_name'"):
        lepton_lab.no_such_name  # noqa: B018
    assert not hasattr(lepton_lab, "__wrapped__")


def test_the_names_for_the_type_checker_are_the_names_that_are_loaded():
    tree = ast.parse(Path(lepton_lab.__file__).read_text("utf-8"))
    checked = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert checked == lepton_lab._PUBLIC


def test_no_room_bears_the_name_of_a_public_function():
    rooms = {path.stem for path in Path(lepton_lab.__file__).parent.iterdir()}
    assert not rooms & set(lepton_lab._PUBLIC)


def test_the_version_is_that_of_the_installed_package():
    try:
        installed = metadata.version("lepton-lab")
    except metadata.PackageNotFoundError:
        pytest.skip("the package runs from its folder and is not installed")
    assert lepton_lab.__version__ == installed
