# SPDX-License-Identifier: BSD-3-Clause
"""Orders from the page to a run, checked before they are left in its folder.

A letter is read by a loop that trains: what it cannot do must be refused here, where someone reads
the answer.
"""

from __future__ import annotations

import json
from typing import Any

from lepton_lab import mailbox
from lepton_lab.errors import LeptonError, SpecError, did_you_mean
from lepton_lab.jupyter.answers import Posted
from lepton_lab.jupyter.watched import Watched

ACTIONS = ("stop", "pause", "resume", "set", "checkpoint", "evaluate")
LARGEST_ORDER = 10_000


class NotLiveError(LeptonError):
    """An order for a run that is over."""


def post(run: Watched, body: bytes) -> Posted:
    """Leave an order in the folder of a run.

    Args:
        run: The run.
        body: A JSON object with `action` and `values`.

    Raises:
        NotLiveError: The run is over.
        LeptonError: It is no order, or a value cannot be set.
        StorageError: The folder cannot be written.
    """
    action, values = _order(body)
    if not run.live:
        raise NotLiveError(
            f"Run '{run.path.name}' is {run.state}: it takes no orders.",
            "Only a run under way can be asked to do something.",
            f"lab.resume({run.path.name!r})",
        )
    return {"posted": mailbox.post(run.path, action, values)}


def _order(body: bytes) -> tuple[str, dict[str, Any]]:
    """The action and its values, each of the right type.

    Raises:
        LeptonError: It is no order.
    """
    try:
        said = json.loads(body[:LARGEST_ORDER])
        action, values = said["action"], said.get("values") or {}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise LeptonError(
            "This is no order.", "An order is a JSON object with an action and its values."
        ) from error
    if not isinstance(action, str) or action not in ACTIONS:
        raise LeptonError(
            f"A run cannot be asked to '{str(action)[:40]}'.",
            did_you_mean(str(action)[:40], ACTIONS) or f"It can be asked to {', '.join(ACTIONS)}.",
        )
    return action, _values(action, values)


def _values(action: str, values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise SpecError("The values of an order are a JSON object.")
    if action == "set":
        return mailbox.check_changes(values)
    split = values.get("split", "val")
    if action == "evaluate" and set(values) <= {"split"} and split in ("train", "val", "test"):
        return values
    if values:
        raise SpecError(
            f"The order '{action}' does not take these values.",
            "evaluate takes a split, set takes options of a training, the others take nothing.",
        )
    return {}
