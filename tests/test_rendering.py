# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import math
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_lab import rendering
from lepton_lab.rendering import Card, Markup, Table, escape, visible

# Deadlines and speed say nothing about the code on a machine that others use too.
few = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "</td></tr></table></div></body></html>",
    "</code></b></title></style></textarea>",
    "<!-- ",
    "--><b>",
    "<![CDATA[ x ]]>",
    "&lt;script&gt;",
    "&#60;img&#62;",
    "javascript:alert(1)",
    "<a href='javascript:alert(1)'>x</a>",
    "<iframe srcdoc='<script>1</script>'>",
    "<math><mtext><mglyph><style>",
    "<?xml version='1.0'?>",
    "<",
    "<" * 500,
    "\x00<b>\x08\x1b[31m",
    "\u202egpj.exe\u2066",
    "\ud800\udfff",
    "a\nb\r\tc\x0b\x0c\x1c\x85\u2028\u2029d",
    "é名\N{SNAKE}",
]
hostile = st.sampled_from(HOSTILE) | st.text() | st.text("<>&\"'/= \n!-ab")
cells = hostile | st.integers() | st.floats() | st.none()


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.others: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, tuple(attributes)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def table_of(texts: list[object], columns: int = 2) -> Table:
    rows = [texts[i : i + columns] for i in range(0, len(texts) - columns + 1, columns)]
    return Table(
        [str(t) for t in texts[:columns]] or ["a"],
        rows,
        str(texts[0]),
        str(texts[-1]),
        frozenset({0}),
    )


# Text that a user can choose


@few
@given(hostile)
def test_escaped_text_is_only_text_between_tags_and_within_an_attribute(text):
    page = Page(f'<p title="{escape(text)}">{escape(text)}</p>')
    assert page.elements == [("p", (("title", visible(text)),))]
    assert "".join(page.texts) == visible(text)
    assert (page.others, page.open) == ([], [])
    single = Page(f"<p title='{escape(text)}'></p>")
    assert single.elements == page.elements


@few
@given(hostile)
def test_shown_text_is_on_one_line_and_has_no_hidden_characters(text):
    shown = visible(text)
    assert len(shown) == len(text)
    assert len(f"x{shown}x".splitlines()) == 1
    shown.encode("utf-8")
    assert not set(shown) & set("\x00\x1b\u202e\u2066\u200b\ufeff")
    assert visible(shown) == shown


def test_text_without_tricks_is_shown_as_it_is():
    for text in ("Rosa × alba", "名前", "Ü-é", "a b  c", "\N{SNAKE}", "<b>", ""):
        assert visible(text) == text


@few
@given(st.lists(cells, min_size=2, max_size=8), st.integers(1, 2))
def test_a_table_has_the_same_elements_whatever_its_cells_say(texts, columns):
    page, tame = (
        Page(table_of(t, columns).html()) for t in (texts, ["x" if str(t) else "" for t in texts])
    )
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in tame.elements]
    assert {name for _, attributes in page.elements for name, _ in attributes} <= {"style", "class"}
    assert (page.others, page.open) == ([], [])
    for text in texts[columns:]:
        assert not str(text) or visible(str(text)) in "".join(page.texts)


@few
@given(st.lists(hostile, min_size=4, max_size=4))
def test_a_card_has_the_same_elements_whatever_its_facts_say(texts):
    title, label, value, step = texts
    card = Card(title, {label: value}, [Table(["n"], [[value]])], [step])
    page, tame = (
        Page(card.html()),
        Page(Card("x", {"x": "x"}, [Table(["n"], [["x"]])], ["x"]).html()),
    )
    assert Counter(tag for tag, _ in page.elements) == Counter(tag for tag, _ in tame.elements)
    assert {name for _, attributes in page.elements for name, _ in attributes} <= {"style", "class"}
    assert (page.others, page.open) == ([], [])
    for text in texts:
        assert visible(text) in "".join(page.texts)


# Twelve lines


