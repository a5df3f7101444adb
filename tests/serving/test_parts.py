# SPDX-License-Identifier: BSD-3-Clause
"""The parts of the server alone: batches, limits, kinds of input, settings."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lepton_lab.runtime.errors import BundleError
from lepton_lab.runtime.server.batcher import Batcher
from lepton_lab.runtime.server.command import main
from lepton_lab.runtime.server.problem import Problem, encode
from lepton_lab.runtime.server.settings import Settings
from lepton_lab.runtime.server.sources import Reader
from lepton_lab.runtime.server.strict_json import parse


def in_a_loop(coroutine):
    """Its result, from an event loop in a thread: a browser test may have left a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def batched(compute, rows, max_batch=4, max_wait=0.0, hold=None):
    """Results of rows that are queued at once, and the sizes of the batches."""
    sizes = []

    async def run():
        batcher = Batcher(compute, max_batch, max_wait, sizes.append)
        futures = [batcher.submit(row) for row in rows]
        if hold:
            hold.set()
        found = await asyncio.gather(*futures, return_exceptions=True)
        await asyncio.to_thread(batcher.stop)
        return found

    return in_a_loop(run()), sizes


def test_what_waits_while_the_model_is_busy_becomes_a_batch():
    hold = threading.Event()

    def compute(rows):
        hold.wait(10)
        return [row * 2 for row in rows]

    found, sizes = batched(compute, range(9), hold=hold)
    assert found == [row * 2 for row in range(9)]
    assert sum(sizes) == 9
    assert max(sizes) == 4
    assert len(sizes) <= 4


def test_a_window_waits_for_a_fuller_batch():
    assert batched(list, range(4), max_wait=5.0)[1] == [4]


def test_one_bad_row_spoils_no_other():
    def compute(rows):
        return [1 / row for row in rows]

    found, _ = batched(compute, [1, 0, 2], max_wait=1.0)
    assert (found[0], found[2]) == (1.0, 0.5)
    assert isinstance(found[1], ZeroDivisionError)


def test_stopping_answers_what_is_queued():
    async def run():
        batcher = Batcher(list, 1, 0.0, lambda size: None)
        futures = [batcher.submit(row) for row in range(20)]
        await asyncio.to_thread(batcher.stop)
        return await asyncio.wait_for(asyncio.gather(*futures), 10)

    assert in_a_loop(run()) == list(range(20))


def test_free_threads_share_what_waits():
    together, sizes = threading.Barrier(2, timeout=10), []

    def compute(rows):
        if 0 in rows or 4 in rows:
            together.wait()  # breaks unless both halves are computed at the same time
        return [row * 2 for row in rows]

    async def run():
        batcher = Batcher(compute, 8, 0.5, sizes.append, workers=2)
        found = await asyncio.gather(*(batcher.submit(row) for row in range(8)))
        assert batcher.alive
        await asyncio.to_thread(batcher.stop)
        assert not batcher.alive
        return found

    assert in_a_loop(run()) == [row * 2 for row in range(8)]
    assert sizes == [4, 4]


def test_a_call_of_ones_own_takes_a_place_and_gives_it_back():
    async def run():
        batcher = Batcher(list, 1, 0.0, lambda size: None)
        assert batcher.claim() and not batcher.claim()
        future = batcher.submit(3)
        await asyncio.sleep(0.2)
        assert not future.done()  # the only place is taken
        batcher.release()
        assert await asyncio.wait_for(future, 10) == 3
        await asyncio.to_thread(batcher.stop)
        assert not batcher.claim()

    in_a_loop(run())


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_mixture_of_calls_and_batches_is_answered_whole(workers):
    running, most = [], []

    def compute(rows):
        running.append(1)
        most.append(len(running))
        time.sleep(0.001)
        running.pop()
        return [row + 1 for row in rows]

    async def ask(batcher, row):
        if row % 3 == 0 and batcher.claim():
            try:
                return (await asyncio.to_thread(compute, [row]))[0]
            finally:
                batcher.release()
        return await batcher.submit(row)

    async def run():
        batcher = Batcher(compute, 4, 0.0, lambda size: None, workers)
        found = await asyncio.gather(*(ask(batcher, row) for row in range(300)))
        await asyncio.to_thread(batcher.stop)
        return found

    assert in_a_loop(run()) == [row + 1 for row in range(300)]
    assert max(most) <= workers


