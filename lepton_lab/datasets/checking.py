# SPDX-License-Identifier: BSD-3-Clause
"""Is every image readable? Found out before the first step, never in the middle of an epoch.

Up to 20 000 images are decoded once while the data set is loaded (a JPEG at an eighth of its
size, which still walks through the whole file), in a few threads. Larger sets get their headers
read and their ends looked at, and only suspects are decoded. Facts, a content hash and a
perceptual hash fall out on the way and serve the audit, the split and the fingerprint. Results
are remembered by path, size and time of change.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lepton_lab.datasets import payload as contents
from lepton_lab.runtime.decode import ImageError, ImageFacts, describe_image

logger = logging.getLogger(__name__)

DECODE_AT_MOST = 20_000
LARGEST_FILE = 1 << 30
_THUMBNAIL = 32
_FLAT = 6


@dataclass(frozen=True, slots=True)
class Check:
    """What is known of one image.

    Attributes:
        size: Bytes of the file, or of the pixels where there is no file.
        digest: blake2b of the bytes, 16 bytes long; empty where it was not needed.
        facts: What the header says, or None when it is not readable.
        code: Why it cannot be used ("empty", "truncated", "not-an-image", "too-large",
            "unsupported", "missing", "unreadable"), or "" when all is well.
        reason: The same in words.
        dhash: 64-bit difference hash; None when not decoded, tiny or flat.
        decoded: Whether the pixels were read to the end.
    """

    size: int = 0
    digest: bytes = b""
    facts: ImageFacts | None = None
    code: str = ""
    reason: str = ""
    dhash: int | None = None
    decoded: bool = False


_known: dict[tuple[str, int, int], Check] = {}


def check_all(payloads: Sequence[Any], *, decode: bool | None = None) -> list[Check]:
    """Check many payloads in threads, in their order.

    Args:
        payloads: What holds the images.
        decode: Decode every one; by default only when there are at most 20 000.
    """
    decode = len(payloads) <= DECODE_AT_MOST if decode is None else decode
    started = time.perf_counter()
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        checks = list(pool.map(lambda one: check(one, decode=decode), payloads))
        if not decode:
            checks = _hash_equal_sizes(payloads, checks, pool)
    rate = len(payloads) / max(time.perf_counter() - started, 1e-9)
    logger.info("checked %d images, %.0f per second", len(payloads), rate)
    return checks


def check(payload: Any, *, decode: bool = True) -> Check:
    """Check one payload. Never raises; what is wrong is told in `code` and `reason`."""
    if isinstance(payload, (str, os.PathLike)):
        return _check_file(os.fspath(payload), decode)
    try:
        data = contents.encoded_source(payload)
        return _check_pixels(payload) if data is None else _check_bytes(bytes(data), decode)  # type: ignore[arg-type]
    except ImageError as error:
        return Check(code=error.code, reason=error.reason)
    except (OSError, ValueError) as error:
        return Check(code="unreadable", reason=str(error))


def digest_of(data: bytes) -> bytes:
    """The content hash used everywhere in this package."""
    return hashlib.blake2b(data, digest_size=16).digest()


def difference_hash(image: np.ndarray) -> int | None:
    """64 bits that say where the picture gets brighter from left to right; None for a flat one.

    Pictures that differ in size, encoding or slightly in color differ in a few bits. See Krawetz,
    "Kind of Like That" (2013).

    Args:
        image: uint8 (H, W, 3).
    """
    grey = Image.fromarray(image).convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    small = np.asarray(grey, dtype=np.int16)
    bits = small[:, 1:] > small[:, :-1]
    if not _FLAT <= int(bits.sum()) <= 64 - _FLAT:
        return None
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _check_file(path: str, decode: bool) -> Check:
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:
        return Check(
            code="missing", reason=getattr(error, "strerror", None) or "there is no such file"
        )
    if not stat.S_ISREG(status.st_mode):
        return Check(code="unreadable", reason="this is no ordinary file")
    key = (path, status.st_size, status.st_mtime_ns)
    known = _known.get(key)
    if known is None or (decode and not known.decoded and not known.code):
        known = _known[key] = _read_and_check(path, status.st_size, decode)
    return known


def _read_and_check(path: str, size: int, decode: bool) -> Check:
    if size > LARGEST_FILE:
        return Check(
            size, code="too-large", reason=f"{size / 1e9:.1f} GB; files of at most 1 GB are read"
        )
    try:
        if not decode and size:
            facts, whole = describe_image(path), _ends_well(path, size)
            if whole:
                return Check(size, facts=facts)
        data = Path(path).read_bytes()
    except ImageError as error:
        return Check(size, code=error.code, reason=error.reason)
    except OSError as error:
        return Check(size, code="unreadable", reason=error.strerror or str(error))
    return _check_bytes(data, decode=True)


def _check_bytes(data: bytes, decode: bool) -> Check:
    known = Check(len(data), digest_of(data))
    try:
        facts = describe_image(data)
        if not decode:
            return replace(known, facts=facts)
        image = contents.thumbnail_pixels(data, _THUMBNAIL)
    except ImageError as error:
        return replace(known, code=error.code, reason=error.reason)
    return replace(known, facts=facts, dhash=_hash_unless_tiny(image, facts), decoded=True)


def _check_pixels(payload: Any) -> Check:
    image = contents.pixels(payload)
    height, width = image.shape[:2]
    mode = getattr(
        payload, "mode", "L" if np.ndim(payload) == 2 or np.shape(payload)[-1] == 1 else "RGB"
    )
    facts = ImageFacts(width, height, mode, "", 1, 1, 8)
    digest = digest_of(repr(image.shape).encode() + image.tobytes())
    return Check(image.nbytes, digest, facts, dhash=_hash_unless_tiny(image, facts), decoded=True)


def _hash_unless_tiny(image: np.ndarray, facts: ImageFacts) -> int | None:
    return difference_hash(image) if min(facts.width, facts.height) >= _THUMBNAIL else None


def _ends_well(path: str, size: int) -> bool:
    """Whether a JPEG or PNG has its end mark in place; other kinds must be decoded to know."""
    with Path(path).open("rb") as file:
        file.seek(max(0, size - 16))
        tail = file.read()
    return tail.rstrip(b"\0\r\n").endswith(b"\xff\xd9") or b"IEND" in tail


def _hash_equal_sizes(
    payloads: Sequence[Any], checks: list[Check], pool: ThreadPoolExecutor
) -> list[Check]:
    """Give a digest to the files that could be copies of one another: those of equal size."""
    sizes = Counter(c.size for c in checks)
    todo = [i for i, c in enumerate(checks) if not c.code and not c.digest and sizes[c.size] > 1]
    digests = pool.map(lambda i: digest_of(contents.encoded(payloads[i])), todo)
    for i, digest in zip(todo, digests, strict=True):
        checks[i] = replace(checks[i], digest=digest)
    return checks
