# SPDX-License-Identifier: BSD-3-Clause
"""Audio classification: checkpoints of transformers that are known to be good to start from.

Speech is their home, but the spectrogram transformers of AudioSet know music, animals and machines too.
For a small set of sounds any image network on spectrograms is a good start: `lab.models()`.
"""

from __future__ import annotations

from lepton_lab.catalog.entry import ModelEntry


def _entry(
    name: str,
    family: str,
    millions: float,
    classes: int,
    licence: str,
    about: str,
) -> ModelEntry:
    return ModelEntry(
        name=name,
        source="transformers",
        task="audio-classification",
        family=family,
        params=round(millions * 1e6),
        input_size=(),
        num_classes=classes,
        licence=licence,
        hub_id=name,
        description=about,
    )


ENTRIES: tuple[ModelEntry, ...] = (
    _entry(
        "facebook/wav2vec2-base-960h", "wav2vec2", 94.4, 0, "apache-2.0",
        "Wav2Vec2, base, read English speech of 960 hours: words, commands, speakers.",
    ),
    _entry(
        "MIT/ast-finetuned-audioset-10-10-0.4593", "audio-spectrogram-transformer", 86.6, 527,
        "bsd-3-clause", "AST, trained on AudioSet: 527 kinds of sound, no language needed.",
    ),
    _entry(
        "MIT/ast-finetuned-speech-commands-v2", "audio-spectrogram-transformer", 85.4, 35,
        "bsd-3-clause", "AST, trained on Speech Commands 2: 35 English words of a second each.",
    ),
    _entry(
        "superb/hubert-base-superb-ks", "hubert", 94.6, 12, "apache-2.0",
        "HuBERT, base, ten English commands, silence and unknown.",
    ),
    _entry(
        "ntu-spml/distilhubert", "hubert", 23.5, 0, "apache-2.0",
        "DistilHuBERT, English speech: a quarter of the size of HuBERT base.",
    ),
    _entry(
        "facebook/wav2vec2-xls-r-300m", "wav2vec2", 315.4, 0, "apache-2.0",
        "XLS-R, speech of 128 languages: for any of them, and for telling them apart.",
    ),
    _entry(
        "facebook/mms-lid-126", "wav2vec2", 965.5, 126, "cc-by-nc-4.0",
        "MMS, tells 126 spoken languages apart.",
    ),
)  # fmt: skip
