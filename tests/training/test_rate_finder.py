# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import torch

import lepton_lab as lab
from lepton_lab.training.rate_finder import suggest


def test_the_suggestion_lies_on_the_falling_slope() -> None:
    rates = np.geomspace(1e-6, 1, 100)
    losses = 2.3 / (1 + (rates / 1e-3) ** 1.5) + 50 * np.maximum(rates - 0.05, 0)
    found = suggest(rates, losses)
    assert 1e-4 < found.suggestion < 2e-2


def test_the_range_test_leaves_no_trace(flowers: Path) -> None:
    model = lab.load_model("lepton_glyphs")
    data = lab.data(flowers)
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    expected = (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.random.get_rng_state().tolist(),
    )
    model.find_learning_rate(data)
    assert expected == (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.random.get_rng_state().tolist(),
    )
    assert all(
        torch.equal(before[name], value) for name, value in model.module.state_dict().items()
    )


def test_training_after_the_range_test_gives_the_same_weights_as_without_it(flowers: Path) -> None:
    data = lab.data(flowers)
    plain = lab.train("lepton_glyphs", data, epochs=1, learning_rate=1e-3)
    model = lab.load_model("lepton_glyphs")
    model.find_learning_rate(data)
    after = model.train(data, epochs=1, learning_rate=1e-3)
    a, b = plain.model.module.state_dict(), after.model.module.state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
