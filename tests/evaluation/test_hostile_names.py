# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest

from lepton_lab.evaluation import Evaluation
from lepton_lab.evaluation.figures import PLOTLY
from tests.metrics.predictions import seeded

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    '" onfocus="alert(1)" autofocus="',
    "</title></style></textarea></script><b>",
    "</svg></figure></td></table></details>",
    "<!-- <i> -->",
    "<![CDATA[ x ]]>",
    "&lt;script&gt;",
    "&#60;img&#62;",
    "javascript:alert(1)",
    '<a href="javascript:alert(1)">x</a>',
    "<iframe srcdoc='<script>1</script>'>",
    "<math><mtext><mglyph>",
    "`${alert(1)}` {{constructor}}",
    "$\\href{javascript:alert(1)}{x}$",
    "%{x} %{customdata[0]}",
    "a\x00b\x08c\x1b[31m",
    "\u202egpj.exe\u2066",
    "\ufffe\uffff\ud800",
    "line\nbreak\r\ttab",
    "x" * 5000,
    "<" * 3000,
    "",
]
PLAIN = [f"name {i}" for i in range(len(HOSTILE))]


class Structure(HTMLParser):
    """The elements of a page and their attributes, without the text."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found, self.open = Counter(), []

    def handle_starttag(self, tag, attrs):
        self.found[(tag, tuple(sorted(name for name, _ in attrs)))] += 1
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found[(tag, tuple(sorted(name for name, _ in attrs)))] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_comment(self, data):
        raise AssertionError("a comment")

    def unknown_decl(self, data):
        raise AssertionError("a declaration")


def structure(page):
    parser = Structure()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser.found


def evaluation(names, picture=None, split="test"):
    p, t = seeded(120, len(names), signal=1.0)
    ids = [names[i % len(names)] + str(i) for i in range(120)]
    notes = [f"about {names[0]}"]
    return Evaluation.from_predictions(
        p, t, names, ids=ids, split=split, picture=picture, notes=notes
    )


def solid(index):
    return np.full((50, 40, 3), index, np.uint8)


def gone(index):
    raise FileNotFoundError("<script>")


@pytest.mark.parametrize("picture", [None, solid, gone])
def test_hostile_names_add_no_element_and_no_attribute_to_the_page(picture):
    plain = evaluation(PLAIN, picture)._repr_mimebundle_()["text/html"]
    hostile = evaluation(HOSTILE, picture, HOSTILE[2])._repr_mimebundle_()["text/html"]
    assert structure(hostile) == structure(plain)
    assert "<script" not in hostile
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", hostile)
    hostile.encode("utf-8")


@pytest.mark.parametrize("kind", ["confusion", "roc", "pr", "calibration", "per_class"])
def test_hostile_names_leave_a_chart_whole(kind):
    figure = evaluation(HOSTILE).plot(kind)
    found = [element.tag for element in ElementTree.fromstring(figure.svg).iter()]
    plain = ElementTree.fromstring(evaluation(PLAIN).plot(kind).svg)
    assert found == [element.tag for element in plain.iter()]
    told = json.dumps(figure._repr_mimebundle_()[PLOTLY], ensure_ascii=False)
    told.encode("utf-8")
    own = re.findall(r"<[^>]*>", told)
    assert set(own) <= {"<br>", "<extra>", "</extra>"}
    assert "$" not in told


def test_hostile_names_stay_on_their_line_of_text():
    text = str(evaluation(HOSTILE, split=HOSTILE[21]))
    assert len(text.split("\n")) <= 12
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)


def test_the_data_keep_the_names_as_they_are():
    ev = evaluation(HOSTILE)
    assert ev.classes == tuple(HOSTILE)
    assert ev.to_pandas("classes")["class"].tolist() == HOSTILE
    assert ev.to_dict()["classes"] == HOSTILE
