# SPDX-License-Identifier: BSD-3-Clause
"""Well-known image classifiers on the hub, in transformers' layout.

Each row says only in what a checkpoint's configuration differs from the defaults of its model type.
`counted` is False where the configuration is not known well enough to count parameters from it; a licence
is empty where it is not known for certain, and "other" where the repository names terms of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

APACHE = "apache-2.0"


@dataclass(frozen=True)
class Checkpoint:
    """One repository."""

    hub_id: str
    model_type: str
    size: int = 224
    config: dict[str, Any] = field(default_factory=dict)
    licence: str = APACHE
    num_classes: int = 1000
    counted: bool = True


_LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
_SMALL = {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536}
_TINY = {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768}
_TEACHER = {"architectures": ["DeiTForImageClassificationWithTeacher"]}

_VIT = [
    Checkpoint("google/vit-base-patch16-224", "vit"),
    Checkpoint("google/vit-base-patch16-384", "vit", 384, {"image_size": 384}),
    Checkpoint("google/vit-base-patch32-384", "vit", 384, {"image_size": 384, "patch_size": 32}),
    Checkpoint("google/vit-large-patch16-224", "vit", 224, _LARGE),
    Checkpoint("google/vit-large-patch16-384", "vit", 384, _LARGE | {"image_size": 384}),
    Checkpoint(
        "google/vit-large-patch32-384", "vit", 384, _LARGE | {"image_size": 384, "patch_size": 32}
    ),
    Checkpoint("google/vit-base-patch16-224-in21k", "vit", num_classes=0),
    Checkpoint("google/vit-base-patch32-224-in21k", "vit", 224, {"patch_size": 32}, num_classes=0),
    Checkpoint("google/vit-large-patch16-224-in21k", "vit", 224, _LARGE, num_classes=0),
    Checkpoint("facebook/deit-tiny-patch16-224", "vit", 224, _TINY),
    Checkpoint("facebook/deit-small-patch16-224", "vit", 224, _SMALL),
    Checkpoint("facebook/deit-base-patch16-224", "vit"),
    Checkpoint("facebook/deit-base-patch16-384", "vit", 384, {"image_size": 384}),
    Checkpoint("facebook/deit-tiny-distilled-patch16-224", "deit", 224, _TINY | _TEACHER),
    Checkpoint("facebook/deit-small-distilled-patch16-224", "deit", 224, _SMALL | _TEACHER),
    Checkpoint("facebook/deit-base-distilled-patch16-224", "deit", 224, _TEACHER),
    Checkpoint(
        "facebook/deit-base-distilled-patch16-384", "deit", 384, _TEACHER | {"image_size": 384}
    ),
    Checkpoint("microsoft/beit-base-patch16-224", "beit", counted=False),
    Checkpoint("microsoft/beit-base-patch16-384", "beit", 384, counted=False),
    Checkpoint("microsoft/beit-large-patch16-224", "beit", counted=False),
    Checkpoint("microsoft/beit-large-patch16-384", "beit", 384, counted=False),
    Checkpoint("facebook/data2vec-vision-base-ft1k", "data2vec-vision", counted=False),
    Checkpoint("facebook/data2vec-vision-large-ft1k", "data2vec-vision", counted=False),
]

_DINO = {"image_size": 518, "patch_size": 14}
_DINOV2 = [
    Checkpoint(
        "facebook/dinov2-small-imagenet1k-1-layer",
        "dinov2",
        224,
        _DINO | {"hidden_size": 384, "num_attention_heads": 6},
    ),
    Checkpoint("facebook/dinov2-base-imagenet1k-1-layer", "dinov2", 224, _DINO),
    Checkpoint(
        "facebook/dinov2-large-imagenet1k-1-layer",
        "dinov2",
        224,
        _DINO | {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16},
    ),
    Checkpoint(
        "facebook/dinov2-giant-imagenet1k-1-layer",
        "dinov2",
        224,
        _DINO
        | {
            "hidden_size": 1536,
            "num_hidden_layers": 40,
            "num_attention_heads": 24,
            "use_swiglu_ffn": True,
        },
    ),
]


def _stages(depths: list[int], width: int) -> dict[str, Any]:
    return {"depths": depths, "hidden_sizes": [width, 2 * width, 4 * width, 8 * width]}


_CONVNEXT = [
    Checkpoint(f"facebook/convnext-{name}", "convnext", size, _stages(depths, width))
    for name, size, depths, width in [
        ("tiny-224", 224, [3, 3, 9, 3], 96),
        ("small-224", 224, [3, 3, 27, 3], 96),
        ("base-224", 224, [3, 3, 27, 3], 128),
        ("base-384", 384, [3, 3, 27, 3], 128),
        ("base-224-22k-1k", 224, [3, 3, 27, 3], 128),
        ("base-384-22k-1k", 384, [3, 3, 27, 3], 128),
        ("large-224", 224, [3, 3, 27, 3], 192),
        ("large-384", 384, [3, 3, 27, 3], 192),
        ("large-224-22k-1k", 224, [3, 3, 27, 3], 192),
        ("large-384-22k-1k", 384, [3, 3, 27, 3], 192),
        ("xlarge-224-22k-1k", 224, [3, 3, 27, 3], 256),
        ("xlarge-384-22k-1k", 384, [3, 3, 27, 3], 256),
    ]
]
_CONVNEXTV2 = [
    Checkpoint(
        f"facebook/convnextv2-{name}-1k-224", "convnextv2", 224, _stages(depths, width), licence=""
    )
    for name, depths, width in [
        ("atto", [2, 2, 6, 2], 40),
        ("femto", [2, 2, 6, 2], 48),
        ("pico", [2, 2, 6, 2], 64),
        ("nano", [2, 2, 8, 2], 80),
        ("tiny", [3, 3, 9, 3], 96),
        ("base", [3, 3, 27, 3], 128),
        ("large", [3, 3, 27, 3], 192),
        ("huge", [3, 3, 27, 3], 352),
    ]
]
_BASIC = {"layer_type": "basic", "hidden_sizes": [64, 128, 256, 512]}
_RESNET = [
    Checkpoint("microsoft/resnet-18", "resnet", 224, _BASIC | {"depths": [2, 2, 2, 2]}),
    Checkpoint("microsoft/resnet-26", "resnet", 224, {"depths": [2, 2, 2, 2]}),
    Checkpoint("microsoft/resnet-34", "resnet", 224, _BASIC | {"depths": [3, 4, 6, 3]}),
    Checkpoint("microsoft/resnet-50", "resnet"),
    Checkpoint("microsoft/resnet-101", "resnet", 224, {"depths": [3, 4, 23, 3]}),
    Checkpoint("microsoft/resnet-152", "resnet", 224, {"depths": [3, 8, 36, 3]}),
]


def _swin(width: int, depth: int, heads: int, window: int, size: int) -> dict[str, Any]:
    return {
        "embed_dim": width,
        "depths": [2, 2, depth, 2],
        "num_heads": [heads, 2 * heads, 4 * heads, 8 * heads],
        "window_size": window,
        "image_size": size,
    }


_SWIN = [
    Checkpoint("microsoft/swin-tiny-patch4-window7-224", "swin"),
    Checkpoint("microsoft/swin-small-patch4-window7-224", "swin", 224, _swin(96, 18, 3, 7, 224)),
    Checkpoint("microsoft/swin-base-patch4-window7-224", "swin", 224, _swin(128, 18, 4, 7, 224)),
    Checkpoint("microsoft/swin-base-patch4-window12-384", "swin", 384, _swin(128, 18, 4, 12, 384)),
    Checkpoint("microsoft/swin-large-patch4-window7-224", "swin", 224, _swin(192, 18, 6, 7, 224)),
    Checkpoint("microsoft/swin-large-patch4-window12-384", "swin", 384, _swin(192, 18, 6, 12, 384)),
    Checkpoint("microsoft/swinv2-tiny-patch4-window8-256", "swinv2", 256, _swin(96, 6, 3, 8, 256)),
    Checkpoint(
        "microsoft/swinv2-tiny-patch4-window16-256", "swinv2", 256, _swin(96, 6, 3, 16, 256)
    ),
    Checkpoint(
        "microsoft/swinv2-small-patch4-window8-256", "swinv2", 256, _swin(96, 18, 3, 8, 256)
    ),
    Checkpoint(
        "microsoft/swinv2-base-patch4-window8-256", "swinv2", 256, _swin(128, 18, 4, 8, 256)
    ),
]

_MOBILE = [
    Checkpoint("google/mobilenet_v1_1.0_224", "mobilenet_v1", licence="other", num_classes=1001),
    Checkpoint(
        "google/mobilenet_v1_0.75_192",
        "mobilenet_v1",
        192,
        {"depth_multiplier": 0.75, "image_size": 192},
        "other",
        1001,
    ),
    Checkpoint("google/mobilenet_v2_1.0_224", "mobilenet_v2", licence="other", num_classes=1001),
    Checkpoint(
        "google/mobilenet_v2_1.4_224", "mobilenet_v2", 224, {"depth_multiplier": 1.4}, "other", 1001
    ),
    Checkpoint(
        "google/mobilenet_v2_0.75_160",
        "mobilenet_v2",
        160,
        {"depth_multiplier": 0.75, "image_size": 160},
        "other",
        1001,
    ),
    Checkpoint(
        "google/mobilenet_v2_0.35_96",
        "mobilenet_v2",
        96,
        {"depth_multiplier": 0.35, "image_size": 96},
        "other",
        1001,
    ),
    Checkpoint("apple/mobilevit-small", "mobilevit", 256, licence="other"),
    Checkpoint(
        "apple/mobilevit-x-small",
        "mobilevit",
        256,
        {"hidden_sizes": [96, 120, 144], "neck_hidden_sizes": [16, 32, 48, 64, 80, 96, 384]},
        "other",
    ),
    Checkpoint(
        "apple/mobilevit-xx-small",
        "mobilevit",
        256,
        {
            "hidden_sizes": [64, 80, 96],
            "neck_hidden_sizes": [16, 16, 24, 48, 64, 80, 320],
            "expand_ratio": 2.0,
        },
        "other",
    ),
    Checkpoint("apple/mobilevitv2-1.0-imagenet1k-256", "mobilevitv2", 256, licence="other"),
]

_EFFICIENTNET = [
    Checkpoint(
        f"google/efficientnet-b{number}",
        "efficientnet",
        size,
        {
            "width_coefficient": width,
            "depth_coefficient": depth,
            "image_size": size,
            "hidden_dim": hidden,
        },
    )
    for number, width, depth, size, hidden in [
        (0, 1.0, 1.0, 224, 1280),
        (1, 1.0, 1.1, 240, 1280),
        (2, 1.1, 1.2, 260, 1408),
        (3, 1.2, 1.4, 300, 1536),
        (4, 1.4, 1.8, 380, 1792),
        (5, 1.6, 2.2, 456, 2048),
        (6, 1.8, 2.6, 528, 2304),
        (7, 2.0, 3.1, 600, 2560),
    ]
]

_LEVIT = {
    "architectures": ["LevitForImageClassificationWithTeacher"],
    "depths": [2, 3, 4],
    "num_attention_heads": [4, 6, 8],
}
_OTHERS = [
    Checkpoint("facebook/levit-128S", "levit", 224, _LEVIT),
    Checkpoint("facebook/regnet-y-040", "regnet"),
    Checkpoint("sail/poolformer_s12", "poolformer"),
    Checkpoint("sail/poolformer_s24", "poolformer", 224, {"depths": [4, 4, 12, 4]}),
    Checkpoint("sail/poolformer_s36", "poolformer", 224, {"depths": [6, 6, 18, 6]}),
    Checkpoint("Zetatech/pvt-tiny-224", "pvt"),
    Checkpoint("Zetatech/pvt-small-224", "pvt", 224, {"depths": [3, 4, 6, 3]}),
    Checkpoint("Zetatech/pvt-medium-224", "pvt", 224, {"depths": [3, 4, 18, 3]}),
    Checkpoint("Zetatech/pvt-large-224", "pvt", 224, {"depths": [3, 8, 27, 3]}),
    Checkpoint("OpenGVLab/pvt_v2_b0", "pvt_v2"),
    Checkpoint("nvidia/mit-b0", "segformer", licence="other"),
    *(
        Checkpoint(
            f"nvidia/mit-b{number}",
            "segformer",
            224,
            {"hidden_sizes": [64, 128, 320, 512], "depths": depths},
            "other",
        )
        for number, depths in enumerate(
            [[2, 2, 2, 2], [3, 4, 6, 3], [3, 4, 18, 3], [3, 8, 27, 3], [3, 6, 40, 3]], start=1
        )
    ),
    Checkpoint("MBZUAI/swiftformer-xs", "swiftformer", licence=""),
    Checkpoint("facebook/hiera-base-224-in1k-hf", "hiera", licence="cc-by-nc-4.0"),
    Checkpoint("microsoft/focalnet-tiny", "focalnet", licence="mit"),
    Checkpoint("microsoft/cvt-13", "cvt"),
    Checkpoint("google/bit-50", "bit"),
]

CHECKPOINTS = [
    *_VIT, *_DINOV2, *_CONVNEXT, *_CONVNEXTV2, *_RESNET, *_SWIN, *_MOBILE, *_EFFICIENTNET, *_OTHERS,
]  # fmt: skip
