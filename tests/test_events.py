# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import math
from dataclasses import MISSING, FrozenInstanceError, asdict, fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lepton_lab.events import (
    EVENTS,
    Alert,
    Bus,
    Controlled,
    Evaluated,
    RunEnded,
    RunStarted,
    StepDone,
    from_line,
    to_line,
)

# Deadlines and speed say nothing about the code on a machine that others use too.
few = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
step = StepDone(3, 1, 0.5, 1e-3, 100.0, time=1.0)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KINDS = {
    "str": st.text(),
    "int": st.integers(-(2**63) + 1, 2**63 - 1),
    "float": st.floats(),
    "bool": st.booleans(),
    "dict[str, float]": st.dictionaries(st.text(), st.floats(), max_size=4),
    "dict[str, Any]": st.dictionaries(st.text(), plain, max_size=4),
    "list[dict[str, Any]]": st.lists(st.dictionaries(st.text(), plain, max_size=4), max_size=3),
}
any_event = st.one_of(
    *[st.builds(cls, **{f.name: KINDS[f.type] for f in fields(cls)}) for cls in EVENTS.values()]
)


def same(a: object, b: object) -> bool:
    """Equality in which nan is nan."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


@few
@given(any_event)
def test_an_event_is_the_same_after_its_line(event):
    line = to_line(event)
    assert line.splitlines() == [line]
    assert line.isascii()
    json.loads(line, parse_constant=pytest.fail)
    again = from_line(line)
    assert type(again) is type(event)
    assert same(asdict(again), asdict(event))
    assert to_line(again) == line


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_words_in_the_line_and_numbers_after_it(number):
    line = to_line(StepDone(1, 1, number, 0.1, 1.0))
    assert json.loads(line)["loss"] == str(number)
    assert same(from_line(line).loss, number)
    evaluated = from_line(to_line(Evaluated(1, 1, "val", {"loss": number})))
    assert same(evaluated.values, {"loss": number})


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.array(0.5), np.int64(2)])
def test_numbers_of_numpy_are_written_as_numbers(number):
    again = from_line(to_line(Evaluated(1, 1, "val", {"loss": number})))
    assert again.values == {"loss": float(number)}
    assert from_line(to_line(Controlled(1, "set", {"a": [number, (math.nan,)]}))).values["a"] == [
        number,
        ["nan"],
    ]


def test_fields_of_a_newer_version_are_dropped():
    value = {**json.loads(to_line(step)), "invented_later": {"deep": [1]}}
    assert from_line(json.dumps(value)) == step


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_fields_with_a_default_may_be_missing_and_the_others_may_not(event):
    values = {"str": "x", "int": 1, "float": 1.0, "dict[str, float]": {}, "dict[str, Any]": {}}
    needed = {
        f.name: values[f.type]
        for f in fields(event)
        if f.default is MISSING and f.default_factory is MISSING
    }
    assert isinstance(from_line(json.dumps({"event": event.kind, **needed})), event)
    for name in needed:
        rest = {key: value for key, value in needed.items() if key != name}
        with pytest.raises(ValueError, match="not an event"):
            from_line(json.dumps({"event": event.kind, **rest}))


def test_a_line_torn_anywhere_is_no_event():
    line = to_line(RunEnded(9, 3, "done", 4.5, "ü", {"accuracy": 0.5}))
    for length in range(len(line)):
        with pytest.raises(ValueError):
            from_line(line[:length])
        with pytest.raises(ValueError):
            from_line(line[length + 1 :])


@pytest.mark.parametrize(
    "line",
    [
        "", "\n", "null", "3", '"step"', "[]", "{}", '{"event":"invented"}', '{"event":[]}', '{"event":null}',
        "[" * 100_000, '{"event":"step"}', '{"event":"step","step":"x","epoch":1,"loss":1,"learning_rate":1,"samples_per_second":1}',
        '{"event":"step","step":1,"epoch":1,"loss":null,"learning_rate":1,"samples_per_second":1}',
        '{"event":"step","step":1,"epoch":1,"loss":"high","learning_rate":1,"samples_per_second":1}',
        '{"event":"step","step":1,"epoch":1,"loss":1' + "0" * 400 + ',"learning_rate":1,"samples_per_second":1}',
        '{"event":"evaluated","step":1,"epoch":1,"split":"val","values":[1]}',
        '{"event":"controlled","step":1,"action":"set","values":3}',
        '{"event":"alert","step":1,"level":"info","message":{"html":"x"}}',
    ],
)  # fmt: skip
def test_what_is_no_event_is_a_value_error(line):
    with pytest.raises(ValueError):
        from_line(line)


@few
@given(st.dictionaries(st.text(), plain), st.sampled_from([*EVENTS, "other"]), plain)
def test_any_json_is_an_event_or_a_value_error(value, kind, odd):
    names = [f.name for f in fields(EVENTS[kind])] if kind in EVENTS else []
    for candidate in ({**value, "event": kind}, {**dict.fromkeys(names, odd), "event": kind}, odd):
        try:
            event = from_line(json.dumps(candidate))
        except ValueError:
            continue
        assert isinstance(event, EVENTS[kind])
        to_line(event)


def test_an_event_knows_its_time_and_cannot_be_changed():
    assert Alert(1, "info", "x").time > 1.7e9
    with pytest.raises(FrozenInstanceError):
        step.loss = 0.0


def test_kinds_are_the_names_in_the_journal_and_are_never_renamed():
    assert list(EVENTS) == [
        "started",
        "forked",
        "step",
        "evaluated",
        "predicted",
        "saved",
        "controlled",
        "alert",
        "ended",
    ]
    started = RunStarted("r", "m", "d", "image-classification", "accuracy", 3, 10)
    assert json.loads(to_line(started))["event"] == "started"


# The bus


def test_every_subscriber_gets_every_event_in_the_order_of_subscription():
    bus, seen = Bus(), []
    for name in "abc":
        bus.subscribe(lambda event, name=name: seen.append((name, event.step)))
    for number in (1, 2):
        bus.emit(Alert(number, "info", "x"))
    assert seen == [(name, number) for number in (1, 2) for name in "abc"]


def test_a_subscriber_that_leaves_gets_no_more_and_may_leave_twice():
    bus, first, second = Bus(), [], []
    leave = bus.subscribe(first.append)
    bus.subscribe(second.append)
    bus.emit(step)
    leave()
    leave()
    bus.emit(step)
    assert (first, second) == ([step], [step, step])


def test_a_subscriber_may_leave_or_come_while_an_event_is_handed_out():
    bus, seen = Bus(), []

    def once(event):
        leave()
        bus.subscribe(lambda event: seen.append("new"))
        seen.append("once")

    leave = bus.subscribe(once)
    bus.subscribe(lambda event: seen.append("last"))
    bus.emit(step)
    bus.emit(step)
    assert seen == ["once", "last", "last", "new"]


def test_a_subscriber_that_fails_is_dropped_and_the_others_are_told_after_they_have_the_event():
    bus, before, after, calls = Bus(), [], [], []

    def broken(event):
        calls.append(event)
        raise RuntimeError("no chart")

    bus.subscribe(before.append)
    bus.subscribe(broken)
    bus.subscribe(after.append)
    bus.emit(step)
    bus.emit(step)
    assert calls == [step]
    for seen in (before, after):
        assert [type(event) for event in seen] == [StepDone, Alert, StepDone]
        assert seen[1].step == 3
        assert seen[1].level == "warning"
        assert "no chart" in seen[1].message


def test_when_all_subscribers_fail_the_loop_still_goes_on():
    bus, calls = Bus(), []

    def broken(event):
        calls.append(event)
        raise ValueError("broken")

    for _ in range(50):
        bus.subscribe(lambda event: broken(event))
    bus.emit(step)
    bus.emit(step)
    assert calls == [step] * 50


def test_an_interrupt_is_no_failure_of_a_subscriber():
    bus = Bus()

    def interrupted(event):
        raise KeyboardInterrupt

    bus.subscribe(interrupted)
    with pytest.raises(KeyboardInterrupt):
        bus.emit(step)


def test_nobody_need_listen():
    Bus().emit(step)
