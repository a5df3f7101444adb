# SPDX-License-Identifier: BSD-3-Clause
"""What a model says about inputs, for people: the label, its probability, the runners-up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_lab.rendering import Markup, Table, bundle, escape, visible
from lepton_lab.runtime.predictor import Prediction as Answer

if TYPE_CHECKING:
    import pandas

PICTURES = 20


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(Answer):
    """The answer for one input: that of an artifact's runtime, with a picture of the input beside it.

    Attributes:
        picture: The input as a small picture, where it has one.
    """

    picture: Markup | None = None

    def __str__(self) -> str:
        return f"{self.label} ({self.probability:.0%})"

    def __repr__(self) -> str:
        return f"Prediction({self.name!r}, {self})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.text(), self.html())

    def text(self) -> str:
        """One line per class, at most ten."""
        lines = [visible(f"{self.name}: {self}")]
        lines += [f"  {p:6.1%}  {visible(c)}" for c, p in self.top(min(self.shown, 10))]
        return "\n".join(lines)

    def html(self) -> str:
        """The picture beside bars of the most probable classes."""
        bars = "".join(
            f'<tr><td style="text-align:left">{escape(c)}</td><td style="text-align:left"><span style="display:inline-block;'
            f'height:.7em;width:{p * 12:.2f}em;background:var(--jp-brand-color1,#0072b2)"></span> {p:.1%}</td></tr>'
            for c, p in self.top(self.shown)
        )
        picture = self.picture.html() if self.picture else ""
        return (
            f'<div style="display:flex;gap:1em;align-items:center;flex-wrap:wrap">{picture}<div><b>{escape(self)}</b>'
            f"<table><tbody>{bars}</tbody></table></div></div>"
        )


class Predictions(Sequence[Prediction]):
    """Answers for several inputs, in their order."""

    def __init__(self, items: Sequence[Prediction]) -> None:
        self.items = list(items)

    def __getitem__(self, index: Any) -> Any:
        return Predictions(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self.items)

    @property
    def labels(self) -> list[str]:
        """The most probable class of each."""
        return [item.label for item in self.items]

    def to_pandas(self) -> pandas.DataFrame:
        """Columns name, label, probability."""
        import pandas

        return pandas.DataFrame(
            {
                "name": [i.name for i in self],
                "label": self.labels,
                "probability": [i.probability for i in self],
            }
        )

    def table(self) -> Table:
        """Name, label and probability of each."""
        rows = [(item.name, item.label, f"{item.probability:.3f}") for item in self.items]
        return Table(
            ("input", "label", "probability"),
            rows,
            f"{len(rows)} predictions",
            ".to_pandas() has all" if len(rows) > 10 else "",
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if len(self.items) > PICTURES:
            return self.table()._repr_mimebundle_()
        return bundle(self.table().text(), "".join(item.html() for item in self.items))
