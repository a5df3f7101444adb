# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lepton_lab.errors import StorageError
from lepton_lab.training import checkpoint


def trees() -> dict[str, object]:
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
    module(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    return {"model": module.state_dict(), "optimizer": optimizer.state_dict()}


def equal(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))  # type: ignore[arg-type]
    return a == b


def test_what_is_loaded_is_what_was_saved(tmp_path: Path) -> None:
    saved = trees()
    path = checkpoint.save(tmp_path, 7, saved, {"epoch": 1, "best": {}})
    loaded, facts = checkpoint.load(path)
    assert equal(dict(saved["model"]), loaded["model"])  # type: ignore[call-overload]
    assert equal(saved["optimizer"], loaded["optimizer"])
    assert facts["step"] == 7
    assert facts["epoch"] == 1


def test_tied_weights_and_views_are_saved_in_full(tmp_path: Path) -> None:
    shared = torch.arange(6.0)
    path = checkpoint.save(tmp_path, 1, {"model": {"a": shared, "b": shared, "c": shared[2:4]}}, {})
    loaded, _ = checkpoint.load(path)
    assert torch.equal(loaded["model"]["b"], shared)
    assert torch.equal(loaded["model"]["c"], shared[2:4])


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_checkpoint_is_refused_by_the_name_of_its_file(tmp_path: Path, harm: str) -> None:
    path = checkpoint.save(tmp_path, 1, trees(), {})
    file = path / "optimizer.safetensors"
    data = bytearray(file.read_bytes())
    if harm == "flip":
        data[-3] ^= 1
        file.write_bytes(data)
    elif harm == "cut":
        file.write_bytes(data[:-10])
    else:
        file.unlink()
    with pytest.raises(StorageError, match=r"optimizer\.safetensors"):
        checkpoint.load(path)


def test_only_recent_and_named_checkpoints_are_kept(tmp_path: Path) -> None:
    for step in range(1, 6):
        checkpoint.save(tmp_path, step, {"model": {"w": torch.zeros(1)}}, {})
    checkpoint.prune(tmp_path, keep={"step-1"})
    assert [path.name for path in checkpoint.newest(tmp_path)] == ["step-5", "step-4", "step-1"]


def test_a_full_disk_keeps_the_earlier_checkpoint_and_leaves_nothing_half_written(
    small_disk: Path,
) -> None:
    first = checkpoint.save(small_disk, 1, {"model": {"w": torch.zeros(1000)}}, {})
    with pytest.raises(StorageError, match="disk is full"):
        checkpoint.save(small_disk, 2, {"model": {"w": torch.zeros(3_000_000)}}, {})
    assert [path.name for path in small_disk.iterdir()] == ["step-1"]
    assert checkpoint.load(first)[1]["step"] == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> object:
    """A file system of 2 MB."""
    import subprocess

    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
