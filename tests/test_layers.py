# SPDX-License-Identifier: BSD-3-Clause
"""Which room may know which: the arrows of the house go one way.

An import counts wherever it stands: at the top, within a function, or for the type checker alone.
The public names in `lepton_lab/__init__.py` are the one door to every room.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

import lepton_lab

ROOT = Path(lepton_lab.__file__).parent
BOTTOM = {
    "metrics", "views", "events", "spec", "registry", "rendering", "randomness", "collecting", "durable", "durations", "mailbox",
    "errors",
}  # fmt: skip
TASKS = {"tasks", "catalog", "datasets", "metrics", "runtime"} | BOTTOM
WIDGETS = {"charts", "journal", "events", "rendering", "errors", "registry", "views"}
WORKBENCH = {"widgets", "cleaning", "compression", "trackers", "exporting", "serving", "evaluation", "training", "charts", "journal"} | TASKS
ROOMS: dict[str, set[str]] = {
    "": {"studio", "magics", "workbench"} | WORKBENCH,
    "__main__": {"magics"},
    "magics": {"", "workbench"} | WORKBENCH,
    "studio": {"", "magics", "workbench"} | WORKBENCH,
    "workbench": {""} | WORKBENCH,
    "widgets": WIDGETS,
    "cleaning": {"training"} | TASKS,
    "compression": {"exporting", "training"} | TASKS,
    "exporting": {"serving"} | TASKS,
    "serving": {"runtime"} | BOTTOM,
    "jupyter": {"charts", "journal", "catalog", "datasets", "runtime"} | BOTTOM,
    "evaluation": {"metrics", "charts", "rendering"} | BOTTOM,
    "training": {"tasks", "datasets", "events"} | BOTTOM,
    "tasks": {"catalog", "datasets", "metrics", "runtime"} | BOTTOM,
    "catalog": {"runtime"} | BOTTOM,
    "datasets": {"runtime"} | BOTTOM,
    "charts": {"events", "rendering", "errors", "durable"},
    "journal": {"events", "rendering", "errors", "durable"},
    "trackers": {"events", "errors", "registry", "rendering", "durable", "spec"},
    "runtime": set(),
    **dict.fromkeys(BOTTOM, BOTTOM),
}
# Libraries that a room must not know, not even within a function.
FRAMEWORKS = {"torch", "torchvision", "timm", "transformers", "datasets", "onnx", "onnxruntime"}
FORBIDDEN: dict[str, set[str]] = {
    **dict.fromkeys(("charts", "journal", "evaluation"), FRAMEWORKS | {"IPython", "anywidget"}),
    **dict.fromkeys(BOTTOM - {"metrics"}, FRAMEWORKS | {"pandas", "plotly", "sklearn"}),
    "metrics": FRAMEWORKS | {"pandas", "plotly", "sklearn", "IPython"},
    "runtime": (FRAMEWORKS - {"onnxruntime"}) | {"pandas", "plotly", "sklearn", "IPython"},
    "trackers": FRAMEWORKS | {"pandas", "plotly", "IPython", "anywidget"},
    "jupyter": FRAMEWORKS | {"pandas", "plotly", "sklearn", "IPython", "anywidget"},
    "training": {"IPython", "plotly", "anywidget", "ipywidgets"},
    "cleaning": {"IPython", "plotly", "anywidget", "ipywidgets", "pandas"},
    "tasks": {"IPython", "plotly", "anywidget", "ipywidgets"},
}


@dataclass(frozen=True)
class Import:
    """An import of `target` (a dotted module) at a line of a file."""

    file: Path
    line: int
    target: str
    inside: bool

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}: {self.file.parts[0]} imports {self.target}"


def module_of(file: Path) -> str:
    """The dotted name of a file below the package's root."""
    parts = file.with_suffix("").parts
    return ".".join(("lepton_lab", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def imports(file: Path, source: str, modules: set[str]) -> Iterator[Import]:
    """Every import of a file; `from package import module` is an import of the module."""

    tree = ast.parse(source)

    def visit(node: ast.AST, inside: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name != "lepton_lab" or alias.asname or not only_asks_for_facts(tree):
                    yield Import(file, node.lineno, alias.name, inside)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = ["lepton_lab", *file.parts[:-1]]
                package = package[: len(package) - node.level + 1]
                base = ".".join([*package, base] if base else package)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield Import(file, node.lineno, whole if whole in modules else base, inside)
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        inside = inside or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    yield from visit(tree, False)


def only_asks_for_facts(tree: ast.AST) -> bool:
    """Whether a module uses the package itself for nothing but its version and its place on disk."""
    return all(
        node.attr in ("__version__", "__file__")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "lepton_lab"
    )


def room(module: str) -> str:
    """The room of a dotted name: the first name below the package, "" for the package itself."""
    return [*module.split("."), ""][1]


def broken(found: Import) -> str:
    """What is wrong with an import, or nothing."""
    here = "" if found.file == Path("__init__.py") else found.file.parts[0].removesuffix(".py")
    if found.target.split(".")[0] == "lepton_lab":
        there = room(found.target)
        return found.where if there != here and there not in ROOMS[here] else ""
    return found.where if found.target.split(".")[0] in FORBIDDEN.get(here, ()) else ""


FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
MODULES = {module_of(file) for file in FILES}
ALL = [
    found for file in FILES for found in imports(file, (ROOT / file).read_text("utf-8"), MODULES)
]


def test_every_module_lies_in_a_room_of_the_plan():
    assert {
        "" if file == Path("__init__.py") else file.parts[0].removesuffix(".py") for file in FILES
    } <= set(ROOMS)
    assert len(ALL) > 200


def test_imports_go_down_only():
    wrong = [text for found in ALL if (text := broken(found))]
    assert not wrong, "\n" + "\n".join(wrong)


def test_rooms_do_not_go_round_in_a_circle():
    graph: dict[str, set[str]] = {}
    for found in ALL:
        if found.target.split(".")[0] == "lepton_lab" and found.file.name != "__main__.py":
            here, there = room(module_of(found.file)), room(found.target)
            if here and there and here != there:
                graph.setdefault(here, set()).add(there)
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = error.args[1]
        pairs = {(b, a) for a, b in pairwise(circle)}
        where = [f.where for f in ALL if (room(module_of(f.file)), room(f.target)) in pairs]
        pytest.fail(f"{' <- '.join(circle)}\n" + "\n".join(where))
    assert order.index("errors") < order.index("workbench") < order.index("magics")


def test_modules_that_load_each_other_at_the_top_do_not_go_round_in_a_circle():
    graph: dict[str, set[str]] = {}
    for found in ALL:
        if found.target in MODULES and not found.inside and found.target != module_of(found.file):
            graph.setdefault(module_of(found.file), set()).add(found.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("charts/bad.py", "import lepton_lab.training"),
        ("charts/bad.py", "from lepton_lab import training"),
        ("charts/bad.py", "def f():\n    from lepton_lab.catalog import find"),
        ("charts/bad.py", "import torch.nn as nn"),
        ("charts/bad.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"),
        ("journal/bad.py", "from ..workbench import run"),
        ("datasets/bad.py", "class A:\n    def f(self):\n        import lepton_lab.catalog.lookup"),
        (
            "catalog/bad.py",
            "try:\n    from lepton_lab.datasets.card import x\nexcept ImportError:\n    pass",
        ),
        ("runtime/bad.py", "from lepton_lab.errors import LeptonError"),
        ("runtime/bad.py", "import torch"),
        ("metrics/bad.py", "x = lambda: __import__\nimport sklearn.metrics"),
        ("training/bad.py", "from lepton_lab.charts import History"),
        ("training/bad.py", "from lepton_lab import load_model"),
        ("exporting/bad.py", "import lepton_lab; lepton_lab.runs()"),
        ("errors.py", "from lepton_lab.workbench import doctor"),
    ],
)
def test_an_arrow_that_goes_up_is_found_wherever_it_stands(file, source):
    found = [text for item in imports(Path(file), source, MODULES) if (text := broken(item))]
    assert len(found) == 1
    assert found[0].startswith(
        f"{file}:{source[: source.rindex('import') + 1].count(chr(10)) + 1}: "
    )


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "charts/good.py",
            "from lepton_lab.events import Event\nfrom .svg import svg\nimport plotly",
        ),
        ("magics/good.py", "import lepton_lab as lab\nfrom lepton_lab import workbench"),
        ("runtime/good.py", "from .decode import decode_image\nimport onnxruntime, PIL"),
        ("exporting/good.py", "import lepton_lab\nprint(lepton_lab.__file__)"),
        ("tasks/good.py", "import torch\nfrom lepton_lab.metrics import accuracy"),
    ],
)
def test_an_arrow_that_goes_down_is_allowed(file, source):
    assert not any(broken(item) for item in imports(Path(file), source, MODULES))
