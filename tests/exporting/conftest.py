# SPDX-License-Identifier: BSD-3-Clause
"""One small pretrained model with a new head, staged and exported once for all tests."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

CLASSES = ("cat", "dog", "<b>owl</b>")
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def photo(number):
    """A JPEG of waves and noise, different for each number."""
    random = np.random.Generator(np.random.Philox(number))
    height, width = (int(n) for n in random.integers(60, 200, 2))
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x * random.uniform(0.02, 0.2) + y * 0.05 * c + c) for c in range(3)]
    pixels = 128 + 90 * np.stack(waves, 2) + random.normal(0, 20, (height, width, 3))
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def make_built(seed=0):
    """The builtin backbone with three classes, and constants that differ from each other."""
    from lepton_lab.catalog import build
    from lepton_lab.spec import ModelSpec

    built = build(ModelSpec(name="lepton_glyphs"), classes=CLASSES, seed=seed)
    for rule in (built.preprocessing, built.module.pretrained_cfg, built.config["pretrained_cfg"]):
        rule["mean"], rule["std"] = list(MEAN), list(STD)
    return built


@pytest.fixture(scope="session")
def subject():
    from lepton_lab.exporting import Subject

    provenance = {
        "run": "pets-3",
        "data": {"name": "pets", "fingerprint": "0123abcd"},
        "metrics": {"accuracy": [0.8, 0.7, 0.9], "loss": float("nan")},
    }
    samples = [(f"pet {i}.jpg", photo(i), i % 3) for i in range(12)]
    return Subject(make_built(), "image-classification", "pets", provenance, samples)


@pytest.fixture(scope="session")
def trial(subject):
    from lepton_lab.exporting.trial import make_trial

    return make_trial(subject)


@pytest.fixture(scope="session")
def original(subject, tmp_path_factory):
    """An artifact in two formats; tests must not change it."""
    from lepton_lab.exporting import export

    return export(subject, "onnx,safetensors", tmp_path_factory.mktemp("original") / "pets.lepton")


@pytest.fixture
def staged(original, tmp_path):
    """A copy that holds the ONNX format alone, to be changed and judged again."""
    from lepton_lab import durable
    from lepton_lab.exporting.bundle import seal

    folder = tmp_path / "pets.lepton"
    shutil.copytree(original.path, folder)
    (folder / "model.safetensors").unlink()
    (folder / "config.json").unlink()
    manifest = durable.read_json(folder / "manifest.json")
    manifest["formats"] = ["onnx"]
    durable.write_json(folder / "manifest.json", manifest)
    seal(folder)
    return folder


@pytest.fixture
def copied(original, tmp_path):
    """A copy of the whole artifact."""
    from lepton_lab.exporting import load_artifact

    return load_artifact(shutil.copytree(original.path, tmp_path / "pets.lepton"))
