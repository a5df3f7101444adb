# SPDX-License-Identifier: BSD-3-Clause
"""The stage that a refusal names is the first one that makes something else."""

import io
import json
import wave

import numpy as np
import pytest

from lepton_lab.exporting import stages
from lepton_lab.runtime.inputs import Staged, preparer
from lepton_lab.runtime.probe import fingerprint, stage_prints
from tests.exporting.conftest import photo
from tests.tiny_texts import make_tokenizer

IMAGE = {
    "kind": "image", "channels": 3, "rescale": 1 / 255, "mean": [0.5] * 3, "std": [0.2] * 3,
    "resize": {"mode": "shortest", "size": [40, 40], "interpolation": "bicubic"},
    "crop": {"mode": "center", "size": [32, 32]},
}  # fmt: skip
TEXT = {
    "kind": "text", "tokenizer": "tokenizer.json", "max_length": 8, "characters": 100, "pad": 0,
    "inputs": ["input_ids", "attention_mask"],
}  # fmt: skip
WORDS = {
    "kind": "words", "tokenizer": "tokenizer.json", "max_length": 8, "stride": 2, "max_windows": 2,
    "pad": 0, "inputs": ["input_ids", "attention_mask"], "split": "punctuation",
}  # fmt: skip
SOUND = {
    "kind": "sound", "rate": 8000, "samples": 400,
    "features": {"form": "wave", "normalize": True, "mask": False},
}  # fmt: skip
ROW = {
    "kind": "row",
    "columns": [
        {"name": "color", "kind": "category", "values": ["red", "blue"]},
        {
            "name": "size", "kind": "number", "scales": [{"at": [0.0, 10.0], "to": [-1.0, 1.0]}],
            "fill": [5.0], "indicator": False,
        },
    ],
}  # fmt: skip


def clip():
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(16000)
        values = np.sin(np.arange(1600) / 9) * 9000
        file.writeframes(values.astype("<i2").tobytes())
    return buffer.getvalue()


def changed(rule, **parts):
    """A rule with values at "key" or "key__inner" changed."""
    other = json.loads(json.dumps(rule))
    for name, value in parts.items():
        *path, last = name.split("__")
        place = other
        for key in path:
            place = place[int(key) if isinstance(place, list) else key]
        place[last] = value
    return other


SAMPLES = {
    "image": photo(1),
    "text": b"the soup with bread and cheese",
    "words": b"the soup, some bread.",
    "sound": clip(),
    "row": b'{"color": "blue", "size": 4}',
}
OTHER_SPLIT = changed(WORDS, split="whitespace")
CASES = [
    (IMAGE, changed(IMAGE, resize__interpolation="bilinear"), "resize"),
    (IMAGE, changed(IMAGE, resize__size=[44, 44]), "resize (75 x 44 pixels instead of 68 x 40, as by another crop_pct)"),
    (IMAGE, changed(IMAGE, resize__size=[44, 44], crop=None), "resize (75 x 44 pixels instead of 68 x 40)"),
    (IMAGE, changed(IMAGE, resize__mode="exact"), "resize (40 x 40 pixels instead of 68 x 40)"),
    (IMAGE, changed(IMAGE, rescale="a"), "normalise"),
    (IMAGE, changed(IMAGE, crop__size=[30, 30]), "crop"),
    (IMAGE, changed(IMAGE, mean=[0.2] * 3, std=[0.5] * 3), "normalise"),
    (IMAGE, changed(IMAGE, channels=1), "resize"),
    (TEXT, changed(TEXT, max_length=6), "tokenize"),
    (TEXT, changed(TEXT, characters=4), "tokenize"),
    (TEXT, changed(TEXT, pair=True), "decode"),
    (WORDS, OTHER_SPLIT, "split into words"),
    (WORDS, changed(WORDS, max_length=7), "tokenize"),
    (SOUND, changed(SOUND, rate=11025), "resample"),
    (SOUND, changed(SOUND, samples=300), "crop"),
    (SOUND, changed(SOUND, features__normalize=False), "features"),
    (ROW, changed(ROW, columns__0__values=["blue", "red"]), "column 'color'"),
    (ROW, changed(ROW, columns__1__fill=[1.0], columns__1__indicator=True), "column 'size'"),
]


def made(rule):
    return preparer(rule, {"tokenizer.json": make_tokenizer().to_str().encode()})


@pytest.mark.parametrize(("rule", "other", "stage"), CASES)
def test_the_first_step_that_makes_something_else_is_named(rule, other, stage):
    sample = SAMPLES[rule["kind"]]
    wanted, found = (stage_prints(made(each), sample) for each in (rule, other))
    assert stages._first(wanted, found) == stage
    assert stages._first(wanted, wanted) == ""


@pytest.mark.parametrize("rule", [IMAGE, TEXT, WORDS, SOUND, ROW], ids=lambda rule: rule["kind"])
def test_the_steps_are_those_of_the_preparation_itself(rule):
    ready, sample = made(rule), SAMPLES[rule["kind"]]
    assert isinstance(ready, Staged)
    row, steps = ready.prepare(sample), list(ready.stages(sample))
    last = {"image": steps[-2:-1], "row": steps}.get(rule["kind"], steps[-1:])
    if rule["kind"] == "image":
        np.testing.assert_array_equal(last[0][1], row["image"])
    elif rule["kind"] == "row":
        assert [float(value) for _, value in last[:1]] == row["categories"].tolist()
        np.testing.assert_allclose(last[1][1], row["numbers"])
    elif rule["kind"] == "words":
        np.testing.assert_array_equal(last[0][1], np.stack([row["window"], row["place"]]))
    else:
        values = list(row.values())
        np.testing.assert_array_equal(
            last[0][1], np.stack(values) if rule["kind"] == "text" else values[0]
        )


def test_an_input_that_cannot_be_used_has_the_steps_before_it():
    assert stage_prints(made(IMAGE), b"no picture") == []
    keys = [name for name, *_ in stage_prints(made(IMAGE), SAMPLES["image"])]
    assert keys == ["decode", "resize", "crop", "normalise"]
    assert fingerprint({"": np.zeros(2)}) != fingerprint({"": np.zeros(3)})


def test_logits_that_agree_leave_only_what_follows_them(subject, trial, tmp_path):
    def of(*wrong):
        return stages.of_outputs("safetensors", tmp_path, subject, trial, 0, wrong)

    assert of("probabilities") == of() == "post-process"
    assert of("logits", "probabilities") == of("logits") == "model"


def test_swapped_constants_of_a_program_are_told_from_another_model(
    subject, trial, tmp_path
):
    from lepton_lab.exporting.signatures import signatures
    from lepton_lab.exporting.torch_export import write

    write(subject, signatures.get(subject.task), tmp_path)
    wrong = ("probabilities", "logits")
    assert stages.of_outputs("torch", tmp_path, subject, trial, 0, wrong) == "model"
    rule = subject.built.preprocessing
    from dataclasses import replace

    other = {**rule, "mean": rule["std"], "std": rule["mean"]}
    swapped = replace(subject, built=replace(subject.built, preprocessing=other))
    assert stages.of_outputs("torch", tmp_path, swapped, trial, 0, wrong) == "normalise"
