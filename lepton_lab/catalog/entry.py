# SPDX-License-Identifier: BSD-3-Clause
"""What is known of a model before it is built, and the card that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lepton_lab.rendering import Card, count

_NON_COMMERCIAL = ("-nc", "noncommercial", "apple-amlr", "seer-license")
_PERMISSIVE = ("apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0")


@dataclass(frozen=True)
class ModelEntry:
    """One model that can be trained.

    Attributes:
        name: What to type.
        source: "timm", "transformers", "builtin" or "folder".
        task: The task whose head the weights have.
        family: Module of timm or model type of transformers.
        params: Parameters with the pretrained head; 0 where unknown.
        input_size: (channels, height, width) in pixels; empty where the input is no picture.
        mean: Per channel, on the scale of 0 to 1; empty where only the checkpoint's own files say.
        std: Per channel, as `mean`.
        interpolation: Resize filter; empty where unknown.
        crop_pct: Share of the resized image that the center crop keeps; 0 where unknown.
        crop_mode: "center", "squash" or "border"; empty where unknown.
        num_classes: Outputs of the pretrained head; 0 is a backbone without one.
        licence: SPDX-like name of the weights' licence; empty where unknown.
        hub_id: Repository of the weights; empty where there are none.
        description: One line.
        fixed_input: The module is built for one image size.
        location: Folder of a local model; empty otherwise.
        also: Further tasks that it can be trained for.
    """

    name: str
    source: str
    task: str = "image-classification"
    family: str = ""
    params: int = 0
    input_size: tuple[int, ...] = (3, 224, 224)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    interpolation: str = ""
    crop_pct: float = 0.0
    crop_mode: str = ""
    num_classes: int = 0
    licence: str = ""
    hub_id: str = ""
    description: str = ""
    fixed_input: bool = False
    location: str = ""
    also: tuple[str, ...] = ()

    @property
    def architecture(self) -> str:
        """The name without its tag.

        >>> ModelEntry("resnet50.a1_in1k", "timm").architecture
        'resnet50'
        """
        return self.name.partition(".")[0] if self.source == "timm" else self.name

    @property
    def pretrained(self) -> bool:
        """Whether there are weights that this package loads."""
        return bool(self.hub_id or self.location)

    @property
    def cached(self) -> bool:
        """Whether the weights are on this machine."""
        from lepton_lab.catalog.cache import is_cached

        return bool(self.location) or is_cached(self.hub_id)

    @property
    def licence_note(self) -> str:
        """What to beware of in the licence; empty when it is a permissive one.

        >>> ModelEntry("a", "timm", licence="cc-by-nc-4.0").licence_note
        'not for commercial use'
        """
        if any(mark in self.licence for mark in _NON_COMMERCIAL):
            return "not for commercial use"
        if not self.licence:
            return "unknown: ask before you publish" if self.pretrained else ""
        return "" if self.licence in _PERMISSIVE else "own terms: read them"

    def card(self) -> Card:
        """The model card: facts, licence, and what to type next."""
        size = " x ".join(map(str, self.input_size)) + (" (fixed)" if self.fixed_input else "")
        facts = {
            "task": self.task,
            "parameters": f"{count(self.params)} ({self.params:,})" if self.params else "unknown",
            "input": size if self.input_size else "",
            "preprocessing": self._preprocessing() if self.input_size else "",
            "classes": self.num_classes or "none: a backbone",
            "licence": " – ".join(part for part in (self.licence, self.licence_note) if part) or "none needed",
            "weights": self._weights(),
            "source": f"{self.source}, {self.family}" if self.family else self.source,
            "about": self.description,
        }
        shown = {label: value for label, value in facts.items() if value}
        return Card(self.name, shown, next_steps=(f"model = lab.load_model({self._typed()!r})",))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.card()._repr_mimebundle_()

    def _typed(self) -> str:
        return self.location if self.source == "folder" else self.name

    def _preprocessing(self) -> str:
        if not self.mean:
            return "as the checkpoint's own files say"
        mean, std = (" ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return f"{self.interpolation}, crop {self.crop_pct:g} {self.crop_mode}, mean {mean}, std {std}"

    def _weights(self) -> str:
        if not self.pretrained:
            return "none to load: random only (weights='none')"
        if self.location:
            return "comes with Lepton Lab" if self.source == "builtin" else f"folder {self.location}"
        return f"{self.hub_id}, " + ("on this machine" if self.cached else "to be fetched")
