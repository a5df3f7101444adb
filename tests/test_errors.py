# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_lab import errors
from lepton_lab.errors import LeptonError, NotFoundError, SpecError, did_you_mean, nearest

# Deadlines and speed say nothing about the code on a machine that others use too.
few = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, LeptonError)
]
NAMES = ["resnet50", "resnet18", "vit_tiny_patch16_224", "convnext_tiny", "AdamW"]


def test_a_message_is_what_why_and_what_to_type_each_on_its_line():
    error = LeptonError("It broke.", "The disk is full.", "lab.runs()")
    assert str(error) == "It broke.\nThe disk is full.\nlab.runs()"
    assert (error.what, error.why, error.todo) == ("It broke.", "The disk is full.", "lab.runs()")


def test_lines_that_are_empty_are_left_out():
    assert str(LeptonError("It broke.")) == "It broke."
    assert str(LeptonError("It broke.", todo="lab.runs()")) == "It broke.\nlab.runs()"


def test_a_notebook_shows_the_lines_and_no_frame():
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell()
    with capture_output() as captured:
        done = shell.run_cell(
            "from lepton_lab.errors import NotFoundError\n"
            "def deep():\n"
            "    raise NotFoundError('No run is called x.', 'There is none.', '%lepton runs')\n"
            "deep()"
        )
    shown = captured.stdout + captured.stderr
    assert isinstance(done.error_in_exec, NotFoundError)
    assert "No run is called x.\nThere is none.\n%lepton runs" in shown
    assert "Traceback" not in shown
    assert "deep" not in shown


def test_in_a_script_the_same_lines_end_an_ordinary_traceback_and_the_program_fails():
    code = "from lepton_lab.errors import LeptonError\nraise LeptonError('It broke.', 'Because.', 'x()')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("LeptonError: It broke.\nBecause.\nx()\n")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_an_error_crosses_from_a_worker_process_unchanged(kind, again):
    error = kind("what", "why", "todo")
    if kind is SpecError:
        error = SpecError("what", "why", "todo", ["first", "second"])
    other = again(error)
    assert type(other) is kind
    assert str(other) == str(error)
    assert (other.what, other.why, other.todo) == ("what", "why", "todo")
    assert getattr(other, "problems", None) == getattr(error, "problems", None)


def test_every_kind_can_be_caught_as_one():
    assert len(KINDS) >= 7
    for kind in KINDS:
        with pytest.raises(LeptonError, match="what"):
            raise kind("what")


@pytest.mark.parametrize(
    ("typed", "best"),
    [
        ("resnet5", "resnet50"),
        ("RESNET50", "resnet50"),
        ("vit_tiny", "vit_tiny_patch16_224"),
        ("convnxt_tiny", "convnext_tiny"),
        ("adamw", "AdamW"),
    ],
)
def test_the_nearest_name_is_found_in_its_own_spelling(typed, best):
    assert nearest(typed, NAMES)[0] == best


def test_nothing_near_is_no_suggestion():
    assert nearest("zzz", NAMES) == []
    assert did_you_mean("zzz", NAMES) == ""
    assert nearest("", NAMES) == []


@few
@given(st.text(max_size=20), st.lists(st.text(max_size=12), max_size=8), st.integers(1, 4))
def test_suggestions_are_names_that_exist_each_once(typed, names, n):
    found = nearest(typed, names, n)
    assert len(found) <= n
    assert len(set(found)) == len(found)
    assert set(found) <= set(names)


@few
@given(st.lists(st.text("abcdefgh", min_size=3, max_size=12), min_size=1, max_size=8))
def test_a_name_that_exists_is_its_own_nearest(names):
    assert nearest(names[0], names)[0] == names[0]


def test_a_suggestion_is_a_sentence():
    assert did_you_mean("vanila", ["vanilla", "mint"]) == "Did you mean vanilla?"
    two = did_you_mean("resnet1", ["resnet101", "resnet18", "vit"])
    assert two == "Did you mean resnet18 or resnet101?"
    assert did_you_mean("abc", ["abcd", "abce", "abcf"]) == "Did you mean abcd, abce or abcf?"
