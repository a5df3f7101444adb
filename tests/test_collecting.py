# SPDX-License-Identifier: BSD-3-Clause
"""The garbage collector is as it was when large libraries have been imported."""

import gc

import pytest

from lepton_lab.collecting import uncollected


@pytest.fixture(autouse=True)
def enabled():
    gc.enable()
    yield
    gc.enable()


def test_it_rests_in_the_block_and_works_again_after_an_error():
    with pytest.raises(ImportError), uncollected():
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    with uncollected(), uncollected():
        pass
    assert not gc.isenabled()


def test_it_rests_while_a_framework_is_imported_and_a_model_is_built(monkeypatch):
    from lepton_lab.catalog import building
    from lepton_lab.spec import ModelSpec

    seen = []
    monkeypatch.setattr(
        building, "_framework", lambda name: seen.append((name, gc.isenabled())) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        building.build(ModelSpec(name="lepton_glyphs"))
    with pytest.raises(ZeroDivisionError):
        building.from_config({"source": "timm"}, classes=("a",))
    assert seen == [("timm", False), ("timm", False)]
    assert gc.isenabled()
