# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import math
import random
from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_lab.datasets.splitting import assign, keep_copies_together, quotas

sizes = st.lists(st.integers(1, 40), min_size=2, max_size=8)
shares = st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.33, 0.45])


def people(counts):
    ids, labels = [], []
    for c, count in enumerate(counts):
        ids += [f"class{c}/{i}" for i in range(count)]
        labels += [f"class{c}"] * count
    return ids, labels


@settings(max_examples=150, deadline=None)
@given(sizes, shares, shares, st.integers(0, 2**31))
def test_shares_are_exact_in_total_and_to_one_sample_per_class(counts, val, test, seed):
    ids, labels = people(counts)
    sides = assign(ids, labels, val=val, test=test, seed=seed)
    for c, count in enumerate(counts):
        found = Counter(s for s, label in zip(sides, labels, strict=True) if label == f"class{c}")
        assert found["train"] >= 1
        for side, share in (("val", val), ("test", test)):
            assert found[side] <= math.ceil(count * share + 1e-9)
            if count > 1 / (1 - val - test) + 2:
                assert found[side] >= math.floor(count * share + 1e-9)
    total = Counter(sides)
    assert total["test"] <= round(sum(counts) * test)
    if min(counts) >= 10:
        assert total["test"] == round(sum(count * test for count in counts))
        assert total["val"] == round(sum(count * val for count in counts))


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(0, 1000), st.randoms(use_true_random=False))
def test_the_order_in_which_files_are_listed_changes_nothing(counts, seed, chance: random.Random):
    ids, labels = people(counts)
    groups = [f"g{i % 7}" if i % 3 == 0 else "" for i in range(len(ids))]
    expected = dict(
        zip(ids, assign(ids, labels, val=0.2, test=0.2, seed=seed, groups=groups), strict=True)
    )
    order = list(range(len(ids)))
    chance.shuffle(order)
    found = assign(
        [ids[i] for i in order],
        [labels[i] for i in order],
        val=0.2,
        test=0.2,
        seed=seed,
        groups=[groups[i] for i in order],
    )
    assert dict(zip([ids[i] for i in order], found, strict=True)) == expected


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(0, 1000), st.integers(1, 12))
def test_copies_never_stand_on_two_sides(counts, seed, kinds):
    ids, labels = people(counts)
    groups = [(i * 7919) % (kinds * 3) if i % 2 else None for i in range(len(ids))]
    sides = assign(ids, labels, val=0.3, test=0.2, seed=seed, groups=groups)
    together = defaultdict(set)
    for group, side in zip(groups, sides, strict=True):
        if group:
            together[group].add(side)
    assert all(len(found) == 1 for found in together.values())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["train", "val", "test"]), st.sampled_from(["", "a", "b", "c"])),
        max_size=30,
    )
)
def test_moving_copies_moves_nothing_else_and_only_towards_train(rows):
    ids = [str(i) for i in range(len(rows))]
    before, groups = [side for side, _ in rows], [group for _, group in rows]
    after = keep_copies_together(ids, before, groups)
    rank = ["train", "val", "test"].index
    for (side, group), now in zip(rows, after, strict=True):
        assert rank(now) <= rank(side)
        assert now == (min((s for s, g in rows if g == group), key=rank) if group else side)


def test_another_seed_gives_another_split_of_the_same_size():
    ids, labels = people([50, 50])
    a, b = (assign(ids, labels, val=0.2, test=0.2, seed=seed) for seed in (1, 2))
    assert a != b and Counter(a) == Counter(b)


def test_adding_a_class_does_not_reshuffle_the_others():
    ids, labels = people([40, 40])
    more = [f"new/{i}" for i in range(40)]
    old = assign(ids, labels, val=0.25, test=0.25, seed=3)
    new = assign(ids + more, labels + ["new"] * 40, val=0.25, test=0.25, seed=3)
    assert new[:80] == old


def test_a_class_of_one_goes_to_train():
    assert assign(["a", "b", "c"], ["x", "y", "y"], val=0.4, test=0.4, seed=0)[0] == "train"


def test_quotas_never_take_more_than_there_is_room_for():
    assert quotas({"a": 2, "b": 2}, 0.9, {"a": 1, "b": 1}) == {"a": 1, "b": 1}
