# SPDX-License-Identifier: BSD-3-Clause
"""How a sound classifier is exported: waveforms or spectrograms in, probabilities and logits out.

Decoding, mixing, resampling, cutting and the spectrogram are numpy in the runtime, which training used
too; the graph takes their result, float32, and holds the model and the softmax. The window is fixed, so
only the batch is dynamic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.catalog import sound_rules
from lepton_lab.exporting.signature import Graph, Signature
from lepton_lab.exporting.signatures import one_class
from lepton_lab.exporting.signatures.odd_sounds import odd_sounds, stand_ins
from lepton_lab.runtime.sound import FORMATS, decode_sound, inspect_sound
from lepton_lab.runtime.sound_error import SoundError
from lepton_lab.runtime.sound_input import SoundPreparer

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.exporting.subject import Subject
    from lepton_lab.runtime.probe import Compute

# Both sides get the same prepared row, bit by bit; what is left is the order of sums in float32, 6e-8 of
# a number each. Networks on pictures stay within 3e-6 of a logit as they do for images; Wav2Vec2 adds
# seven convolutions over tens of thousands of samples and a group norm, and was seen to stay within 2e-5.
# A ten-thousandth of the largest logit covers both and is far below a mistake: leaving out the
# normalization, the attention mask or the right resampling moves logits by a hundredth and more.
_SMALLEST = 2e-5
# The sums of other libraries in other orders; a wrong mel scale or window differs by more than 0.1.
_INDEPENDENT = 1e-3
_OUTPUTS = ("probabilities", "logits")


def _interface(about: BuiltModel) -> dict[str, Any]:
    rule = about.preprocessing
    (name, dtype, shape), *further = _inputs(rule)
    graph = {"name": name, "dtype": dtype, "shape": ["batch", *shape]}
    if further:
        graph["mask"] = further[0][0]
    seconds = round(rule["samples"] / rule["rate"], 4)
    classes = ["batch", len(about.classes)]
    return {
        "input": {"kind": "sound", "formats": list(FORMATS), "seconds": seconds, "graph": graph},
        "output": {"kind": "classes"}
        | {name: {"dtype": "float32", "shape": classes} for name in _OUTPUTS},
    }


def _graph(subject: Subject) -> Graph:
    import torch

    inner = subject.module()

    class SoundToProbabilities(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(
            self, values: torch.Tensor, mask: torch.Tensor | None = None
        ) -> tuple[torch.Tensor, torch.Tensor]:
            logits = self.inner(values) if mask is None else self.inner(values, mask)
            return torch.softmax(logits, dim=-1), logits

    inputs = _inputs(subject.built.preprocessing)
    example = {
        name: torch.ones(2, *shape, dtype=getattr(torch, dtype)) for name, dtype, shape in inputs
    }
    dynamic = {name: {0: "batch"} for name in example}
    return Graph(SoundToProbabilities().eval(), example, _OUTPUTS, dynamic)


def _compute(module: torch.nn.Module, rule: Mapping[str, Any]) -> Compute:
    import torch

    names = [name for name, _, _ in _inputs(rule)]

    def compute(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        device = next(module.parameters()).device
        with torch.inference_mode():
            inputs = {name: torch.from_numpy(batch[name]).to(device) for name in names}
            logits = module(*inputs.values()).float().cpu()
        return {"probabilities": logits.softmax(dim=-1).numpy(), "logits": logits.numpy()}

    return compute


def _suffix(data: bytes) -> str:
    try:
        return f".{inspect_sound(data)[1].format.lower()}"
    except SoundError:
        return ".bin"


def _independent_check(subject: Subject, samples: Sequence[bytes]) -> str:
    """The feature extractor that transformers itself makes of the model's file, on the same waveforms."""
    rule, built = subject.built.preprocessing, subject.built
    extractor = built.config.get("extractor")
    if extractor is None:
        return ""
    import warnings

    import transformers

    settings = {key: value for key, value in extractor.items() if key != "feature_extractor_type"}
    theirs: Any = getattr(transformers, extractor["feature_extractor_type"])(**settings)
    preparer, length = SoundPreparer(rule), int(rule["samples"])
    for data in samples:
        waveform = preparer.waveform(decode_sound(data))
        frame = int(rule["features"].get("frame", 1))
        if not frame <= len(waveform) <= length:
            continue
        ours = preparer.features(waveform)["input_values"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = theirs(waveform, sampling_rate=rule["rate"], return_tensors="np")[
                "input_values"
            ][0]
        worst = float(np.abs(ours[: len(wanted)] - wanted).max())
        if not worst <= _INDEPENDENT:
            return f"the input differs from that of transformers' own extractor by {worst:.2g}"
    return ""


def _inputs(rule: Mapping[str, Any]) -> list[tuple[str, str, tuple[int, ...]]]:
    """Name, type and shape of each input of the graph, in the order of the module's arguments."""
    shape, features = sound_rules.shape(rule), rule["features"]
    if features["form"] == "log-mel":
        return [("spectrogram", "float32", shape)]
    found = [("input_values", "float32", shape)]
    return [*found, ("attention_mask", "int64", shape)] if features.get("mask") else found


RECORD = Signature(
    name="audio-classification",
    description="Bytes of a sound to class probabilities.",
    interface=_interface,
    graph=_graph,
    compute=_compute,
    odd=odd_sounds,
    stand_ins=stand_ins,
    suffix=_suffix,
    tolerance=partial(one_class.tolerance, smallest=_SMALLEST),
    agrees=one_class.agrees,
    answer=one_class.answer,
    score=one_class.score,
    independent_check=_independent_check,
    # WAV is read without it; FLAC, MP3, Ogg and AIFF are not. MP3 came with libsndfile 1.1.
    requirements=("soundfile>=0.12",),
)
