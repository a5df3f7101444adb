# SPDX-License-Identifier: BSD-3-Clause
"""From any kind of name to an entry, or to a message that helps."""

from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path

import pytest

from lepton_lab.catalog import find
from lepton_lab.catalog.cache import cached_file, hub_folder, snapshot
from lepton_lab.catalog.folder import count_parameters, read_header
from lepton_lab.catalog.hub import shards, weight_files
from lepton_lab.errors import LeptonError, NotFoundError, WeightsError


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("resnet18.a1_in1k", "resnet18.a1_in1k"),
        ("timm/resnet18.a1_in1k", "resnet18.a1_in1k"),
        ("hf-hub:timm/resnet18.a1_in1k", "resnet18.a1_in1k"),
        ("ResNet18", "resnet18.a1_in1k"),
        ("microsoft/resnet-50", "microsoft/resnet-50"),
        ("transformers/vit", "transformers/vit"),
        ("lepton_glyphs", "lepton_glyphs"),
    ],
)
def test_each_way_to_write_a_name_finds_the_model(typed: str, name: str) -> None:
    assert find(typed).name == name


def test_a_name_without_a_tag_means_the_default_of_timm() -> None:
    import timm

    for architecture in ("resnet50", "vit_base_patch16_224", "convnext_tiny", "test_vit"):
        config = timm.get_pretrained_cfg(architecture)
        assert find(architecture).name == f"{architecture}.{config.tag}"


def test_imagenet_in_front_asks_for_the_thousand_classes() -> None:
    entry = find("imagenet_resnet50")
    assert entry.name == "resnet50.a1_in1k" and entry.num_classes == 1000
    other = find("convnext_base.clip_laion2b").num_classes
    assert other != 1000 and find("imagenet_convnext_base").num_classes == 1000
    with pytest.raises(NotFoundError, match="ImageNet-1k"):
        find("imagenet_convnext_base.clip_laion2b")


def test_a_misspelt_name_offers_the_nearest_and_the_command_that_lists_them() -> None:
    with pytest.raises(NotFoundError) as caught:
        find("resnet5")
    lines = str(caught.value).split("\n")
    assert lines[0] == 'No model is called "resnet5".'
    assert lines[1].startswith("Did you mean resnet50")
    assert lines[2] == "%lepton models resnet*"


def test_a_misspelt_tag_names_the_tags_of_the_model() -> None:
    with pytest.raises(
        NotFoundError, match=r"resnet18 has no weights called .*\n.*resnet18\.a1_in1k"
    ):
        find("resnet18.a1_in1")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "/no/such/folder",
        "./none",
        "a b",
        "timm/nothing",
        "💥",
        "../../etc/passwd",
        "x" * 5000,
        "a\0b",
        "~nobody/x",
    ],
)
def test_nonsense_is_told_in_short_lines_without_asking_the_network(
    typed: str, monkeypatch
) -> None:
    monkeypatch.setattr(
        "urllib.request.urlopen", lambda *a, **k: pytest.fail("the network was asked")
    )
    with pytest.raises(LeptonError) as caught:
        find(typed)
    assert len(str(caught.value)) < 400


def test_an_unknown_repository_is_refused_at_once_when_the_hub_cannot_be_reached(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        WeightsError,
        match=r'"nobody/nothing" are not on this machine and 127\.0\.0\.1 cannot be reached',
    ):
        find("nobody/nothing")


