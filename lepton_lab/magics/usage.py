# SPDX-License-Identifier: BSD-3-Clause
"""The error of a line that cannot be understood.

IPython prints its own `UsageError` on stderr without an error message on the wire, so that test
tools take the cell for a success. It compares the exact type; this subclass is therefore shown
through `_render_traceback_`: the same few lines, and a real error. The module imports IPython and
is itself imported only when there is something to raise.
"""

from __future__ import annotations

from IPython.core.error import UsageError

from lepton_lab.errors import SpecError


class MagicUsageError(SpecError, UsageError):
    """A verb, option, value or body that cannot be meant; `problems` has all of them."""
