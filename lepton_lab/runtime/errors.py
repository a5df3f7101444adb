# SPDX-License-Identifier: BSD-3-Clause
"""The errors of the runtime.

The runtime travels inside every artifact and runs there without the rest of Lepton Lab, so it
brings its own small exceptions. All can be pickled, because inputs are also decoded in worker
processes.
"""

from __future__ import annotations


class InputError(ValueError):
    """An input that cannot be used, and why.

    Args:
        code: One word for the kind of fault ("missing", "empty", "truncated", "unsupported", ...).
        reason: What was found, without the name of the input.
        name: The file's name, or an empty string when it came as bytes or values.

    >>> str(InputError("empty", "the file is empty (0 bytes)", "cat.jpg"))
    'cat.jpg: the file is empty (0 bytes)'
    """

    def __init__(self, code: str, reason: str, name: str = "") -> None:
        super().__init__(code, reason, name)
        self.code, self.reason, self.name = code, reason, name

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}" if self.name else self.reason


class ImageError(InputError):
    """An image that cannot be used; its code may also be "not-an-image" or "too-large"."""


class BundleError(RuntimeError):
    """An artifact that is damaged or was changed after it was written.

    Args:
        reason: What was found.
        file: The path inside the artifact that is at fault, or an empty string.
    """

    def __init__(self, reason: str, file: str = "") -> None:
        super().__init__(reason, file)
        self.reason, self.file = reason, file

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}" if self.file else self.reason
