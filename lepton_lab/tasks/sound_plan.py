# SPDX-License-Identifier: BSD-3-Clause
"""How long and how fast a model listens, decided from the training clips when it is built.

The window holds 95 of 100 training clips whole. Models of transformers keep the rate that they were
trained with; networks of timm take that of the data, between telephone and broadcast. What is cut is
counted and said in the model's notes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.catalog import find, sound_rules
from lepton_lab.datasets.contents.sound_rules import facts_of
from lepton_lab.errors import LeptonError
from lepton_lab.runtime.sound_input import SoundPreparer, middle

if TYPE_CHECKING:
    from lepton_lab.catalog import BuiltModel, ModelEntry
    from lepton_lab.datasets import Dataset
    from lepton_lab.runtime.sound import SoundFacts
    from lepton_lab.spec import ModelSpec

COVERED = 0.95
LONGEST = 10.0
SHORTEST = 0.25
RATES = (8_000, 32_000)
_MEASURED = 200


def build(spec: ModelSpec, data: Dataset | None, seed: int) -> BuiltModel:
    """The model that a spec names, listening as long as the clips of `data` are.

    Raises:
        LeptonError: It is no classifier of sounds and no network of timm, or its sounds are prepared in
            a way that is not known here.
    """
    from lepton_lab.catalog import audio_models

    entry = find(spec.name)
    classes = None if data is None else data.classes
    if _is_timm(entry):
        return _seen(entry, spec, data, classes, seed)
    built = audio_models.build(entry, spec, classes, seed)
    if data is None or built.preprocessing["features"]["form"] != "wave":
        return _noted(built, data)
    rate = int(built.preprocessing["rate"])
    rule = {**built.preprocessing, "samples": round(rate * window(_clips(data)))}
    return _noted(_ruled(built, rule), data)


def window(clips: list[SoundFacts]) -> float:
    """Seconds that hold 95 of 100 clips, in steps of 50 ms.

    Raises:
        LeptonError: There are no clips.
    """
    if not clips:
        raise LeptonError(
            "There are no clips to train on.",
            "No training sample is a sound.",
            "lab.data('clips/')",
        )
    found = float(np.quantile([clip.seconds for clip in clips], COVERED, method="higher"))
    return float(min(max(np.ceil(found * 20) / 20, SHORTEST), LONGEST))


def usual_rate(clips: list[SoundFacts]) -> int:
    """The median rate of the clips, within what a network needs to hear."""
    low, high = RATES
    return int(np.clip(np.median([clip.rate for clip in clips]), low, high))


def _seen(
    entry: ModelEntry,
    spec: ModelSpec,
    data: Dataset | None,
    classes: tuple[str, ...] | None,
    seed: int,
) -> BuiltModel:
    """A network of timm that sees log-mel pictures, scaled by the training clips' own mean and deviation."""
    from lepton_lab.catalog import spectrogram_models

    kept = sound_rules.kept(Path(entry.location)) if entry.location else None
    if kept is None and data is None:
        raise LeptonError(
            f"{entry.name} was trained on pictures and knows no sounds yet.",
            "No sound.json beside its weights says how sounds are prepared.",
            f"Train it first: lab.train({spec.name!r}, 'clips/')",
        )
    if kept is not None:
        rule = kept
    else:
        assert data is not None
        clips = _clips(data)
        rule = spectrogram_models.rule_for(entry, spec, usual_rate(clips), window(clips))
        rule = _scaled(rule, data)
    return _noted(spectrogram_models.build_for(entry, spec, classes, seed, rule), data)


def _scaled(rule: dict[str, Any], data: Dataset) -> dict[str, Any]:
    """The rule with the mean and deviation of up to 200 training clips, spread evenly."""
    plain = {**rule, "features": {**rule["features"], "mean": 0.0, "std": 1.0}}
    preparer = SoundPreparer(plain)
    length = int(rule["samples"])
    chosen = np.unique(
        np.linspace(0, len(data.train) - 1, min(_MEASURED, len(data.train))).astype(int)
    )
    values = np.concatenate(
        [
            preparer.features(middle(preparer.waveform(data.train.read(int(i))), length))[
                "spectrogram"
            ].ravel()
            for i in chosen
        ]
    )
    mean, std = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    features = {**rule["features"], "mean": round(mean, 4), "std": round(max(std, 1.0), 4)}
    return {**rule, "features": features}


def _noted(built: BuiltModel, data: Dataset | None) -> BuiltModel:
    """The model with a note on its window, and on the clips that do not fit into it."""
    rule = built.preprocessing
    seconds = rule["samples"] / rule["rate"]
    note = f"Listens to {seconds:.2f} s at {rule['rate']} Hz."
    if data is not None:
        clips = _clips(data)
        cut = sum(clip.seconds > seconds + 1e-9 for clip in clips)
        rest = f"{cut} are longer and are cut to it" if cut else "none is cut"
        note = f"{note[:-1]}: of {len(clips)} training clips {rest}."
    return replace(built, notes=(*built.notes, note))


def _ruled(built: BuiltModel, rule: dict[str, Any]) -> BuiltModel:
    return replace(built, preprocessing=rule, config={**built.config, "sound": rule})


def _clips(data: Dataset) -> list[SoundFacts]:
    """What is known of the training clips."""
    known, train = facts_of(data), {sample.id for sample in data.train}
    return [facts for name, facts in known.items() if name in train]


def _is_timm(entry: ModelEntry) -> bool:
    from lepton_lab.catalog.folder import framework, read_config

    if entry.location:
        return framework(read_config(Path(entry.location))) == "timm"
    return entry.source == "timm"
