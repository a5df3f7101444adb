# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lepton_lab.errors import LeptonError, NotFoundError
from lepton_lab.registry import Registry


@dataclass(frozen=True)
class Flavour:
    name: str
    description: str = "a flavour"


@pytest.fixture
def flavours() -> Registry[Flavour]:
    registry: Registry[Flavour] = Registry("test flavour", "lab.flavours()")
    for name in ("vanilla", "chocolate", "vanilla_bean"):
        registry.register(Flavour(name))
    return registry


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs a package with entry points as pip would leave it: a module and a dist-info folder."""

    def installed(points: str, module: str) -> None:
        (tmp_path / "outside_flavours.py").write_text(module)
        info = tmp_path / "outside_flavours-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: outside-flavours\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(f"[lepton_lab.test_flavours]\n{points}\n")
        monkeypatch.syspath_prepend(str(tmp_path))

    yield installed
    sys.modules.pop("outside_flavours", None)


MODULE = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Outside:
    name: str
    description: str = "from elsewhere"

mint = Outside("mint")
copy = Outside("vanilla")
"""


def test_records_come_in_the_order_of_registration(flavours):
    assert flavours.names() == ["vanilla", "chocolate", "vanilla_bean"]
    assert [record.name for record in flavours] == flavours.names()
    assert len(flavours) == 3
    assert "chocolate" in flavours
    assert "mint" not in flavours


def test_register_returns_the_record_so_that_it_can_be_kept(flavours):
    lemon = Flavour("lemon")
    assert flavours.register(lemon) is lemon
    assert flavours.get("lemon") is lemon


def test_a_name_that_is_taken_is_refused_and_the_first_record_stays(flavours):
    with pytest.raises(LeptonError, match="Two test flavours are called 'vanilla'"):
        flavours.register(Flavour("vanilla", "another one"))
    assert flavours.get("vanilla").description == "a flavour"


def test_the_same_record_may_be_registered_again_as_a_reload_does(flavours):
    flavours.register(Flavour("vanilla"))
    assert len(flavours) == 3


def test_a_name_that_is_nearly_right_is_answered_with_the_nearest(flavours):
    with pytest.raises(NotFoundError) as caught:
        flavours.get("chocolat")
    assert caught.value.what == "No test flavour is called 'chocolat'."
    assert caught.value.why == "Did you mean chocolate?"
    assert caught.value.todo == "lab.flavours()"


def test_a_name_that_is_like_no_other_is_answered_with_all(flavours):
    with pytest.raises(NotFoundError, match="There are: vanilla, chocolate, vanilla_bean"):
        flavours.get("zzz")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", ["vanilla", "chocolate", "vanilla_bean"]),
        ("van*", ["vanilla", "vanilla_bean"]),
        ("vanilla", ["vanilla"]),
        ("?hocolate", ["chocolate"]),
        ("[cv]*a*e", ["chocolate"]),
        ("VAN*", []),
        ("", []),
    ],
)
def test_wildcards_match_as_in_a_shell(flavours, pattern, found):
    assert [record.name for record in flavours.match(pattern)] == found


def test_records_may_be_added_while_others_iterate(flavours):
    for record in flavours:
        flavours.register(Flavour(record.name + "_2"))
    assert len(flavours) == 6


@pytest.mark.parametrize("ask", ["get", "names", "in", "len", "iterate", "match"])
def test_an_installed_package_adds_its_record_whatever_is_asked_first(flavours, install, ask):
    install("mint = outside_flavours:mint", MODULE)
    first = {
        "get": lambda: flavours.get("mint").name == "mint",
        "names": lambda: flavours.names()[-1] == "mint",
        "in": lambda: "mint" in flavours,
        "len": lambda: len(flavours) == 4,
        "iterate": lambda: [record.name for record in flavours][-1] == "mint",
        "match": lambda: (
            [record.description for record in flavours.match("m*")] == ["from elsewhere"]
        ),
    }
    assert first[ask]()
    assert len(flavours) == 4


def test_a_package_is_not_imported_before_a_record_is_asked_for(install):
    install("mint = outside_flavours:mint", MODULE)
    registry: Registry[Flavour] = Registry("test flavour")
    registry.register(Flavour("vanilla"))
    assert "outside_flavours" not in sys.modules
    registry.names()
    assert "outside_flavours" in sys.modules


@pytest.mark.parametrize(
    "points",
    [
        "broken = outside_flavours:missing",
        "broken = no_such_module_here:x",
        "broken = outside_flavours:copy",
    ],
)
def test_a_package_that_is_broken_is_left_out_with_a_warning_and_the_others_work(
    flavours, install, points, caplog
):
    install(f"{points}\nmint = outside_flavours:mint", MODULE)
    assert flavours.names() == ["vanilla", "chocolate", "vanilla_bean", "mint"]
    assert flavours.get("vanilla").description == "a flavour"
    assert "'broken' of another package was left out" in caplog.text
