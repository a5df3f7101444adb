# SPDX-License-Identifier: BSD-3-Clause
"""The page of a served model: a token, a file, the answer with its scores, and faults in words."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lepton_lab.serving import Serving, start
from tests.browser.conftest import keep, until
from tests.runtime.sounds import tone
from tests.serving import bundles

HOSTILE = ("<img src=x onerror=\"window.harmed=1\">", "</script><script>window.harmed=1</script>")
PURPLE = (255, 0, 200)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A detector whose classes have names that would harm a careless page."""
    folder = bundles.boxes(tmp_path_factory.mktemp("served") / "heat.lepton", HOSTILE)
    with start(folder) as serving:
        yield serving


def opened(browser: Any, served: Serving, **context: Any) -> Any:
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(10_000)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda said: "Content Security" in said.text and page.faults.append(said.text))
    page.goto(served.url)
    return page


def connect(page: Any, token: str) -> None:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Connect").click()


def give(page: Any, data: bytes, name: str = "purple.png") -> None:
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": data})


def clip() -> bytes:
    """Half a second, as every program writes it."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((tone(440, seconds=0.5) * 30000).astype("<i2").tobytes())
    return buffer.getvalue()


def test_a_picture_is_answered_with_boxes_and_scores_and_names_stay_text(browser: Any, served: Serving) -> None:
    page = opened(browser, served, color_scheme="dark", viewport={"width": 900, "height": 900})
    connect(page, served.token)
    page.get_by_text("Choose a picture").wait_for()
    assert page.title() == page.get_by_role("heading", level=1).inner_text() == "heat"
    give(page, bundles.picture(PURPLE, (120, 80)))
    page.locator(".bar").nth(1).wait_for()
    assert page.locator(".bar .name").all_inner_texts() == list(HOSTILE)
    assert page.locator(".bar .value").all_inner_texts() == ["100.0 %", "78.4 %"]
    # The frame of the second box begins in the middle of the picture; far from any frame is the picture.
    color = """([x, y]) => { const c = document.querySelector("canvas");
        return [...c.getContext("2d").getImageData(c.width * x, c.height * y, 1, 1).data].slice(0, 3); }"""
    assert page.evaluate(color, [0.8, 0.7]) == list(PURPLE)
    assert page.evaluate(color, [0.999, 0.7]) == [86, 180, 233]
    keep(page, "served-page-dark")
    assert page.evaluate("window.harmed") is None
    assert page.locator("main img").count() == 0
    assert page.faults == []
    page.context.close()


def test_a_wrong_token_and_a_bad_file_are_told_in_words(browser: Any, served: Serving) -> None:
    page = opened(browser, served, viewport={"width": 400, "height": 700})
    page.get_by_label("Token").wait_for()
    assert not page.get_by_role("alert").is_visible()
    assert not page.get_by_text("Choose a picture").is_visible()
    connect(page, "a-token-of-another-server")
    assert page.get_by_role("alert").inner_text() == "This is not the token of this server."
    connect(page, served.token)
    page.get_by_text("Choose a picture").wait_for()
    assert not page.get_by_label("Token").is_visible()
    assert served.token not in page.content()
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]

    give(page, bundles.picture("red"))
    page.locator(".bar").wait_for()
    give(page, b"words, no picture", "notes<b>.png")
    page.get_by_role("alert").wait_for()
    assert page.get_by_role("alert").inner_text().startswith("This cannot be answered: ")
    assert "image" in page.get_by_role("alert").inner_text()
    assert page.get_by_text("notes<b>.png").is_visible()
    assert not page.get_by_text("Answer", exact=True).is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    keep(page, "served-page-refused")

    give(page, bundles.picture((0, 0, 90)))
    page.get_by_text("Nothing was found.").wait_for()
    assert not page.get_by_role("alert").is_visible()
    page.reload()  # the token is gone with the page
    page.get_by_label("Token").wait_for()
    assert page.get_by_label("Token").input_value() == ""
    assert page.faults == []
    page.context.close()


def test_a_sound_can_be_played_and_a_text_is_marked(browser: Any, tmp_path: Path) -> None:
    with start(bundles.sounds(tmp_path / "loud.lepton")) as serving:
        page = opened(browser, serving)
        connect(page, serving.token)
        page.get_by_text("Choose a sound").wait_for()
        give(page, clip(), "tone.wav")
        page.locator(".bar").nth(1).wait_for()
        assert page.locator(".bar.best .name").inner_text() == "loud"
        until(lambda: page.evaluate("document.querySelector('audio').duration") == 0.5, 10, "the sound to be read")
        assert page.faults == []
        page.context.close()
    with start(bundles.spans(tmp_path / "names.lepton")) as serving:
        page = opened(browser, serving)
        connect(page, serving.token)
        page.get_by_label("Text").fill("\U0001f602 Anna, <b>Paris</b> Berlin")
        page.get_by_role("button", name="Predict").click()
        page.locator("mark").nth(1).wait_for()
        assert [text.split(" ")[0] for text in page.locator("mark").all_inner_texts()] == ["AnnaPER", "BerlinLOC"]
        assert page.locator(".words").inner_text().startswith("\U0001f602 Anna")
        assert "<b>Paris</b>" in page.locator(".words").inner_text()
        assert page.faults == []
        page.context.close()
