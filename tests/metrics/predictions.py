# SPDX-License-Identifier: BSD-3-Clause
"""Predictions to measure: seeded ones, and hypothesis' worst ones."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st


def softmax(logits):
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponent / exponent.sum(axis=1, keepdims=True)


def seeded(n=300, classes=4, signal=1.5, seed=0, dtype=np.float64, levels=None):
    """Probabilities and targets; `levels` rounds the logits, so that scores tie."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, classes, n)
    logits = generator.normal(size=(n, classes))
    logits[np.arange(n), targets] += signal
    if levels:
        logits = np.round(logits * levels) / levels
    return softmax(logits).astype(dtype), targets


@st.composite
def predictions(draw, max_classes=5, max_samples=30):
    """Any shape from one sample and one class up, absent classes, ties, certainties included."""
    classes = draw(st.integers(1, max_classes))
    n = draw(st.integers(1, max_samples))
    seed = draw(st.integers(0, 2**31))
    generator = np.random.default_rng(seed)
    allowed = draw(st.integers(1, classes))
    targets = generator.integers(0, allowed, n)
    logits = generator.normal(size=(n, classes)) * draw(st.sampled_from([0.0, 1.0, 50.0]))
    if draw(st.booleans()):
        logits = np.round(logits)
    return softmax(logits), targets
