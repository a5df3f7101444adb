# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_lab.datasets.nearness import groups, pairs

words = st.integers(0, 2**64 - 1)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), words, st.sampled_from([0, 1, 3, 7, 15, 2**63, 2**63 + 2**40])),
        max_size=25,
    ),
    st.data(),
)
def test_just_the_pairs_that_differ_in_three_bits_at_most_are_found(hashes, data):
    for _ in range(min(len(hashes), 5)):
        base = data.draw(words)
        flips = data.draw(st.lists(st.integers(0, 63), max_size=5, unique=True))
        hashes += [base, base ^ sum(1 << bit for bit in flips)]
    expected = [
        (i, j)
        for i, a in enumerate(hashes)
        for j, b in enumerate(hashes)
        if i < j and a is not None and b is not None and bin(a ^ b).count("1") <= 3
    ]
    assert pairs(hashes) == expected


def test_a_smaller_distance_finds_fewer():
    assert pairs([0, 1, 3, 7], distance=0) == []
    assert pairs([0, 1, 3, 7], distance=1) == [(0, 1), (1, 2), (2, 3)]


def test_nothing_is_near_nothing():
    assert pairs([]) == [] and pairs([None, None]) == [] and groups([]) == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=30))
def test_groups_are_the_connected_parts(edges):
    found = groups(edges)
    members = [i for group in found for i in group]
    assert sorted(members) == sorted({i for edge in edges for i in edge})
    where = {i: n for n, group in enumerate(found) for i in group}
    assert all(where[a] == where[b] for a, b in edges)
    for group in found:
        reached = {group[0]}
        for _ in group:
            reached |= {b for a, b in [*edges, *((b, a) for a, b in edges)] if a in reached}
        assert reached == set(group)
