# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures for all tests: runs go to a folder of their own, nothing is displayed, no hub is asked."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# A busy machine is no fault of the code.
settings.register_profile("lepton", deadline=None)
settings.load_profile("lepton")
# With all that the tests import, the collector's own limits would cost them a tenth of their time.
gc.set_threshold(100_000, 20, 100)
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def own_runs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs of a test are kept in a folder that goes with it."""
    folder = tmp_path_factory.mktemp("runs") / "lepton-runs"
    monkeypatch.setenv("LEPTON_RUNS", str(folder))
    monkeypatch.setenv("LEPTON_DISPLAY", os.environ.get("LEPTON_TEST_DISPLAY", "silent"))
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The shared sample data; the test is skipped where they are absent."""
    folder = Path(os.environ.get("LEPTON_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(
            "the shared sample data are not beside this checkout (LEPTON_SHARED_DATA names them)"
        )
    return folder


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    """A folder of 3 x 16 small pictures that are easy to tell apart, one folder per class."""
    return make_pictures(tmp_path / "flowers", classes=("iris", "rose", "tulip"), count=16)


def make_pictures(root: Path, classes: tuple[str, ...], count: int, side: int = 40) -> Path:
    """Noisy pictures of stripes whose direction and colour say the class."""
    from PIL import Image

    random = np.random.default_rng(0)
    for number, name in enumerate(classes):
        folder = root / name
        folder.mkdir(parents=True)
        colour = np.eye(3)[number % 3] * 100 + 60
        for i in range(count):
            height, width = side, side + 4 * (i % 3)
            y, x = np.mgrid[:height, :width]
            stripes = np.sin((y, x, x + y)[number % 3] * 0.7 + random.uniform(0, 6))[..., None] * 60
            pixels = np.clip(colour + stripes + random.normal(0, 15, (height, width, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{name}-{i:02d}.png")
    return root
