# SPDX-License-Identifier: BSD-3-Clause
"""The page: whole JavaScript, no way for a text to become markup, names kept as text."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lepton_lab.studio import Studio, page
from lepton_lab.studio.view import view
from tests.conftest import make_pictures

HOSTILE = "<img src=x onerror=alert(1)><b class=evil>x<b>"


@pytest.mark.parametrize("name", page.FILES)
def test_no_text_can_become_markup_or_code(name: str) -> None:
    source = (page.HERE / name).read_text("utf-8")
    assert source.startswith("// SPDX-License-Identifier: BSD-3-Clause\n")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|srcdoc", source
    )
    assert len(source.splitlines()) < 250


def test_every_block_has_something_that_draws_it() -> None:
    drawn = set(re.findall(r"(\w+): \w+Block", (page.HERE / "blocks.js").read_text("utf-8")))
    made: set[str] = set()
    for file in Path(page.__file__).parent.rglob("*.py"):
        made |= set(re.findall(r'"kind": "(\w+)"', file.read_text("utf-8")))
    assert made - {"refused", "taken", "file"} == drawn


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_module_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "studio.mjs"
    file.write_text(page.module(), "utf-8")
    done = subprocess.run(
        ["node", "--check", str(file)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_hostile_names_travel_as_plain_text(tmp_path: Path) -> None:
    names = (f"a {HOSTILE[1:9]}", "b & <c>")
    folder = make_pictures(tmp_path / "<b>data", names, 12)
    studio = Studio(HOSTILE, folder)
    studio.wait(60)
    studio.controller.open("data")
    shown = json.loads(json.dumps(view(studio.state)))
    classes = next(block for block in shown["panel"] if block["key"] == "classes")
    assert [row[0] for row in classes["rows"]] == list(names)
    assert shown["steps"][0]["words"] == HOSTILE
    assert "<b>" not in studio._repr_mimebundle_()["text/html"].replace("<b>Lepton Studio</b>", "")
