# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json

from lepton_lab.charts import History, final_bundle, show

RUN, PLOTLY = "application/vnd.lepton-lab.run.v1+json", "application/vnd.plotly.v1+json"
SVG = "image/svg+xml"


def test_the_bundle_of_ten_thousand_steps_is_whole_and_under_sixty_kilobytes(make_run):
    bundle = final_bundle(History.from_events(make_run(epochs=100, per_epoch=100)))
    assert list(bundle) == [RUN, PLOTLY, SVG, "text/plain"]
    assert len(json.dumps(bundle)) < 60_000


def test_a_run_without_a_number_has_no_empty_chart():
    assert list(final_bundle(History())) == [RUN, SVG, "text/plain"]


def test_a_run_shows_itself_from_its_events_or_its_history(make_run):
    events = make_run()
    shown = show(events)
    assert shown._repr_mimebundle_() == show(History.from_events(events))._repr_mimebundle_()
    assert repr(shown) == shown._repr_mimebundle_()["text/plain"]
