# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import random

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_lab.datasets import order, sample_seed, seed_sample

integers = st.integers(0, 2**62)


@settings(deadline=None)
@given(integers, st.integers(0, 10_000), st.integers(0, 300))
def test_an_order_is_a_permutation_and_a_pure_function(seed, epoch, count):
    first = order(seed, epoch, count)
    np.random.seed(1)
    torch.rand(3)
    np.testing.assert_array_equal(first, order(seed, epoch, count))
    np.testing.assert_array_equal(np.sort(first), np.arange(count))
    assert first.dtype == np.int64


def test_ten_thousand_samples_come_in_another_order_each_epoch_and_seed():
    orders = [order(seed, epoch, 10_000) for seed in (0, 1) for epoch in (0, 1, 2)]
    for i, one in enumerate(orders):
        np.testing.assert_array_equal(np.sort(one), np.arange(10_000))
        for other in orders[:i]:
            assert np.mean(one == other) < 0.01


def test_asking_for_an_order_disturbs_no_generator():
    np.random.seed(5), random.seed(5), torch.manual_seed(5)
    before = np.random.get_state()[1].copy(), random.getstate(), torch.get_rng_state()
    order(1, 2, 100), sample_seed(1, 2, 3)
    assert (np.random.get_state()[1] == before[0]).all() and random.getstate() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_without_shuffle_the_order_is_the_splits_own():
    np.testing.assert_array_equal(order(3, 4, 6, shuffle=False), np.arange(6))


@settings(deadline=None)
@given(integers, integers, integers)
def test_seeds_have_63_bits(seed, epoch, index):
    assert 0 <= sample_seed(seed, epoch, index) < 2**63


def test_neighbouring_samples_have_unrelated_seeds():
    seeds = [sample_seed(s, e, i) for s in range(5) for e in range(5) for i in range(200)]
    assert len(set(seeds)) == len(seeds)
    bits = np.unpackbits(np.array(seeds, dtype=">u8").view(np.uint8).reshape(-1, 8), axis=1)[:, 1:]
    assert abs(bits.mean() - 0.5) < 0.01
    flips = (bits[:-1] != bits[1:]).mean(axis=1)
    assert flips.min() > 0.2 and flips.max() < 0.8


def test_one_call_seeds_all_three_generators():
    def draw():
        return random.random(), np.random.rand(), torch.rand(()).item()

    seed_sample(1, 2, 3)
    first = draw()
    seed_sample(1, 2, 4)
    other = draw()
    seed_sample(1, 2, 3)
    assert draw() == first
    assert all(a != b for a, b in zip(first, other, strict=True))


def test_the_contract_of_resumed_runs_does_not_change():
    assert order(42, 1, 8).tolist() == [5, 1, 4, 7, 3, 0, 2, 6]
    assert sample_seed(42, 1, 7) == 381560455430588328
