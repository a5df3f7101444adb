# SPDX-License-Identifier: BSD-3-Clause
"""Orders from the page to a run whose cell still blocks the kernel: the comm target `lepton.control`.

The page opens a comm whose open message is the whole order: `{"action": "stop" | "pause" | "resume" |
"set" | ..., "run": NAME, "values": {...}}`. JupyterLab sends it on a subshell, so it arrives while the main
thread waits in a cell. The handler runs in the subshell's thread: it puts the order into the run's queue
and returns. It answers nothing, because a comm on which the kernel has spoken is routed to the thread that
spoke, which is the busy one. The page closes the comm when it likes. A page that cannot open a comm sends
the same order as a widget's message, which waits until the kernel is free.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from lepton_lab import views

logger = logging.getLogger(__name__)
TARGET = "lepton.control"
ACTIONS = ("stop", "pause", "resume", "set", "checkpoint", "evaluate", "branch")
Order = Callable[[str, str, Mapping[str, Any]], None]
_obeying: list[Order] = []


def attend(order: Order) -> None:
    """Take orders from every card of this process, and by comms where there is a kernel.

    Args:
        order: Called with the run's name, the action and the values; raises when it cannot be done.
    """
    _obeying[:] = [order]
    register(views.shell(), order)


def obey(data: Any) -> None:
    """Give an order that came as a widget's message. It never raises."""
    for order in _obeying:
        handler(order)(None, {"content": {"data": data}})


def register(shell: Any, order: Order) -> bool:
    """Take orders from the page; a second call replaces the first.

    Args:
        shell: The IPython shell; one without a kernel has no comms.
        order: Called with the run's name, the action and the values; raises when it cannot be done.

    Returns:
        Whether there are comms here.
    """
    manager = _manager(shell)
    if manager is None:
        return False
    manager.register_target(TARGET, handler(order))
    return True


def unregister(shell: Any) -> None:
    """Take no more orders; a second call changes nothing."""
    manager = _manager(shell)
    if manager is not None:
        manager.targets.pop(TARGET, None)


def handler(order: Order) -> Callable[[Any, Mapping[str, Any]], None]:
    """What a comm's open message is handed to. It never raises and never sends."""

    def opened(comm: Any, message: Mapping[str, Any]) -> None:
        try:
            name, action, values = read(message["content"]["data"])
            order(name, action, values)
        except Exception as error:
            logger.info("an order from the page was ignored: %s", error)

    return opened


def read(data: Any) -> tuple[str, str, dict[str, Any]]:
    """The run's name, the action and the values of an order.

    Raises:
        ValueError: It is no order.

    >>> read({"action": "set", "run": "digits-1", "values": {"learning_rate": 1e-4}})
    ('digits-1', 'set', {'learning_rate': 0.0001})
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{type(data).__name__} is no order")
    name, action, values = data.get("run"), data.get("action"), data.get("values") or {}
    if action not in ACTIONS or not isinstance(name, str) or not isinstance(values, Mapping):
        raise ValueError(f"{action!r} for {name!r} is no order")
    return name, action, {str(key): value for key, value in values.items()}


def _manager(shell: Any) -> Any:
    return getattr(getattr(shell, "kernel", None), "comm_manager", None)
