# SPDX-License-Identifier: BSD-3-Clause
"""A served artifact from Python: started, asked, shown, and gone when its owner is gone."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

import lepton_lab as lab
from lepton_lab.errors import DataError, LeptonError, StorageError
from lepton_lab.exporting import load_artifact
from lepton_lab.serving import process as server_process
from lepton_lab.serving import start
from tests.serving.bundles import picture


def test_it_answers_whatever_the_artifact_answers(server, row_server, tmp_path):
    file = tmp_path / "red.png"
    file.write_bytes(picture("red"))
    array = np.zeros((5, 6, 3), np.uint8)
    array[..., 2] = 255
    found = server.predict([str(file), file, picture("lime"), Image.new("RGB", (3, 3), "blue"), array], top=1)
    assert [answer["top"][0][0] for answer in found] == ["red", "red", "green", "blue", "blue"]
    assert server.predict(str(file))["top"][0][0] == "red"
    assert row_server.predict({"x": 1, "y": 2})["top"][0][0] == "y"
    assert len(row_server.predict([{"x": 1, "y": 2}] * 3)) == 3


def test_what_it_refuses_is_a_data_error(server, row_server, tmp_path):
    with pytest.raises(DataError, match="no image"):
        server.predict(b"no picture")
    with pytest.raises(DataError, match="no such file"):
        server.predict(tmp_path / "nothing.png")
    with pytest.raises(DataError, match="'y'"):
        row_server.predict({"x": 1})


def test_an_artifact_serves_itself_and_stops_at_the_end_of_the_block(colors):
    artifact = load_artifact(colors)
    with artifact.serve(max_batch=2) as serving:
        assert serving.url.startswith("http://127.0.0.1:")
        assert len(serving.token) > 40
        assert serving.client.ready()
        text = serving._repr_mimebundle_()["text/plain"]
        assert serving.token in text
        assert serving.url in text
        again = serving._repr_mimebundle_()
        assert serving.token not in str(again)
        assert serving.token not in repr(serving)
        process = psutil.Process(serving._process.pid)
        assert serving.token not in " ".join(process.cmdline())
    assert not serving.running
    serving.stop()
    text = serving._repr_mimebundle_()["text/plain"]
    assert "is not served any more" in text and "stopped" in text
    assert "curl" not in text
    with pytest.raises(LeptonError, match="did not answer"):
        serving.predict(picture("red"))


def test_an_unknown_option_and_a_taken_port_are_told(colors, server):
    with pytest.raises(LeptonError, match="'max_btach' is no option"):
        start(colors, max_btach=3)
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(StorageError, match="in use"):
        start(colors, port)


def test_lab_serve_takes_a_path(colors):
    with lab.serve(str(colors)) as serving:
        assert serving.client.ready()


def until(check):
    """Wait until it is true."""
    end = time.monotonic() + 30
    while not check():
        assert time.monotonic() < end
        time.sleep(0.02)


def end(serving, kind):
    """End the server's process from outside."""
    process = serving._process
    os.kill(process.pid, kind)
    process.wait(30)


def asked_while_it_ends(serving):
    """What becomes of a question that has arrived when the server crashes."""
    process, port = serving._process, int(serving.url.rsplit(":", 1)[1])
    os.kill(process.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(serving.predict, picture("red"))
        until(lambda: any(c.raddr and c.raddr.port == port for c in psutil.Process().net_connections()))
        os.kill(process.pid, signal.SIGSEGV)
        os.kill(process.pid, signal.SIGCONT)
        return found.exception(30)


def test_a_server_that_crashes_is_started_again_and_a_crash_loop_has_an_end(colors, caplog, monkeypatch):
    monkeypatch.setattr(server_process, "PAUSES", (0.01, 0.02))
    with start(colors) as serving:
        url, token, first = serving.url, serving.token, serving._process.pid
        before = serving.predict(picture("blue"))
        end(serving, signal.SIGSEGV)
        assert serving.predict(picture("blue")) == before
        assert (serving.url, serving.token) == (url, token)
        assert serving.running
        assert serving._process.pid != first
        assert "ended by SIGSEGV (a crash in a library)" in serving._repr_mimebundle_()["text/plain"]
        assert "ended by SIGSEGV (a crash in a library). It is started again (1 of 2)." in caplog.text

        error = asked_while_it_ends(serving)
        assert isinstance(error, LeptonError)
        assert "ended by SIGSEGV" in error.why
        assert serving.predict(picture("blue")) == before

        end(serving, signal.SIGKILL)
        with pytest.raises(LeptonError, match="ended 3 x; the last time it ended by SIGKILL"):
            serving.predict(picture("blue"))
        assert not serving.running
        assert "It is not started again." in caplog.text
    assert "stopped" in serving._repr_mimebundle_()["text/plain"]


def test_a_server_that_somebody_stopped_stays_down(colors, caplog):
    with start(colors) as serving:
        end(serving, signal.SIGTERM)
        with pytest.raises(LeptonError, match="It was stopped"):
            serving.predict(picture("red"))
    assert not caplog.text


OWNER = """
import sys, time
from lepton_lab.serving import start
serving = start(sys.argv[1])
print(serving._process.pid, flush=True)
time.sleep(60)
"""


def test_it_ends_with_its_owner_even_when_that_is_killed(colors):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(colors)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(lab.__file__).parents[1])},
    )
    served = psutil.Process(int(owner.stdout.readline()))
    assert served.is_running()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    until = time.monotonic() + 20
    while served.is_running() and served.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.05)
