# SPDX-License-Identifier: BSD-3-Clause
"""Awkward texts, alone and beside real ones: what users will send, and validation sets rarely hold."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lepton_lab.exporting.subject import ExportSample

_SENTENCES = (
    "The parcel came two days late, but the shop answered at once.",
    "I want my money back!",
    "Could you tell me how to change the address of my account?",
    "日本語の短い文です。",
    "Das Gerät läuft seit drei Wochen ohne Störung.",
    "ok",
)
_LONG = 40_000


def odd_texts(samples: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """(kind, UTF-8) for each kind of awkward text; JSON lists of two where the samples are pairs.

    Args:
        samples: Real texts, at least one.
    """
    real = samples[0].decode("utf-8", "replace")
    found = {kind: text.format(real=real) if "{real}" in text else text for kind, text in _KINDS}
    found["endless, never the same"] = _long([data.decode("utf-8", "replace") for data in samples])
    if all(is_pair(data) for data in samples):
        one, other = json.loads(samples[0])
        pairs = [(kind, (text, other)) for kind, text in found.items()]
        pairs += [("empty pair", ("", "")), ("exchanged pair", (other, one))]
        return [(kind, json.dumps(pair).encode()) for kind, pair in pairs]
    return [(kind, text.encode("utf-8")) for kind, text in found.items()]


def _long(texts: Sequence[str]) -> str:
    """Real texts in a row, whose end is not its beginning: where a text is cut makes a difference."""
    joined = " ".join(texts)
    backwards = " ".join(reversed(joined.split()))
    return f"{joined} " * (_LONG // (len(joined) + 1) // 2) + backwards[:_LONG]


def stand_ins() -> list[ExportSample]:
    """Sentences with no known label; written as pairs, which a model of single texts reads as text too."""
    return [
        ExportSample(
            f"sentence {i}",
            json.dumps([text, _SENTENCES[i - 1]], ensure_ascii=False).encode(),
            None,
        )
        for i, text in enumerate(_SENTENCES)
    ]


def is_pair(data: bytes) -> bool:
    """Whether bytes are a JSON list of two strings.

    >>> is_pair(b'["a", "b"]'), is_pair(b'"a"'), is_pair(b"[a]")
    (True, False, False)
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, list) and len(found) == 2 and all(isinstance(p, str) for p in found)


_KINDS = (
    ("empty", ""),
    ("blank", " \t\r\n\u00a0\u3000 "),
    ("endless", "never " * (_LONG // 6)),
    ("endless word", "x" * _LONG),
    ("one letter", "a"),
    ("emoji", "😂😂 👩‍👩‍👧‍👦 ❤️ 🇫🇷 what a day"),
    ("right to left", "\u202eabc\u202c تل أبيب و القاهرة היום"),
    ("control characters", "a\0b\x01c\x1b[31m\x7f\u200b\ufeff\u2028d"),
    ("combining", "Ame\u0301lie Z\u0336a\u0336l\u0336g\u0336o\u0336"),
    ("no blanks", "我们明天在北京见面。東京は遠い。ภาษาไทย"),
    ("markup", "<b onclick=alert(1)>&amp;</b> [CLS] [SEP] [MASK] <s> </s> <pad>"),
    ("numbers", "3.14 1,000,000 007 12:30 50% $7 1e-9"),
    ("upper case", "THIS IS NOT WHAT I ORDERED!!!"),
    ("byte order mark", "\ufeff{real}"),
    ("line ends", "{real}\r\n\r\n{real}"),
    ("twenty times", "{real} {real} {real} {real} {real} {real} {real} {real} {real} {real}"),
)
