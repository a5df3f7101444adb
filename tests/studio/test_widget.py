# SPDX-License-Identifier: BSD-3-Clause
"""The widget's side of the page: messages in, pieces of files both ways, the card of the run."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import lepton_lab as lab
from lepton_lab.studio import Studio
from lepton_lab.studio.controller import Controller
from lepton_lab.studio.widget import StudioWidget
from tests.conftest import make_pictures


class Page(StudioWidget):
    """A widget that keeps what it sends."""

    def send(self, content: Any, buffers: Any = None) -> None:
        self.__dict__.setdefault("heard", []).append((content, buffers))

    def told(self, message: Any, *buffers: bytes) -> list[Any]:
        """Take a message as the comm brings it; returns the answers."""
        self.__dict__["heard"] = []
        self._message(self, message, list(buffers))
        return [content for content, _ in self.__dict__["heard"]]


@pytest.fixture
def page() -> Page:
    shown: list[Page] = []
    controller = Controller(lambda state: [one.show(state) for one in shown] and None)
    shown.append(Page(controller))
    return shown[0]


@pytest.mark.parametrize(
    "message", [None, "open", 3, [], {"do": "no"}, {"do": "upload"}, {"do": "set", "step": "<b>"}]
)
def test_no_message_can_break_it(page: Page, message: Any) -> None:
    before = dict(page.view)
    answers = page.told(message)
    assert page.view == before
    assert all(answer["kind"] == "refused" for answer in answers)


def test_what_is_shown_follows_every_message(page: Page) -> None:
    page.told({"do": "open", "step": "export"})
    assert page.view["open"] == "export"
    page.told({"do": "language", "value": "python"})
    assert page.view["language"] == "python"


def test_an_upload_is_answered_piece_by_piece_and_read_at_its_end(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = make_pictures(tmp_path / "flowers", ("iris", "rose"), 12)
    for number, file in enumerate(sorted(source.rglob("*.png"))):
        data, name = file.read_bytes(), file.relative_to(source).as_posix()
        half = len(data) // 2
        about = {"do": "upload", "folder": "flowers", "name": name}
        first = {**about, "begin": number == 0, "offset": 0, "last": False}
        (answer,) = page.told(first, data[:half])
        assert answer["kind"] == "taken"
        page.told({**about, "offset": half, "last": True}, memoryview(data)[half:])
    page.told({"do": "upload", "end": True})
    controller = page._controller
    assert controller.wait(60)
    assert controller.state.value("data", "path") == "uploads/flowers"
    assert controller.state.result("data").classes == ("iris", "rose")
    (refused,) = page.told({"do": "upload", "name": "x", "offset": 0, "last": True}, b"1")
    assert refused["kind"] == "refused"


def test_a_download_is_the_artifact_whole(done: Studio, tmp_path: Path) -> None:
    page = Page(done.controller)
    page.told({"do": "press", "step": "export", "action": "download"})
    for thread in threading.enumerate():
        if thread.name == "lepton-download":
            thread.join(60)
    pieces = [(content, b"".join(buffers)) for content, buffers in page.__dict__["heard"]]
    assert [content["last"] for content, _ in pieces][-1] is True
    file = tmp_path / pieces[0][0]["name"]
    file.write_bytes(b"".join(data for _, data in pieces))
    assert lab.load_artifact(file).verify().golden > 0


def test_the_card_of_the_run_is_drawn_to_its_end(done: Studio) -> None:
    page = Page(done.controller)
    follower = page._follower
    assert follower is not None and page.card == follower.model_id
    assert follower._ticker.wait(20)
    assert follower.history.snapshot().state == "done"
    assert follower.card.state
    follower.close()
