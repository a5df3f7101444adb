# SPDX-License-Identifier: BSD-3-Clause
"""A served artifact from Python: started, asked, shown, and gone when its owner is gone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

import lepton_lab as lab
from lepton_lab.errors import DataError, LeptonError, StorageError
from lepton_lab.exporting import load_artifact
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
    assert "stopped" in serving._repr_mimebundle_()["text/plain"]
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
