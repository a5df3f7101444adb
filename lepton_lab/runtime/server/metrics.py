# SPDX-License-Identifier: BSD-3-Clause
"""What the server counts, in the text format of Prometheus.

Routes are those that exist, never what was asked for: a stranger cannot make new series.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Histogram:
    """Counts of values up to each bound."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds, self.counts, self.sum = bounds, [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def lines(self, name: str) -> Iterator[str]:
        """Its series."""
        total = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            yield f'{name}_bucket{{le="{bound}"}} {total}'
        yield f"{name}_sum {self.sum:.6f}"
        yield f"{name}_count {total}"


class Metrics:
    """The counters of one server.

    Attributes:
        inputs: Inputs that were answered.
        waiting: Asked when the text is made: inputs that are accepted and not answered yet.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.seconds, self.sizes = Histogram(_SECONDS), Histogram(_SIZES)
        self.inputs = 0
        self.waiting: Callable[[], int] = lambda: 0

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request; those that predict also by their time."""
        self.requests[route, method if method in _METHODS else "other", status] += 1
        if method == "POST" and status == 200:
            self.seconds.add(seconds)

    def batch(self, size: int) -> None:
        """Count a pass through the model."""
        self.sizes.add(size)
        self.inputs += size

    def text(self) -> str:
        """All series."""
        lines = ["# HELP lepton_requests_total Requests by route, method and status."]
        lines.append("# TYPE lepton_requests_total counter")
        for (route, method, status), count in sorted(self.requests.items()):
            labels = f'route="{route}",method="{method}",status="{status}"'
            lines.append(f"lepton_requests_total{{{labels}}} {count}")
        lines += ["# HELP lepton_inputs_total Inputs that went through the model."]
        lines += ["# TYPE lepton_inputs_total counter", f"lepton_inputs_total {self.inputs}"]
        lines += ["# HELP lepton_waiting Inputs that are accepted and not answered yet."]
        lines += ["# TYPE lepton_waiting gauge", f"lepton_waiting {self.waiting()}"]
        for name, help, found in (
            ("lepton_answer_seconds", "Seconds from a request to its prediction.", self.seconds),
            ("lepton_batch_inputs", "Inputs per pass through the model.", self.sizes),
        ):
            lines += [f"# HELP {name} {help}", f"# TYPE {name} histogram", *found.lines(name)]
        return "\n".join(lines) + "\n"
