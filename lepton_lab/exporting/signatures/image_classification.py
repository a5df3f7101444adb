# SPDX-License-Identifier: BSD-3-Clause
"""How an image classifier is exported: pixels in as uint8, probabilities and logits out.

The graph takes what the runtime prepares, (N, h, w, C) uint8, and does the rest itself: cast,
rescale, mean and std, layout, the model, the softmax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.exporting.signature import Graph, Signature
from lepton_lab.exporting.signatures import one_class
from lepton_lab.exporting.signatures.odd_images import odd_images, stand_ins
from lepton_lab.runtime.decode import FORMATS, decode_image, describe_image
from lepton_lab.runtime.errors import ImageError
from lepton_lab.runtime.image import normalize, prepare

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.exporting.subject import Subject
    from lepton_lab.runtime.probe import Compute

# Two implementations of the same preparation, in float32.
_INDEPENDENT = 1e-5


def _interface(built: BuiltModel) -> dict[str, Any]:
    height, width = _size(built)
    classes = len(built.classes)
    graph = {"name": "image", "dtype": "uint8", "shape": ["batch", height, width, _channels(built)]}
    return {
        "input": {"kind": "image", "formats": list(FORMATS), "graph": graph},
        "output": {"kind": "classes"}
        | {
            name: {"dtype": "float32", "shape": ["batch", classes]}
            for name in ("probabilities", "logits")
        },
    }


def _graph(subject: Subject) -> Graph:
    import torch

    built, inner = subject.built, subject.module()
    rule = built.preprocessing

    class ImageToProbabilities(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner
            self.register_buffer("mean", torch.tensor(rule["mean"], dtype=torch.float32))
            self.register_buffer("std", torch.tensor(rule["std"], dtype=torch.float32))

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            scaled = image.to(torch.float32) * rule["rescale"]
            logits = self.inner(((scaled - self.mean) / self.std).permute(0, 3, 1, 2))
            return torch.softmax(logits, dim=-1), logits

    example = {"image": torch.zeros(2, *_size(built), _channels(built), dtype=torch.uint8)}
    module = ImageToProbabilities().eval()
    return Graph(module, example, ("probabilities", "logits"), {"image": {0: "batch"}})


def _compute(module: torch.nn.Module, rule: Mapping[str, Any]) -> Compute:
    import torch

    def compute(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            logits = module(torch.from_numpy(normalize(batch["image"], rule))).float()
        return {"probabilities": logits.softmax(dim=-1).numpy(), "logits": logits.numpy()}

    return compute


def _suffix(data: bytes) -> str:
    try:
        kind = describe_image(data).format
    except ImageError:
        return ".bin"
    return {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2"}.get(
        kind, f".{kind.lower()}"
    )


def _independent_check(subject: Subject, samples: Sequence[bytes]) -> str:
    """The transform that timm itself derives from the module, on the same pixels."""
    built = subject.built
    if not hasattr(built.module, "pretrained_cfg") or _channels(built) != 3:
        return ""
    from PIL import Image
    from timm.data.config import resolve_model_data_config
    from timm.data.transforms_factory import create_transform

    config: dict[str, Any] = resolve_model_data_config(built.module)  # type: ignore[no-untyped-call]
    transform = create_transform(**{**config, "input_size": (3, *_size(built))}, is_training=False)
    for data in samples:
        pixels = decode_image(data)
        ours = normalize(prepare(pixels, built.preprocessing)[None], built.preprocessing)[0]
        worst = float(np.abs(ours - transform(Image.fromarray(pixels)).numpy()).max())
        if not worst <= _INDEPENDENT:
            return f"the input differs from that of timm's own transform by {worst:.2g}"
    return ""


def _size(built: BuiltModel) -> tuple[int, int]:
    step = built.preprocessing.get("crop") or built.preprocessing["resize"]
    return int(step["size"][0]), int(step["size"][1])


def _channels(built: BuiltModel) -> int:
    return int(built.preprocessing["channels"])


RECORD = Signature(
    name="image-classification",
    description="Bytes of an image to class probabilities.",
    interface=_interface,
    graph=_graph,
    compute=_compute,
    odd=odd_images,
    stand_ins=stand_ins,
    suffix=_suffix,
    tolerance=one_class.tolerance,
    agrees=one_class.agrees,
    answer=one_class.answer,
    score=one_class.score,
    independent_check=_independent_check,
)
