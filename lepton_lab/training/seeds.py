# SPDX-License-Identifier: BSD-3-Clause
"""Randomness of a step (mixing, dropout) as a pure function of (seed, epoch, step).

The generators of the process belong to the user: what is seeded here for one batch or one step is put
back afterwards. `torch.manual_seed` is avoided: it costs 200 times as much as seeding one generator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from lepton_lab.randomness import generators


def step_seed(seed: int, epoch: int, step: int, purpose: str = "mix") -> int:
    """A 63-bit seed, the same in every process and version."""
    digest = hashlib.blake2b(f"{purpose}:{seed}:{epoch}:{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


@contextmanager
def seeded_step(seed: int, epoch: int, step: int, device: torch.device) -> Iterator[None]:
    """Dropout and its like inside the block depend on (seed, epoch, step) alone."""
    with generators:
        kept = torch.random.get_rng_state()
        value = step_seed(seed, epoch, step, "step")
        torch.default_generator.manual_seed(value)
        if device.type == "cuda":
            torch.cuda.default_generators[device.index or 0].manual_seed(value)
        try:
            yield
        finally:
            torch.random.set_rng_state(kept)
