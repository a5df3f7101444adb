# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import os
import pickle
import threading

import numpy as np
import pytest

from lepton_lab.datasets.cache import LARGEST, PixelCache, default_budget


def block(value=0, size=100):
    return np.full(size, value, np.uint8)


def test_what_is_put_comes_back_read_only():
    cache = PixelCache(1000)
    cache.put("a", block(3))
    assert (cache.get("a") == 3).all() and cache.get("b") is None
    with pytest.raises(ValueError, match="read-only"):
        cache.get("a")[0] = 1


def test_the_budget_is_never_passed_and_what_is_in_stays():
    cache = PixelCache(450)
    for i in range(10):
        returned = cache.put(i, block(i))
        assert (returned == i).all()
    assert len(cache) == 4 and cache.bytes == 400
    assert [i for i in range(10) if cache.get(i) is not None] == [0, 1, 2, 3]


def test_a_share_of_the_budget_keeps_room_for_others():
    cache = PixelCache(1000)
    for i in range(10):
        cache.put(("full", i), block(), share=0.5)
    assert len(cache) == 5
    for i in range(10):
        cache.put(("small", i), block())
    assert len(cache) == 10


def test_the_same_key_is_counted_once():
    cache = PixelCache(1000)
    cache.put("a", block()), cache.put("a", block())
    assert cache.bytes == 100


def test_clearing_gives_everything_back():
    cache = PixelCache(1000)
    cache.put("a", block())
    cache.clear()
    assert (len(cache), cache.bytes) == (0, 0)


def test_a_pickled_cache_arrives_empty_and_usable():
    cache = PixelCache(1000)
    cache.put("a", block(0, 900))
    assert len(pickle.dumps(cache)) < 300
    copy = pickle.loads(pickle.dumps(cache))
    assert len(copy) == 0 and copy.budget == 1000
    copy.put("b", block())
    assert len(copy) == 1


def test_a_forked_worker_reads_but_does_not_grow():
    cache = PixelCache(1000)
    cache.put("a", block(1))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        cache.put("b", block(2))
        os.write(writer, bytes([len(cache), int(cache.get("a")[0])]))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 2) == bytes([1, 1])


def test_many_threads_never_overfill_it():
    cache = PixelCache(5000)

    def fill(start):
        for i in range(200):
            cache.put((start, i), block())

    threads = [threading.Thread(target=fill, args=(n,)) for n in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert cache.bytes == 5000 == sum(value.nbytes for value in cache._entries.values())


def test_the_default_budget_is_modest():
    assert 0 < default_budget() <= LARGEST
