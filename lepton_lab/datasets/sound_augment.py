# SPDX-License-Identifier: BSD-3-Clause
"""Random changes to training clips that leave their class as it is.

    none    exactly what evaluation does
    light   a random part of a clip that is too long, moved by up to a tenth of the window, louder or
            softer by up to 6 dB, some noise under half of the clips, and one stretch of time and one of
            frequency blanked (SpecAugment, arXiv 1904.08779)
    strong  the same with twice the reach, and two stretches of each

Speed and pitch are left alone: they are the class of some clips. All randomness comes from one
generator, seeded from torch's default one, which `sampler.seed_sample` seeds for each sample; a row
therefore depends on (seed, epoch, index) alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lepton_lab.errors import SpecError, did_you_mean
from lepton_lab.runtime.inputs import Row
from lepton_lab.runtime.sound_input import SoundPreparer, middle


@dataclass(frozen=True)
class Strength:
    """How far the changes reach.

    Attributes:
        shift: Share of the window that a clip is moved by at most.
        gain: Decibels, up and down.
        noise: Decibels that the noise lies below the clip, at least and at most.
        masks: Stretches of each kind that are blanked.
        share: Share of the picture (or a third of that of a waveform) that one stretch takes at most.
    """

    shift: float
    gain: float
    noise: tuple[float, float]
    masks: int
    share: float


STRENGTHS = {
    "none": None,
    "light": Strength(0.1, 6.0, (20.0, 40.0), 1, 0.12),
    "strong": Strength(0.2, 12.0, (10.0, 30.0), 2, 0.2),
}


class SoundAugment:
    """Makes training rows of one model.

    Args:
        strength: "none", "light" or "strong".
        preparer: Makes the rows of evaluation.

    Raises:
        SpecError: There is no such strength.
    """

    def __init__(self, strength: str, preparer: SoundPreparer) -> None:
        if strength not in STRENGTHS:
            raise SpecError(
                f"No augmentation is called '{strength}'.",
                did_you_mean(strength, STRENGTHS) or f"There are: {', '.join(STRENGTHS)}.",
                'augment="light"',
            )
        self.strength, self.preparer = STRENGTHS[strength], preparer
        self.window = int(preparer.rule["samples"])

    def __call__(self, waveform: np.ndarray) -> Row:
        """The row of a whole clip at the model's rate, float32 (n,), which is left as it is."""
        if self.strength is None:
            return self.preparer.features(middle(waveform, self.window))
        random = _generator()
        samples = _moved(_part(waveform, self.window, random), self.window, self.strength, random)
        samples = _noisy(samples, self.strength, random)
        samples = samples * np.float32(_gain(random, self.strength.gain))
        return _blanked(self.preparer.features(samples), self.preparer.rule, self.strength, random)


def _generator() -> np.random.Generator:
    import torch

    return np.random.Generator(np.random.Philox(int(torch.randint(2**62, ()))))


def _part(samples: np.ndarray, window: int, random: np.random.Generator) -> np.ndarray:
    """A random window of a clip that is too long."""
    start = int(random.integers(max(len(samples) - window, 0) + 1))
    return samples[start : start + window]


def _moved(
    samples: np.ndarray, window: int, strength: Strength, random: np.random.Generator
) -> np.ndarray:
    """Silence before the clip, or its beginning cut off; never longer than the window, never empty."""
    reach = strength.shift * random.uniform(-1.0, 1.0)
    if reach >= 0:
        return np.pad(samples, (round(reach * window), 0))[:window]
    return samples[min(round(-reach * len(samples)), len(samples) - 1) :]


def _noisy(samples: np.ndarray, strength: Strength, random: np.random.Generator) -> np.ndarray:
    """White noise, as far below the clip as its own random number says, in half of the cases."""
    below, chosen = random.uniform(*strength.noise), random.random() < 0.5
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) * 10.0 ** (-below / 20.0)
    if not chosen or not level:
        return samples
    found: np.ndarray = samples + random.normal(0.0, level, len(samples)).astype(np.float32)
    return found


def _gain(random: np.random.Generator, most: float) -> float:
    return float(10.0 ** (random.uniform(-most, most) / 20.0))


def _blanked(
    row: Row, rule: Mapping[str, Any], strength: Strength, random: np.random.Generator
) -> Row:
    """Stretches set to 0, the mean of a row's values; of a waveform only in time."""
    name = "spectrogram" if "spectrogram" in row else "input_values"
    values = row[name].copy()
    wave = rule["features"]["form"] == "wave"
    for axis in range(values.ndim):
        length = values.shape[axis]
        if length < 8:
            continue
        for _ in range(strength.masks):
            width = int(random.integers(int(length * strength.share / (3 if wave else 1)) + 1))
            start = int(random.integers(length - width + 1))
            values[(slice(None),) * axis + (slice(start, start + width),)] = 0.0
    return {**row, name: values}
