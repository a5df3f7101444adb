# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import gc
import socket
import sys
import time
import weakref
from pathlib import Path

import pytest

import lepton_lab as lab
from lepton_lab.errors import LeptonError
from lepton_lab.workbench import checks, health, versions
from lepton_lab.workbench.health import (
    OK,
    PROBLEM,
    WARNING,
    Finding,
    Report,
    doctor,
    last_error,
    remember,
    scrub,
)


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEPTON_RUNS", raising=False)
    monkeypatch.setattr(sys, "last_value", None, raising=False)


def test_the_doctor_looks_at_everything_and_says_what_to_do_about_each_problem() -> None:
    report = lab.doctor()
    assert {finding.check for finding in report.findings} == set(checks.CHECKS)
    assert all(finding.todo for finding in report.problems)
    assert "could not be examined" not in str(report.findings)
    assert isinstance(report, Report)


def test_the_report_fits_in_twelve_lines_with_problems_first() -> None:
    findings = [Finding(f"c{i}", OK, "fine") for i in range(14)]
    report = Report((Finding("disk", PROBLEM, "full", "free some"), *findings))
    lines = report.text().split("\n")
    assert len(lines) <= 12
    assert lines[0] == "1 thing to look at"
    assert lines[1].split() == ["✗", "disk", "full", "→", "free", "some"]
    assert Report(tuple(findings)).text().startswith("Everything is in place")


def test_the_report_escapes_what_it_found() -> None:
    shown = Report((Finding("hub", OK, "<script>alert(1)</script>"),))._repr_mimebundle_()
    assert "<script>" not in shown["text/html"]
    assert "&lt;script&gt;" in shown["text/html"]


def test_a_check_that_breaks_is_a_row_and_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checks.CHECKS, "memory", lambda: 1 // 0)
    (row,) = [f for f in doctor().findings if f.check == "memory"]
    assert row.state == WARNING
    assert "ZeroDivisionError" in row.found


def test_a_folder_that_cannot_be_written_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    assert checks.run_folder().state == OK
    monkeypatch.setenv("LEPTON_RUNS", "/proc/lepton-runs")
    found = checks.run_folder()
    assert found.state == PROBLEM
    assert "LEPTON_RUNS" in found.todo


def test_a_version_below_the_floor_is_told_with_the_line_that_mends_it() -> None:
    assert versions.version_problem("numpy>=1.20") == ""
    assert "needs >=999" in versions.version_problem("numpy>=999")
    assert (
        versions.version_problem("no-such-library-of-ours>=1")
        == "no-such-library-of-ours is missing"
    )
    assert versions.version_problem("numpy>=999; python_version < '3'") == ""


def test_offline_switches_are_reported_without_touching_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = checks.network()
    assert found.state == WARNING
    assert "HF_HUB_OFFLINE" in found.found


def test_a_host_that_listens_is_reached_and_a_silent_one_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert checks.reaches("127.0.0.1", port, 5.0)
    assert not checks.reaches("127.0.0.1", port, 5.0)
    started = time.monotonic()
    assert not checks.reaches("host.invalid", 443, 0.05)
    assert time.monotonic() - started < 5


def test_secrets_never_stand_in_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", "correct-horse-battery")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter22@127.0.0.1:9")
    text = scrub(
        "hf_abcdefghijklmnop correct-horse-battery https://me:hunter22@host/?token=qqq&x=1"
    )
    for secret in ("abcdefghijklmnop", "correct-horse", "hunter22", "qqq"):
        assert secret not in text
    assert "x=1" in text
    assert "hunter22" not in str(doctor().findings)


def test_the_last_error_is_shown_in_full_with_its_cause_and_without_secrets() -> None:
    health._LAST.clear()
    assert last_error() == "There was no error yet."
    try:
        try:
            raise KeyError("deep cause hf_abcdefghijkl")
        except KeyError as cause:
            raise LeptonError("It broke.", "For a reason.", "%lepton doctor") from cause
    except LeptonError as error:
        remember(error)
    report = doctor(last=True)
    assert "Traceback" in report.last
    assert "deep cause" in report.last
    assert "It broke." in report.last
    assert "abcdefghijkl" not in report.last
    shown = report._repr_mimebundle_()
    assert shown["text/plain"] == report.last


def test_the_doctor_stays_a_function_when_its_module_is_imported() -> None:
    import lepton_lab.workbench.health

    assert callable(lab.doctor)
    assert lepton_lab.workbench.health.doctor is lab.doctor


def test_an_error_that_was_shown_by_the_shell_is_the_last_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remember(ValueError("older"))
    monkeypatch.setattr(sys, "last_value", LeptonError("Newer."), raising=False)
    assert "Newer." in last_error()
    monkeypatch.setattr(sys, "last_value", NameError("of the user"), raising=False)
    assert "older" in last_error()


def test_remembering_an_error_keeps_nothing_of_its_frames_alive() -> None:
    class Big:
        pass

    big = Big()
    alive = weakref.ref(big)

    def fail(big: Big) -> None:
        raise ValueError("out of memory")

    try:
        fail(big)
    except ValueError as error:
        remember(error)
    del big
    gc.collect()
    assert alive() is None
