# SPDX-License-Identifier: BSD-3-Clause
"""The link under an artifact saves its .zip, with one click, from a notebook in a folder of its own."""

from __future__ import annotations

import io
import zipfile

CELL = """
import zipfile
from pathlib import Path
from lepton_lab.exporting.download import Download

path = Path("runs & more") / "a#b.lepton.zip"
path.parent.mkdir()
with zipfile.ZipFile(path, "w") as archive:
    archive.writestr("a/manifest.json", "{}")
Download(path)
"""


def test_a_click_saves_the_file(notebook):
    lab = notebook(CELL)
    lab.run(1)
    link = lab.page.get_by_role("link", name="Download a#b.lepton.zip")
    link.wait_for()
    with lab.page.expect_download() as saved:
        link.click()
    assert saved.value.suggested_filename == "a#b.lepton.zip"
    with zipfile.ZipFile(io.BytesIO(saved.value.path().read_bytes())) as archive:
        assert archive.namelist() == ["a/manifest.json"]
    assert lab.dialogs == [] and lab.errors == []
