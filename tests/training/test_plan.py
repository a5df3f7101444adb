# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_lab.errors import LeptonError
from lepton_lab.spec import TrainSpec
from lepton_lab.training.plan import decide, pick_device


@given(st.integers(1, 100_000), st.booleans(), st.booleans())
def test_every_plan_covers_each_sample_once_an_epoch(
    count: int, pretrained: bool, norm: bool
) -> None:
    plan = decide(TrainSpec(device="cpu"), count=count, pretrained=pretrained, batch_norm=norm)
    assert 1 <= plan.batch_size <= min(64, count)
    assert 0 <= plan.steps_per_epoch * plan.batch_size - count < plan.batch_size
    assert 0 < plan.learning_rate < 0.05


def test_what_is_asked_for_is_never_overruled_and_has_no_reason() -> None:
    asked = TrainSpec(
        device="cpu", batch_size=7, learning_rate=0.3, weight_decay=0.2, layer_decay=0.9, precision="fp32",
        channels_last=False, workers=3,
    )  # fmt: skip
    plan = decide(asked, count=100, pretrained=True)
    assert (plan.batch_size, plan.learning_rate, plan.weight_decay) == (7, 0.3, 0.2)
    assert (plan.layer_decay, plan.channels_last, plan.workers) == (0.9, False, 3)
    assert plan.reasons == {}


def test_every_decided_value_has_its_reason() -> None:
    plan = decide(TrainSpec(device="cpu"), count=1000, pretrained=True)
    assert set(plan.reasons) == {
        "precision", "batch_size", "learning_rate", "weight_decay", "layer_decay", "channels_last", "workers",
    }  # fmt: skip
    assert all(plan.reasons.values())


def test_networks_with_layer_norm_get_a_lower_rate() -> None:
    rates = [
        decide(TrainSpec(device="cpu"), count=1000, pretrained=True, batch_norm=norm).learning_rate
        for norm in (True, False)
    ]
    assert rates[0] > 3 * rates[1]


def test_random_weights_have_one_rate_for_all_layers() -> None:
    assert decide(TrainSpec(device="cpu"), count=100, pretrained=False).layer_decay == 1.0
    assert decide(TrainSpec(device="cpu"), count=100, pretrained=True).layer_decay < 1.0


def test_the_batch_size_of_the_data_set_is_used_unless_one_is_asked_for() -> None:
    spec = TrainSpec(device="cpu")
    assert decide(spec, count=100, pretrained=True, default_batch=12).batch_size == 12
    asked = TrainSpec(device="cpu", batch_size=5)
    assert decide(asked, count=100, pretrained=True, default_batch=12).batch_size == 5


@pytest.mark.parametrize("name", ["cuda:97", "tpu", "gpu"])
def test_a_device_that_is_not_here_is_told_with_those_that_are(name: str) -> None:
    with pytest.raises(LeptonError, match="cpu"):
        pick_device(name)


def test_label_smoothing_is_what_is_usual_for_the_task_unless_it_is_asked_for() -> None:
    usual = (0.1, "usual for images")
    plan = decide(TrainSpec(device="cpu"), count=100, pretrained=True, smoothing=usual)
    assert (plan.label_smoothing, plan.reasons["label_smoothing"]) == usual
    asked = TrainSpec(device="cpu", label_smoothing=0.0)
    plan = decide(asked, count=100, pretrained=True, smoothing=usual)
    assert plan.label_smoothing == 0.0 and "label_smoothing" not in plan.reasons