@few
@given(
    st.integers(0, 60),
    st.lists(hostile, min_size=1, max_size=4),
    hostile,
    hostile,
)
def test_a_table_of_any_size_is_at_most_twelve_lines_of_text(count, columns, title, note):
    table = Table(columns, [[text * 3 for text in columns]] * count, title, note)
    lines = table.text().split("\n")
    assert len(lines) <= 12
    assert len(table.text().splitlines()) <= 12
    shown = len(lines) - 1 - bool(title) - bool(note)
    if shown >= count:
        assert shown == count
    else:
        rest = re.fullmatch(r"… (\d+) more", lines[-1 - bool(note)])
        assert int(rest[1]) + shown - 1 == count


@few
@given(
    st.dictionaries(hostile, hostile, max_size=20),
    st.lists(hostile, max_size=3),
    st.integers(0, 30),
    hostile,
)
def test_a_card_of_any_size_is_at_most_twelve_lines_of_text(facts, steps, rows, title):
    parts = [
        Table(["name"], [["x"]] * rows, "part"),
        Markup("<svg></svg>"),
        Markup("<svg></svg>", "twin\n" * 5),
    ]
    lines = Card(title, facts, parts, steps).text().split("\n")
    assert len(lines) <= 12
    assert lines[0] == visible(title)
    for step, line in zip(steps[:2], lines[len(lines) - len(steps[:2]) :], strict=True):
        assert line == f"next: {visible(step)}"


def test_a_card_in_full():
    table = Table(["class", "n"], [["rose", 12], ["iris", 7]])
    card = Card(
        "Data flowers",
        {"classes": 2, "batch size": 32},
        [table, Markup("<svg/>", "")],
        ["%lepton train"],
    )
    assert card.text() == (
        "Data flowers\n"
        "classes     2\n"
        "batch size  32\n"
        "class   n\n"
        "rose   12\n"
        "iris    7\n"
        "next: %lepton train"
    )
    assert card._repr_mimebundle_() == {"text/plain": card.text(), "text/html": card.html()}
    assert "<svg/>" in card.html()


def test_a_card_of_a_title_alone_has_no_empty_table():
    assert Card("Nothing yet").text() == "Nothing yet"
    assert "<table" not in Card("Nothing yet").html()


# Tables


def test_numbers_stand_right_and_words_left_with_their_heads():
    table = Table(
        ["model", "params"], [["resnet18", "11.7M"], ["vit", "5.7M"]], "2 models", "Sorted by name."
    )
    assert table.text() == (
        "2 models\nmodel     params\nresnet18   11.7M\nvit         5.7M\nSorted by name."
    )
    page = Page(table.html())
    sides = [
        dict(attributes)["style"].split(";")[0]
        for tag, attributes in page.elements
        if tag in ("td", "th")
    ]
    assert sides == ["text-align:left", "text-align:right"] * 3


@few
@given(
    st.lists(
        st.tuples(st.text("abc", min_size=1, max_size=50), st.integers(0, 10**6)),
        min_size=1,
        max_size=9,
    )
)
def test_columns_are_aligned(rows):
    lines = Table(["name", "count"], rows).text().split("\n")
    assert len({len(line) for line in lines}) == 1
    width = max(len("name"), *(min(len(name), 40) for name, _ in rows))
    for (name, count), line in zip(rows, lines[1:], strict=True):
        assert line[:width].rstrip() == (name if len(name) <= 40 else name[:39] + "…")
        assert line[width:].strip() == str(count)


def test_the_best_row_is_marked_by_a_sign_and_not_by_color_alone():
    table = Table(["run", "accuracy"], [["a", "0.7"], ["b", "0.9"]], best=frozenset({1}))
    assert table.text() == "run  accuracy\na         0.7\nb ▲       0.9"
    page = Page(table.html())
    assert [text for text in page.texts if "▲" in text] == ["b ▲"]
    assert "font-weight:bold" in table.html()
    assert "color:red" not in table.html().replace(" ", "")


