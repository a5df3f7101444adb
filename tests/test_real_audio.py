# SPDX-License-Identifier: BSD-3-Clause
"""Real spoken digits: a small network that comes with Lepton Lab passes MFCCs with a linear model (0.94 to 0.97).

That takes minutes, so it is asked for with LEPTON_REAL_DATA=full; otherwise a few epochs must learn a lot.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

import lepton_lab as lab

pytestmark = pytest.mark.shared


FULL = os.environ.get("LEPTON_REAL_DATA") == "full"


@pytest.mark.skipif(not FULL, reason="takes minutes; LEPTON_REAL_DATA=full asks for it")
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_spoken_digits_pass_the_baseline(shared_data: Path) -> None:
    torch.set_num_threads(os.cpu_count() or 1)
    data = lab.data(shared_data / "spoken-digits")
    model = lab.load_model("lepton_glyphs")
    run = model.train(data, epochs=20)
    torch.set_num_threads(1)
    assert run.state == "done"
    assert model.evaluate(data)["accuracy"] >= 0.95


@pytest.mark.slow
def test_a_few_epochs_on_spoken_digits_learn_a_lot(shared_data: Path) -> None:
    """Ten digits of as many clips by three speakers: guessing is right in a tenth."""
    data = lab.data(shared_data / "spoken-digits")
    assert (data.task, len(data.train), len(data.val or ())) == ("audio-classification", 300, 120)
    assert "long-clips" in data.audit().codes
    model = lab.load_model("lepton_glyphs")
    run = model.train(data, epochs=5, label_smoothing=0.0, augment="none")
    assert run.state == "done"
    assert model.evaluate(data)["accuracy"] >= 0.8