def test_a_cached_repository_is_described_by_its_own_configuration(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--someone--net"
    (folder / "snapshots" / "r1").mkdir(parents=True)
    (folder / "snapshots" / "r2").mkdir()
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("r1")
    config = {"model_type": "vit", "image_size": 64, "id2label": {"0": "a", "1": "b", "2": "c"}}
    (folder / "snapshots" / "r1" / "config.json").write_text(json.dumps(config))
    entry = find("someone/net")
    assert (entry.source, entry.family, entry.num_classes, entry.input_size) == (
        "transformers",
        "vit",
        3,
        (3, 64, 64),
    )
    assert snapshot("someone/net") == folder / "snapshots" / "r1", (
        "the revision that main names, not the newest"
    )
    assert cached_file("someone/net", "model.safetensors") is None and not entry.cached


def test_the_cache_folder_follows_the_environment_of_the_hub_client(monkeypatch) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert hub_folder() == Path("~/.cache/huggingface/hub").expanduser()
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert hub_folder() == Path("/x/huggingface/hub")
    monkeypatch.setenv("HF_HOME", "/h")
    assert hub_folder() == Path("/h/hub")
    monkeypatch.setenv("HF_HUB_CACHE", "/c")
    assert hub_folder() == Path("/c")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"model_type": 3}', "null"])
def test_a_folder_with_a_damaged_configuration_is_refused(tmp_path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(LeptonError, match=r"config\.json"):
        find(str(tmp_path))


def test_a_folder_is_read_without_a_framework(tmp_path) -> None:
    import torch
    from safetensors.torch import save_file

    (tmp_path / "config.json").write_text(
        json.dumps(
            {
                "architecture": "resnet18",
                "num_classes": 4,
                "pretrained_cfg": {"input_size": [3, 64, 48]},
            }
        )
    )
    save_file(
        {"w": torch.zeros(3, 5), "bn.running_mean": torch.zeros(9)}, tmp_path / "model.safetensors"
    )
    entry = find(str(tmp_path))
    assert (entry.source, entry.params, entry.num_classes, entry.input_size) == (
        "folder",
        15,
        4,
        (3, 64, 48),
    )
    assert count_parameters(tmp_path) == 15


@pytest.mark.parametrize("data", [b"", b"\x80\x04pickle", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]"])
def test_a_file_that_is_no_safetensors_file_is_refused(tmp_path, data: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(LeptonError, match="no safetensors file"):
        read_header(path)


def test_a_list_of_shards_cannot_name_files_elsewhere(tmp_path) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(
        json.dumps({"weight_map": {"a": "b.safetensors", "c": "../../secret.safetensors"}})
    )
    with pytest.raises(WeightsError, match="outside"):
        shards(path)
    path.write_text(json.dumps({"weight_map": {"a": "b.safetensors", "c": "b.safetensors"}}))
    assert shards(path) == ["b.safetensors"]


class _Server(http.server.BaseHTTPRequestHandler):
    """A hub that has one repository with one file, and says 404 to all else."""

    def do_HEAD(self) -> None:
        body = b'{"model_type": "vit", "image_size": 64}'
        found = self.path == "/zoo/net/resolve/main/config.json"
        self.send_response(200 if found or self.path == "/" else 404)
        if not found and self.path != "/":
            self.send_header(
                "X-Error-Code", "EntryNotFound" if "/zoo/net/" in self.path else "RepoNotFound"
            )
        self.send_header("ETag", '"abc"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(body) if found else 0))
        self.end_headers()
        if self.command == "GET" and found:
            self.wfile.write(body)

    do_GET = do_HEAD  # noqa: N815 - the name is that of the base class

    def log_message(self, *args: object) -> None:
        """Nothing is printed."""


def test_a_repository_is_described_after_its_configuration_was_fetched(
    tmp_path, monkeypatch
) -> None:
    pytest.importorskip("huggingface_hub").constants  # noqa: B018 - the client is imported before the server stands
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    try:
        entry = find("zoo/net")
        assert (entry.family, entry.input_size, entry.hub_id) == ("vit", (3, 64, 64), "zoo/net")
        with pytest.raises(WeightsError, match=r"no file model\.safetensors"):
            weight_files("zoo/net")
        with pytest.raises(NotFoundError, match="no model"):
            find("nobody/nothing")
    finally:
        server.shutdown()
        server.server_close()
