# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import resource, sys
import torch
from lepton_lab.training.allocator import keep_freed_memory
torch.set_num_threads(1)
if sys.argv[1] == "keep":
    assert keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.zeros(12_000_000).add_(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the settings are those of glibc")
def test_memory_that_is_kept_is_not_paid_for_again_at_every_step() -> None:
    faults = {
        mode: int(
            subprocess.run(
                [sys.executable, "-c", CODE, mode], capture_output=True, text=True, check=True
            ).stdout
        )
        for mode in ("keep", "give")
    }
    # Mostly a tenth; where the heap happens to lie between others, a few more blocks are laid out first.
    assert faults["keep"] < faults["give"] / 2