@pytest.mark.parametrize("text", [b'{"a": [1, {"b": "[[[[,,,,"}]}', b'"\\"[[["', b"3", b"[]"])
def test_json_within_the_limits_is_read(text):
    import json

    assert parse(text, 4, 20) == json.loads(text)


def test_brackets_and_commas_in_a_text_do_not_count():
    assert parse(b'["' + b"[,{" * 10_000 + b'"]', 2, 10) == ["[,{" * 10_000]


@pytest.mark.parametrize(("text", "status"), [(b"[[[]]]", 413), (b"[1,1,1,1,1]", 413), (b"[nan]", 400), (b'{"a":1,"a":1}', 400), (b"[", 400)])
def test_json_beyond_the_limits_is_refused(text, status):
    with pytest.raises(Problem) as caught:
        parse(text, 2, 5 if status == 413 else 20)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ({"kind": "text"}, ["a text", "", "/etc/passwd"], [3, None, ["a"], {}]),
        ({"kind": "text", "pair": True}, [["a", "b"]], ["a", ["a"], ["a", 1]]),
        ({"kind": "words"}, ["a b", ["a", "b"]], [3, [1], {}]),
        ({"kind": "row"}, [{"x": 1}], ["{}", [], 3, "/etc/passwd"]),
        ({"kind": "image"}, ["aGVsbG8="], ["/etc/passwd", "a b", "", 3, []]),
        ({"kind": "sound"}, ["data:audio/wav;base64,aGVsbG8="], ["data:audio/wav,x", {}]),
    ],
)
def test_each_kind_takes_its_own_values_and_never_a_path(rule, good, bad):
    reader = Reader(rule, Settings())
    for value in good:
        found = reader.value(value, "input")
        assert found == (b"hello" if rule["kind"] in ("image", "sound") else value)
    for value in bad:
        with pytest.raises(Problem) as caught:
            reader.value(value, "input")
        assert (caught.value.status, caught.value.field) == (422, "input")


def test_files_of_rows_pairs_and_words_are_read_within_the_limits():
    deep = b"[" * 100
    for rule in ({"kind": "row"}, {"kind": "text", "pair": True}, {"kind": "words"}):
        with pytest.raises(Problem) as caught:
            Reader(rule, Settings()).file(deep, "body")
        assert caught.value.status == 413
    assert Reader({"kind": "text"}, Settings()).file(deep, "body") == deep
    assert Reader({"kind": "words"}, Settings()).file(b"[New] York", "body") == b"[New] York"


def test_numbers_that_are_not_finite_leave_as_null():
    assert encode({"a": [float("nan"), 1.5], "b": float("-inf")}) == b'{"a": [null, 1.5], "b": null}'
    assert encode("\ud800") == b'"\\ud800"'


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_listening_elsewhere_needs_a_token(host, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("LEPTON_TOKEN", raising=False)
    with pytest.raises(BundleError, match="without a token"):
        Settings(host=host).checked()
    assert Settings(host=host, token="t" * 20).checked().host == host
    assert main(["--artifact", str(tmp_path), "--host", host, "--no-token"]) == 1
    assert "without a token is refused" in capsys.readouterr().err


def test_a_token_is_made_only_where_it_can_be_shown(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("LEPTON_TOKEN", raising=False)
    assert main(["--artifact", str(tmp_path)]) == 1
    assert "set LEPTON_TOKEN" in capsys.readouterr().err
    for weak in ("short", "with a blank in it", "with-ümlaut-in-it-now"):
        with pytest.raises(BundleError, match="printable"):
            Settings(token=weak).checked()


def test_limits_that_make_no_sense_are_refused():
    for name in ("max_batch", "max_queue", "request_seconds"):
        with pytest.raises(BundleError, match=name.replace("_", "-")):
            Settings(**{name: 0}).checked()
