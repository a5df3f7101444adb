# SPDX-License-Identifier: BSD-3-Clause
"""The grid of suspects: what the page shows of a cleaning, and what its messages do.

All decisions are in the edits file. Page and filter are kept here, in the kernel, so that a page which is loaded
again shows what it showed. Samples travel by their place, never by a name.
"""

from __future__ import annotations

import base64
import io
import logging
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PIL import Image

from lepton_lab.cleaning import KINDS, Score, Suspect
from lepton_lab.datasets.edits import Edit
from lepton_lab.errors import LeptonError
from lepton_lab.rendering import visible
from lepton_lab.widgets.clean import CleanWidget

if TYPE_CHECKING:
    from lepton_lab.workbench.cleaning import Cleaning

logger = logging.getLogger(__name__)
TEXT = 400
PER_PAGE = 24
SIDE = 96
STATES = {"all": "all", "open": "to decide", "done": "decided"}


class CleaningPage:
    """The page of a cleaning.

    Args:
        cleaning: Suspects, edits and score.

    Attributes:
        widget: What is displayed.
    """

    def __init__(self, cleaning: Cleaning) -> None:
        self._cleaning = cleaning
        self._page, self._said = 0, ""
        self._filter: dict[str, Any] = {"kind": "", "label": -1, "state": "all"}
        self._pictures: dict[int, str] = {}
        self.widget = CleanWidget(self._message)
        self._show()

    def _message(self, content: Mapping[str, Any]) -> None:
        try:
            self._obey(content)
        except LeptonError as error:
            self._said = visible(str(error))
        self._show()

    def _obey(self, content: Mapping[str, Any]) -> None:
        do = content.get("do")
        if do == "undo":
            edit = self._cleaning.undo()
            self._said = f"Taken back: {visible(edit.id)}." if edit else "There is nothing to undo."
        elif do == "page":
            self._page = _whole(content.get("page"))
        elif do == "filter":
            self._narrow(content)
        elif do in ("relabel", "drop", "keep"):
            self._decide(str(do), _whole(content.get("key")), _whole(content.get("label")))

    def _decide(self, action: str, place: int, label: int) -> None:
        cleaning = self._cleaning
        if not 0 <= place < len(cleaning.pool):
            return
        name = cleaning.pool.samples[place].id
        if action == "relabel":
            if not 0 <= label < len(cleaning.pool.classes):
                return
            cleaning.relabel(name, cleaning.pool.classes[label])
            self._said = f"{visible(name)} is now {visible(cleaning.pool.classes[label])}."
        elif action == "drop":
            cleaning.drop(name)
            self._said = f"{visible(name)} is dropped."
        else:
            cleaning.keep(name)
            self._said = f"{visible(name)} is kept."

    def _narrow(self, content: Mapping[str, Any]) -> None:
        kind, state = content.get("kind"), content.get("state")
        self._filter = {
            "kind": kind if kind in KINDS else "",
            "label": _whole(content.get("label", -1)),
            "state": state if state in STATES else "all",
        }
        self._page = 0

    def _show(self) -> None:
        """Send everything that is shown; pictures apart, because an edit changes none of them."""
        cleaning = self._cleaning
        edits = cleaning.edits
        found = [s for s in cleaning.suspects if self._passes(s, edits)]
        pages = max(1, -(-len(found) // PER_PAGE))
        self._page = min(max(self._page, 0), pages - 1)
        shown = found[self._page * PER_PAGE : (self._page + 1) * PER_PAGE]
        drawn = cleaning.data.content == "image"
        pictures = {str(s.place): self._picture(s.place) for s in shown} if drawn else {}
        if pictures != self.widget.pictures:
            self.widget.pictures = pictures
        score = cleaning.score
        kinds = Counter(reason.kind for s in cleaning.suspects for reason in s.reasons)
        labels = Counter(int(cleaning.pool.labels[s.place]) for s in cleaning.suspects)
        self.widget.view = {
            "title": visible(f'Cleaning "{cleaning.data.name}"'),
            "classes": [visible(name) for name in cleaning.pool.classes],
            "kinds": [[key, words, kinds[key]] for key, words in KINDS.items() if kinds[key]],
            "labels": sorted(labels.items()),
            "states": list(STATES.items()),
            "filter": self._filter,
            "page": self._page,
            "pages": pages,
            "total": len(found),
            "suspects": len(cleaning.suspects),
            "items": [self._item(s, edits) for s in shown],
            "score": _score(cleaning),
            "note": _note(score),
            "edits": len(edits),
            "undo": bool(cleaning.history),
            "file": visible(cleaning.path.name),
            "said": self._said,
        }

    def _passes(self, suspect: Suspect, edits: Mapping[str, Edit]) -> bool:
        pool, wanted = self._cleaning.pool, self._filter
        decided = pool.samples[suspect.place].id in edits
        return (
            (not wanted["kind"] or any(r.kind == wanted["kind"] for r in suspect.reasons))
            and wanted["label"] in (-1, int(pool.labels[suspect.place]))
            and wanted["state"] in ("all", "done" if decided else "open")
        )

    def _item(self, suspect: Suspect, edits: Mapping[str, Edit]) -> dict[str, Any]:
        pool = self._cleaning.pool
        sample = pool.samples[suspect.place]
        edit = edits.get(sample.id)
        return {
            "key": suspect.place,
            "name": visible(sample.id),
            "side": pool.sides[suspect.place],
            "label": int(pool.labels[suspect.place]),
            "suggested": -1 if suspect.suggested is None else suspect.suggested,
            "reasons": [reason.words for reason in suspect.reasons],
            "action": edit.action if edit else "",
            "now": pool.classes.index(edit.label) if edit and edit.label else -1,
            "text": self._text(suspect.place),
        }

    def _text(self, place: int) -> str:
        """The beginning of a sample that is a text; empty for one that is a picture."""
        if self._cleaning.data.content == "image":
            return ""
        found = self._cleaning.pool.samples.read(place)
        words = found if isinstance(found, str) else "\n".join(map(str, found))
        return visible(words[:TEXT]) or "(empty)"

    def _picture(self, place: int) -> str:
        """A small picture as a data URL; empty when it cannot be read any more."""
        if place not in self._pictures:
            try:
                self._pictures[place] = data_url(self._cleaning.pool.samples.read(place))
            except LeptonError as error:
                logger.info("no picture of a suspect: %s", error)
                self._pictures[place] = ""
        return self._pictures[place]


def data_url(pixels: Any) -> str:
    """A picture of at most 96 pixels; tiny ones stay lossless."""
    picture = Image.fromarray(pixels)
    tiny = max(picture.size) <= SIDE
    picture.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    picture.save(stream, "PNG") if tiny else picture.save(stream, "JPEG", quality=80)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return f"data:image/{'png' if tiny else 'jpeg'};base64,{data}"


def _score(cleaning: Cleaning) -> list[list[Any]]:
    """Rows of (words, value, low, high): before, after, and on the edited split where that was edited."""
    score = cleaning.score
    if score is None:
        return []
    shares = [("before", score.before), ("with the edits", score.after)]
    if score.edited is not None:
        shares.append((f"on the edited {score.side}", score.edited))
    return [[words, share.value, share.low, share.high] for words, share in shares if share.n]


def _note(score: Score | None) -> str:
    if score is None:
        return "Nothing was held out, so nothing is measured."
    what = "Accuracy of a head on cached features, fitted again after each edit"
    words = f"{what}; on {score.side}, n = {score.before.n}, with 95 % intervals."
    return f"{words} {score.caution}".rstrip()


def _whole(value: Any) -> int:
    """A whole number from a page; -1 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
