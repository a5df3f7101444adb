# SPDX-License-Identifier: BSD-3-Clause
"""A cell blocks in a training; the page orders something over a subshell; every kernel since 7.1 obeys."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kernels.conftest import Kernel, running_kernel, wait_until

VERSIONS = ("7.1", "7.2", "7.3", "7.4")
TRAIN = "run = lab.train('lepton_glyphs', data, epochs=5000, batch_size=8, name={name!r})"


def installed(version: str, cache: Path) -> Path:
    """A folder with that ipykernel and nothing else; fetched once, then kept."""
    folder = cache / f"ipykernel-{version}"
    if not (folder / "ipykernel").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        done = subprocess.run(
            [*command, str(folder), f"ipykernel=={version}.*"],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
            pytest.skip(f"ipykernel {version} cannot be fetched: {last}")
    return folder


@pytest.fixture(scope="module", params=VERSIONS)
def versioned(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    """A kernel of one version of ipykernel."""
    cache: Any = getattr(request.config, "cache", None)
    kept = Path(cache.mkdir("kernels")) if cache else tmp_path_factory.mktemp("kernels")
    folder = installed(request.param, kept)
    for kernel in running_kernel(tmp_path_factory.mktemp("versioned"), path=str(folder)):
        shown = kernel.value("__import__('ipykernel').__version__")
        assert shown.strip("'").startswith(request.param + ".")
        yield kernel


def controlled(kernel: Kernel, run: str) -> list[dict[str, Any]]:
    """The orders in the journal of a run."""
    lines = (kernel.runs / run / "events.jsonl").read_text().splitlines()
    return [event for line in lines if (event := json.loads(line))["event"] == "controlled"]


def test_orders_reach_a_run_whose_cell_blocks_the_kernel(
    versioned: Kernel, record_testsuite_property: Any
) -> None:
    cell = versioned.begin(TRAIN.format(name="blocked"))
    versioned.wait_for_step("blocked", 3)
    subshell = versioned.subshell()
    changes = {"learning_rate": 1e-4}
    for order in ({"action": "dance", "run": "blocked"}, {"action": "stop", "run": "nobody"}, "?"):
        versioned.open_comm(subshell, order)  # type: ignore[arg-type]
    versioned.open_comm(subshell, {"action": "set", "run": "blocked", "values": changes})
    versioned.open_comm(subshell, {"action": "pause", "run": "blocked"})
    wait_until(lambda: [e["action"] for e in controlled(versioned, "blocked")] == ["set", "pause"])
    versioned.open_comm(subshell, {"action": "resume", "run": "blocked"})
    wait_until(lambda: len(controlled(versioned, "blocked")) == 3)
    sent = time.perf_counter()
    opened = versioned.open_comm(subshell, {"action": "stop", "run": "blocked"})
    wait_until(lambda: len(controlled(versioned, "blocked")) == 4)
    stopped = round(1000 * (time.perf_counter() - sent))
    assert versioned.reply(cell)["status"] == "ok"
    replied = round(1000 * (time.perf_counter() - sent))
    version = versioned.value("__import__('ipykernel').__version__")
    record_testsuite_property(
        f"ms to stop and to the reply, ipykernel {version}", (stopped, replied)
    )
    orders = controlled(versioned, "blocked")
    assert [e["action"] for e in orders] == ["set", "pause", "resume", "stop"]
    assert orders[0]["values"] == changes
    assert versioned.value("run.state") == "'stopped'"
    assert versioned.value(f"run.record['step'] == {orders[3]['step']}") == "True"
    _, answers = versioned.cell("'next cell'")
    assert [m["msg_type"] for m in answers if m["parent_header"].get("msg_id") == opened] == []
