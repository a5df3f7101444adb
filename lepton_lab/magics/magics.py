# SPDX-License-Identifier: BSD-3-Clause
"""The magic itself: `%lepton` and `%%lepton`, and how they come into a shell and leave it.

`import` of this module imports IPython, so it is loaded only by `%load_ext`. Nothing is
substituted in a line before we see it (`no_var_expand`): braces and dollars are plain characters
of a path.
"""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from lepton_lab.magics import complete
from lepton_lab.magics.help import overview
from lepton_lab.magics.parser import parse_line
from lepton_lab.magics.perform import perform


@magics_class
class LeptonMagics(Magics):
    """The one magic of Lepton Lab; its verbs are records in `lepton_lab.magics.verbs`."""

    @no_var_expand
    @line_cell_magic
    def lepton(self, line: str, cell: str | None = None) -> Any:  # noqa: D102  set below, from the verbs
        namespace = self.shell.user_ns if self.shell is not None else {}
        return perform(parse_line(line, cell), namespace)


LeptonMagics.lepton.__doc__ = str(overview())


def attach(shell: Any) -> None:
    """Register the magic and the completion; what an earlier load left is replaced."""
    detach(shell)
    shell.register_magics(LeptonMagics)
    shell.Completer.custom_matchers.append(complete.matcher(shell))


def detach(shell: Any) -> None:
    """Remove the magic and the completion, if they are there."""
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("lepton", None)
    shell.magics_manager.registry.pop("LeptonMagics", None)
    matchers = shell.Completer.custom_matchers
    matchers[:] = [
        m for m in matchers if getattr(m, "matcher_identifier", "") != complete.IDENTIFIER
    ]
