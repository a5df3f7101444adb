# SPDX-License-Identifier: BSD-3-Clause
"""The error of sounds, apart from what reads them so that each reader may raise it."""

from __future__ import annotations

from .errors import InputError


class SoundError(InputError):
    """A clip that cannot be used, and why.

    Args:
        code: One of "missing", "empty", "zero-length", "truncated", "not-a-sound", "not-finite",
            "too-large", "unsupported".
        reason: What was found, without the name of the clip.
        name: The file's name, or an empty string when the clip came as bytes or samples.

    >>> str(SoundError("empty", "the file is empty (0 bytes)", "yes.wav"))
    'yes.wav: the file is empty (0 bytes)'
    """
