# SPDX-License-Identifier: BSD-3-Clause
"""A link in the notebook that saves an artifact, as one .zip, on the reader's own machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lepton_lab.rendering import bundle, escape, size, visible


@dataclass(frozen=True)
class Download:
    """A file beside the notebook, as a link.

    JupyterLab and Notebook find a relative link from the notebook's folder, which is the kernel's; a file that
    lies elsewhere is only named.

    Attributes:
        path: The file.
    """

    path: Path

    @property
    def link(self) -> str:
        """Its address relative to the current folder; "" where it lies outside."""
        try:
            inside = self.path.resolve().relative_to(Path.cwd())
        except ValueError:
            return ""
        return quote(inside.as_posix())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        text = f"{self.path} ({size(self.path.stat().st_size)})"
        name = escape(visible(f"{self.path.name} ({size(self.path.stat().st_size)})"))
        linked = f'<a href="{escape(self.link)}" download>Download {name}</a>'
        return bundle(visible(text), linked if self.link else f"<span>{escape(visible(text))}</span>")
