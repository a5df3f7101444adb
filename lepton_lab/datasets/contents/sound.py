# SPDX-License-Identifier: BSD-3-Clause
"""Sounds: files, bytes, or samples with their rate; always one mono clip.

Every clip is decoded while the data set is loaded: a broken file, a clip without samples or one that is
silent is told before the first step, and the length of the clips is known when a model is built.
"""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.datasets.checking import Check, digest_of
from lepton_lab.datasets.content import Content
from lepton_lab.datasets.contents.paths import files_at
from lepton_lab.datasets.contents.sound_rules import RULES, describe
from lepton_lab.datasets.contents.waveform import waveform
from lepton_lab.datasets.payload import Deferred
from lepton_lab.errors import DataError
from lepton_lab.rendering import Markup
from lepton_lab.runtime.sound import Sound, SoundFacts, inspect_sound
from lepton_lab.runtime.sound_error import SoundError
from lepton_lab.runtime.sound_input import read_sound

if TYPE_CHECKING:
    from lepton_lab.datasets.splits import Split

_known: dict[tuple[str, int, int], Check] = {}


def check(payloads: Sequence[Any]) -> list[Check]:
    """Decode many clips in threads; what is wrong is told in `code` and `reason`."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(_check, payloads))


def read(payload: Any) -> Sound:
    """The clip, mono. Raises SoundError when it cannot be decoded."""
    return read_sound(_source(payload))


def encoded(payload: Any) -> bytes:
    """The original bytes of the file; a WAV of 16 bits where there never was one."""
    source = _source(payload)
    if isinstance(source, bytes):
        return source
    if isinstance(source, (str, os.PathLike)):
        return Path(source).read_bytes()
    return wav_of(read_sound(source))


def wav_of(sound: Sound) -> bytes:
    """A WAV file of 16 bits; what is louder than the scale is cut off."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((1, 2, sound.rate, 0, "NONE", ""))
        values = np.clip(np.rint(sound.samples * 32768.0), -32768, 32767)
        file.writeframes(values.astype("<i2").tobytes())
    return stream.getvalue()


def inputs(source: Any) -> list[tuple[str, Sound]]:
    """All clips that `source` stands for, in order.

    Args:
        source: A path, a folder, a pattern, bytes, a pair (samples, rate), or a list of these.

    Raises:
        DataError: Names what cannot be read.
    """
    if isinstance(source, (str, Path)):
        from lepton_lab.datasets.sources.sounds import FORMATS

        return [_decoded(path, str(path)) for path in files_at(str(source), FORMATS, "sound")]
    one = isinstance(source, (bytes, bytearray, Sound, Mapping)) or _is_pair(source)
    if one:
        return [_decoded(source, "clip 1")]
    if isinstance(source, Iterable) and not hasattr(source, "dtype"):
        made = [pair for item in source for pair in inputs(item)]
        return [
            (f"clip {i}" if name == "clip 1" else name, sound)
            for i, (name, sound) in enumerate(made, 1)
        ]
    raise DataError(
        f"A {type(source).__name__} is no sound.",
        "Samples alone do not say how fast they were taken.",
        "Give a path, the bytes of a file, or a pair (samples, rate).",
    )


def _tile(split: Split, index: int) -> Markup:
    return waveform(split.read(index), split[index].id)


def _source(payload: Any) -> Any:
    """What `read_sound` takes: a row of a `datasets` table is a mapping with bytes, a path or an array."""
    if isinstance(payload, Mapping):
        if payload.get("array") is not None:
            return payload["array"], payload.get("sampling_rate")
        return payload["bytes"] if payload.get("bytes") is not None else payload.get("path") or b""
    if isinstance(payload, Deferred):
        return payload.fetch()
    return bytes(payload) if isinstance(payload, (bytearray, memoryview)) else payload


def _check(payload: Any) -> Check:
    try:
        source = _source(payload)
        if not isinstance(source, (str, os.PathLike)):
            return _look(source)
        path = Path(source)
        if not path.exists():
            return Check(code="missing", reason="there is no such file")
        status = path.stat()
        key = (os.fspath(path), status.st_size, status.st_mtime_ns)
        if key not in _known:
            _known[key] = _look(path.read_bytes() if path.is_file() else source)
        return _known[key]
    except (OSError, ValueError) as error:
        return Check(
            code=getattr(error, "code", "unreadable"), reason=getattr(error, "reason", str(error))
        )


def _look(source: Any) -> Check:
    """The check of bytes or of samples in memory."""
    if not isinstance(source, bytes):
        sound = read_sound(source)
        data = wav_of(sound)
        peak = float(np.abs(sound.samples).max())
        facts = SoundFacts(len(sound.samples) / sound.rate, sound.rate, 1, 0, "", peak, 0.0)
        digest = digest_of(repr(sound.rate).encode() + sound.samples.tobytes())
        return Check(len(data), digest, facts, decoded=True)  # type: ignore[arg-type]
    try:
        facts = inspect_sound(source)[1]
    except SoundError as error:
        return Check(len(source), digest_of(source), code=error.code, reason=error.reason)
    return Check(len(source), digest_of(source), facts, decoded=True)  # type: ignore[arg-type]


def _is_pair(source: Any) -> bool:
    """(samples, rate) in either order."""
    if not isinstance(source, tuple) or len(source) != 2:
        return False
    return {np.ndim(source[0]) == 0, np.ndim(source[1]) == 0} == {True, False}


def _decoded(source: Any, name: str) -> tuple[str, Sound]:
    try:
        return name, read(source)
    except SoundError as error:
        raise DataError(f"{name} cannot be read as a sound.", error.reason) from error


RECORD = Content(
    name="sound",
    noun="clip",
    nouns="clips",
    check=check,
    read=read,
    encoded=encoded,
    inputs=inputs,
    tile=_tile,
    facts=describe,
    rules=RULES,
)
