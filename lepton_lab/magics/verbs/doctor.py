# SPDX-License-Identifier: BSD-3-Clause
"""`%lepton doctor`: is everything here that training needs, and what went wrong last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lepton_lab.magics.verb import Part, Request, Verb
from lepton_lab.spec import option


@dataclass(frozen=True)
class DoctorOptions:
    """What to report."""

    last: bool = option(False, "the full traceback of the last error, secrets removed")


def call(request: Request, namespace: Mapping[str, Any]) -> Any:
    """Examine this computer; returns the Report."""
    import lepton_lab as lab

    return lab.doctor(**request.given(DoctorOptions))


RECORD = Verb(
    name="doctor",
    description="check this computer, or show the last error in full",
    positionals=(),
    parts=(Part(DoctorOptions),),
    function="doctor",
    call=call,
    examples=("doctor", "doctor --last"),
)
