# SPDX-License-Identifier: BSD-3-Clause
"""The kinds of content: one file and one registered record each."""

from __future__ import annotations

from lepton_lab.datasets.content import contents
from lepton_lab.datasets.contents.image import RECORD as _IMAGE
from lepton_lab.datasets.contents.row import RECORD as _ROW
from lepton_lab.datasets.contents.sound import RECORD as _SOUND
from lepton_lab.datasets.contents.text import RECORD as _TEXT
from lepton_lab.datasets.contents.tokens import RECORD as _TOKENS

for _record in (_IMAGE, _ROW, _SOUND, _TEXT, _TOKENS):
    contents.register(_record)

__all__ = ["contents"]
