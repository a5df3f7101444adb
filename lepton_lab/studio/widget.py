# SPDX-License-Identifier: BSD-3-Clause
"""The Studio on a page: one model that holds what is shown, and takes messages.

`view` is everything that the page draws, sent whole after each change; it lives in the kernel, so a page
that is loaded again has it all. Files come and go in pieces beside it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from lepton_lab.errors import LeptonError
from lepton_lab.rendering import size
from lepton_lab.studio import page
from lepton_lab.studio.controller import Controller
from lepton_lab.studio.follow import Follower
from lepton_lab.studio.state import State
from lepton_lab.studio.steps.cleaning import opened
from lepton_lab.studio.uploads import PIECE, Upload
from lepton_lab.studio.view import view

logger = logging.getLogger(__name__)
MOST_DOWNLOAD = 1 << 30


class StudioWidget(anywidget.AnyWidget):
    """The model of the page.

    Args:
        controller: Holds the state; messages go to it.
        device: What the header says of this computer.
    """

    _esm = page.module()
    _css = page.style()
    view = traitlets.Dict().tag(sync=True)
    card = traitlets.Unicode("").tag(sync=True)
    clean = traitlets.Unicode("").tag(sync=True)

    def __init__(self, controller: Controller, device: str = "") -> None:
        super().__init__()
        self._controller, self._device = controller, device
        self._follower: Follower | None = None
        self._upload: Upload | None = None
        self._lock = threading.Lock()
        self.on_msg(self._message)
        self.show(controller.state)

    def show(self, state: State) -> None:
        """Send a state to the page."""
        run = state.result("train")
        with self._lock:
            followed = self._follower.run if self._follower else None
            if run is not None and (run is not followed or self._ended_before(run)):
                self._follow(run)
        cleaning = opened(state)
        self.clean = cleaning.page.widget.model_id if cleaning is not None else ""
        self.view = view(state, self._device)

    def _ended_before(self, run: Any) -> bool:
        """Whether the run goes on after the card was drawn to its end (a resume)."""
        return bool(self._follower and self._follower.over and run.state in ("running", "starting"))

    def _follow(self, run: Any) -> None:
        if self._follower is not None:
            self._follower.close()
        self._follower = Follower(run)
        self.card = self._follower.model_id

    def _message(self, widget: Any, content: Any, buffers: Sequence[Any]) -> None:
        """A message from the page. Whatever it is, the kernel goes on."""
        if not isinstance(content, Mapping):
            return
        try:
            if content.get("do") == "upload":
                self._take(content, buffers)
            elif content.get("do") == "press" and content.get("action") == "download":
                threading.Thread(target=self._give, name="lepton-download", daemon=True).start()
            else:
                self._controller.handle(content)
        except LeptonError as error:
            logger.info("a message from the page was not taken: %s", error)
            self.send({"kind": "refused", "lines": str(error).split("\n")})

    def _take(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """A piece of an upload; each is answered, so that the page sends one at a time."""
        if content.get("begin"):
            self._upload = Upload(str(content.get("folder")))
        if self._upload is None:
            raise LeptonError("The upload was not begun.", "", "Choose the folder again.")
        if content.get("end"):
            folder, self._upload = self._upload.folder.as_posix(), None
            self._controller.set("data", "path", folder)
            self._controller.press("data", "load")
            return
        data = bytes(buffers[0]) if buffers else b""
        offset = int(content.get("offset") or 0)
        self._upload.take(str(content.get("name")), offset, data, content.get("last") is True)
        self.send({"kind": "taken", "bytes": self._upload.bytes})

    def _give(self) -> None:
        """Send the artifact as one .zip, in pieces."""
        artifact = self._controller.state.result("export")
        if artifact is None:
            return
        try:
            path: Path = artifact.zip()
        except LeptonError as error:
            self.send({"kind": "refused", "lines": str(error).split("\n")})
            return
        length = path.stat().st_size
        if length > MOST_DOWNLOAD:
            lines = [f"{path.name} has {size(length)}.", f"It lies in {path.parent}.", ""]
            self.send({"kind": "refused", "lines": lines})
            return
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                last = file.tell() == length
                self.send({"kind": "file", "name": path.name, "last": last}, buffers=[piece])
