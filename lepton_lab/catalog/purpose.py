# SPDX-License-Identifier: BSD-3-Clause
"""What a checkpoint of transformers is for, told from its configuration alone.

The class that it names decides; a bare backbone is for what models of its type are used for first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IMAGES = "image-classification"
_SOUNDS = {
    "wav2vec2", "wav2vec2-bert", "wav2vec2-conformer", "hubert", "wavlm", "unispeech", "unispeech-sat", "sew",
    "sew-d", "data2vec-audio", "whisper", "audio-spectrogram-transformer",
}  # fmt: skip
_TEXTS = {
    "albert", "bert", "big_bird", "camembert", "canine", "convbert", "data2vec-text", "deberta", "deberta-v2",
    "distilbert", "electra", "ernie", "eurobert", "flaubert", "funnel", "layoutlm", "longformer", "luke",
    "megatron-bert", "mobilebert", "modernbert", "mpnet", "mra", "nystromformer", "rembert", "roberta",
    "roberta-prelayernorm", "roc_bert", "roformer", "squeezebert", "xlm", "xlm-roberta", "xlm-roberta-xl", "xlnet",
}  # fmt: skip
_BOXES = {
    "detr", "conditional_detr", "deformable_detr", "dab-detr", "d_fine", "rt_detr", "rt_detr_v2",
    "table-transformer", "yolos",
}  # fmt: skip
_ENDINGS = (
    ("ForAudioClassification", "audio-classification"),
    ("ForTokenClassification", "token-classification"),
    ("ForObjectDetection", "object-detection"),
    ("ForSemanticSegmentation", "semantic-segmentation"),
    ("ForImageClassification", IMAGES),
)


def task_of(config: Mapping[str, Any]) -> str:
    """The task of a checkpoint.

    Args:
        config: Its `config.json`.

    >>> task_of({"model_type": "bert", "architectures": ["BertForTokenClassification"]})
    'token-classification'
    >>> task_of({"model_type": "hubert", "architectures": ["HubertForSequenceClassification"]})
    'audio-classification'
    >>> task_of({"model_type": "bert"}), task_of({"model_type": "vit"})
    ('text-classification', 'image-classification')
    """
    names = config.get("architectures")
    named = [str(name) for name in names] if isinstance(names, list) else []
    for name in named:
        for ending, task in _ENDINGS:
            if name.endswith(ending):
                return task
    kind = str(config.get("model_type", ""))
    kinds = ((_SOUNDS, "audio-classification"), (_TEXTS, "text-classification"), (_BOXES, "object-detection"))
    return next((task for types, task in kinds if kind in types), IMAGES)
