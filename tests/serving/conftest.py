# SPDX-License-Identifier: BSD-3-Clause
"""Served artifacts, each started once; limits are low so that reaching them takes no time."""

import pytest

from lepton_lab.serving import start
from tests.serving import bundles

LOW = {
    "request_seconds": 1.5,
    "max_body": 1 << 20,
    "max_pixels": 1_000_000,
    "max_inputs": 64,
    "max_queue": 512,
    "max_connections": 80,
    "idle_seconds": 2,
}


@pytest.fixture(scope="session")
def colors(tmp_path_factory):
    """An artifact that tells red, green and blue; tests must not change it."""
    return bundles.colors(tmp_path_factory.mktemp("bundles") / "colors.lepton")


@pytest.fixture(scope="session")
def server(colors):
    with start(colors, **LOW) as serving:
        yield serving


@pytest.fixture(scope="session")
def row_server(tmp_path_factory):
    with start(bundles.rows(tmp_path_factory.mktemp("bundles") / "larger.lepton")) as serving:
        yield serving
