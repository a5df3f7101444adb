# SPDX-License-Identifier: BSD-3-Clause
"""What `serve` serves: the run's own artifact, where it has one that is as new as its weights."""

import os

import pytest

from lepton_lab.errors import LeptonError
from lepton_lab.journal import RunFolder
from lepton_lab.workbench import Run
from lepton_lab.workbench.hosting import artifact_of
from tests.serving.bundles import colors


def test_a_run_is_served_by_the_artifact_that_it_has(tmp_path):
    run = Run(RunFolder(tmp_path / "run"))
    own = colors(run.path / "artifacts" / "own.lepton")
    beside = colors(run.path / "artifacts" / "own-baseline.lepton")
    os.utime(beside, (4e9, 4e9))
    found = artifact_of(run)
    assert found.path == own
    assert artifact_of(found) is found
    assert artifact_of(str(own)).path == own


def test_an_artifact_older_than_the_weights_is_not_served(tmp_path):
    run = Run(RunFolder(tmp_path / "run"))
    colors(run.path / "artifacts" / "own.lepton")
    (run.path / "checkpoints" / "step-9").mkdir(parents=True)
    os.utime(run.path / "checkpoints" / "step-9", (4e9, 4e9))
    with pytest.raises(LeptonError):  # it would be exported anew, and this run has nothing to export
        artifact_of(run)
