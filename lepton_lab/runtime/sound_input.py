# SPDX-License-Identifier: BSD-3-Clause
"""From a sound as users have it to one row of a model's input, driven by plain data.

The steps: decode, mix to mono, resample, cut out the middle of what is too long, make the features and
pad what is too short. Every clip becomes a row of one size, so that an answer never depends on the
clips beside it in a batch. Training uses the same functions and puts its random changes in between.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .errors import BundleError
from .inputs import Row, stacked
from .resample import resample
from .sound import Sound, decode_sound, sound_from_array
from .sound_error import SoundError
from .spectrogram import filter_banks, log_mel

_TINY_VARIANCE = 1e-7


class SoundPreparer:
    """Rows for the rule of one model.

    Args:
        rule: "rate" in samples per second, "samples" (length of the window at that rate), and
            "features": "form" is "wave" (with "normalize" and "mask"), "fbank" or "log-mel" (with the
            sizes that `spectrogram` takes, "mean" and "std").
    """

    def __init__(self, rule: Mapping[str, Any]) -> None:
        self.rule = rule
        form = str(rule["features"].get("form"))
        if form not in _FORMS:
            raise BundleError(
                f"its sounds are prepared as '{form}', which this runtime does not know"
            )
        self._form = _FORMS[form]

    def prepare(self, source: Any) -> Row:
        """One row: float32 "input_values" (n,) or (frames, mels), or "spectrogram" (1, mels, frames).

        Args:
            source: Bytes of a file, a path, a `Sound`, or a pair (samples, rate).

        Raises:
            SoundError: Why it cannot be used.
        """
        return self.features(middle(self.waveform(source), int(self.rule["samples"])))

    def stages(self, source: Any) -> Iterator[tuple[str, np.ndarray]]:
        """See `inputs.Staged`."""
        yield "decode", read_sound(source).samples
        samples = self.waveform(source)
        yield "resample", samples
        samples = middle(samples, int(self.rule["samples"]))
        yield "crop", samples
        for values in self.features(samples).values():
            yield "features", values

    def waveform(self, source: Any) -> np.ndarray:
        """The whole clip at the model's rate, float32 (n,)."""
        sound = read_sound(source)
        return resample(sound.samples, sound.rate, int(self.rule["rate"]))

    def features(self, samples: np.ndarray) -> Row:
        """The row for a clip that is not longer than the window."""
        return self._form(samples, self.rule)

    def collate(self, rows: Sequence[Row]) -> Row:
        """Rows have one size."""
        return stacked(rows)


def make(
    preprocessing: Mapping[str, Any], files: Mapping[str, bytes] | None = None
) -> SoundPreparer:
    """See `inputs.preparer`; sounds need no further files."""
    return SoundPreparer(preprocessing)


def read_sound(source: Any) -> Sound:
    """Anything that is one clip.

    Args:
        source: Bytes of a file, a path, a `Sound`, or a pair (samples, rate) in either order.

    Raises:
        SoundError: Why it cannot be used.

    >>> read_sound((8000, np.zeros(3, np.int16))).rate
    8000
    """
    if isinstance(source, Sound):
        return source
    if isinstance(source, (bytes, bytearray, memoryview, str, os.PathLike)):
        return decode_sound(source)  # type: ignore[arg-type]
    if isinstance(source, (tuple, list)) and len(source) == 2:
        rate_first = np.ndim(source[0]) == 0
        values, rate = (source[1], source[0]) if rate_first else (source[0], source[1])
        return sound_from_array(values, rate)
    kind = type(source).__name__
    raise SoundError(
        "unsupported", f"a {kind} has no sampling rate; give a path, bytes or (samples, rate)"
    )


def middle(samples: np.ndarray, length: int) -> np.ndarray:
    """The middle `length` samples of a clip; a shorter one as it is.

    >>> middle(np.arange(5), 3).tolist(), middle(np.arange(2), 3).tolist()
    ([1, 2, 3], [0, 1])
    """
    start = max(len(samples) - length, 0) // 2
    return samples[start : start + length]


def _wave(samples: np.ndarray, rule: Mapping[str, Any]) -> Row:
    """Samples with zeros behind them; mean 0 and variance 1 over what is there, where asked for."""
    length, features = int(rule["samples"]), rule["features"]
    values = samples.astype(np.float64)
    if features["normalize"]:
        values = (values - values.mean()) / np.sqrt(values.var() + _TINY_VARIANCE)
    row = {"input_values": _padded(values, length).astype(np.float32)}
    if features["mask"]:
        row["attention_mask"] = _padded(np.ones(len(samples), np.int64), length)
    return row


def _filter_banks(samples: np.ndarray, rule: Mapping[str, Any]) -> Row:
    """Frames that are missing are 0 before the values are shifted and scaled, as in training."""
    features = rule["features"]
    found = filter_banks(_padded(samples, features["frame"]), rule["rate"], features)
    frames = np.zeros((features["frames"], features["mels"]), np.float32)
    frames[: len(found)] = found[: len(frames)]
    return {"input_values": _scaled(frames, features)}


def _log_mel(samples: np.ndarray, rule: Mapping[str, Any]) -> Row:
    found = log_mel(_padded(samples, int(rule["samples"])), rule["rate"], rule["features"])
    return {"spectrogram": _scaled(found, rule["features"])[None]}


def _scaled(values: np.ndarray, features: Mapping[str, Any]) -> np.ndarray:
    found: np.ndarray = (values - np.float32(features["mean"])) / np.float32(features["std"])
    return found


def _padded(samples: np.ndarray, length: int) -> np.ndarray:
    """Zeros behind a clip that is too short."""
    return np.pad(samples, (0, max(length - len(samples), 0)))


_FORMS: dict[str, Callable[[np.ndarray, Mapping[str, Any]], Row]] = {
    "wave": _wave,
    "fbank": _filter_banks,
    "log-mel": _log_mel,
}