def test_a_long_table_says_how_many_rows_it_leaves_out_in_both_forms():
    table = Table(["n"], [[i] for i in range(80)], "80 things", "All of them.")
    assert table.text().endswith("… 73 more\nAll of them.") or "… 72 more" in table.text()
    assert table.html().count("<tr>") == 51
    assert "… 30 more. All of them." in table.html()


def test_a_table_without_rows_shows_its_heads():
    table = Table(["run", "state"], [], "0 runs")
    assert table.text() == "0 runs\nrun  state"
    assert table.html().count("<th") == 3  # thead and two heads


def test_html_has_no_script_and_no_address():
    markup = Card("x", {"a": 1}, [Table(["b"], [[2]])], ["c"]).html()
    assert not re.search(r"<script|\bon\w+=|href|src=|url\(", markup)


# Numbers


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"), (0.0123, "12 ms"), (0.9994, "999 ms"), (0.9996, "1.0 s"), (4.31, "4.3 s"), (59.94, "59.9 s"),
        (59.96, "1 m 0 s"), (192.4, "3 m 12 s"), (3599.4, "59 m 59 s"), (3599.6, "1 h 0 m"), (90_000, "25 h 0 m"),
        (math.nan, "–"), (math.inf, "–"),
    ],
)  # fmt: skip
def test_durations(seconds, text):
    assert rendering.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"), (512, "512 B"), (999, "999 B"), (999.7, "1.0 kB"), (1000, "1.0 kB"), (999_949, "999.9 kB"),
        (999_950, "1.0 MB"), (94_200_000, "94.2 MB"), (1.5e9, "1.5 GB"), (2e12, "2.0 TB"), (5e15, "5000.0 TB"),
    ],
)  # fmt: skip
def test_sizes(count, text):
    assert rendering.size(count) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"), (950, "950"), (1000, "1.0k"), (999_960, "1.0M"), (11_689_512, "11.7M"), (999_999_999, "1.0B"),
        (7e9, "7.0B"), (2e12, "2000.0B"),
    ],
)  # fmt: skip
def test_parameter_counts(number, text):
    assert rendering.count(number) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.0003, "3e-4"),
        (0.00125, "1.25e-3"),
        (1.0, "1e0"),
        (0.1, "1e-1"),
        (1e-10, "1e-10"),
        (0.0, "0"),
        (math.nan, "nan"),
    ],
)
def test_learning_rates(rate, text):
    assert rendering.learning_rate(rate) == text


@few
@given(st.floats(1e-12, 10.0))
def test_a_learning_rate_can_be_typed_back_to_three_digits(rate):
    assert float(rendering.learning_rate(rate)) == pytest.approx(rate, rel=5e-3)


@few
@given(st.floats(0, 1e18))
def test_no_unit_is_given_a_number_that_belongs_to_the_next_one(number):
    assert float(re.match(r"[\d.]+", rendering.size(min(number, 9e14)))[0]) < 1000
    assert float(re.match(r"[\d.]+", rendering.count(min(number, 9e11)))[0]) < 1000
    seconds = re.fullmatch(
        r"([\d.]+) s|\d+ m (\d+) s|(\d+) ms|\d+ h (\d+) m", rendering.duration(min(number, 1e9))
    )
    value, limit = next(
        (float(g), 1000 if i == 2 else 60) for i, g in enumerate(seconds.groups()) if g
    )
    assert value < limit


def test_a_number_is_shown_with_its_interval_and_with_n():
    assert rendering.interval(0.934, 0.921, 0.945, 400) == "0.934 [0.921, 0.945] (n = 400)"
    assert rendering.interval(1.0, 0.99, 1.0) == "1.000 [0.990, 1.000]"


def test_a_number_is_not_parted_from_its_unit():
    html = Table(("size", "score"), [("851.7 kB", "0.985 [0.963, 0.994]"), ("a b", "9")]).html()
    assert "851.7\N{NO-BREAK SPACE}kB" in html
    assert "0.985 [0.963, 0.994]" in html and "a b" in html
