# SPDX-License-Identifier: BSD-3-Clause
"""An answer of classes is shown beside the sound that it is about, and names cannot do harm."""

from __future__ import annotations

import numpy as np

from lepton_lab.runtime.classes_output import Prediction
from lepton_lab.runtime.sound import Sound
from lepton_lab.workbench.drawings import drawing

EVIL = "<img src=x onerror=alert(1)>"


def test_a_sound_is_drawn_as_its_waveform_and_a_text_is_not() -> None:
    answer = Prediction(EVIL, np.array([0.25, 0.75], np.float32), ("no", f"yes{EVIL}"))
    heard = drawing(answer, Sound(np.sin(np.arange(800, dtype=np.float32)), 8000))
    read = drawing(answer, "a text")
    assert heard is not None
    assert read is not None
    assert heard.html().count("<svg") == 1
    assert "<svg" not in read.html()
    for shown in (heard, read):
        assert "<img" not in shown.html()
        assert "0.750" in shown.html()
        assert "0.750" in shown.text()
