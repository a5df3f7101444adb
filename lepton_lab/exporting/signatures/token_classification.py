# SPDX-License-Identifier: BSD-3-Clause
"""How a tagger is exported: sub-words in, tag probabilities and logits of each sub-word out.

The runtime makes windows of sub-words from a string or a list of words, and spans of characters from
the probabilities; the graph holds the model and the softmax.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.exporting.signature import Graph, Outputs, Score, Signature
from lepton_lab.exporting.subject import ExportSample
from lepton_lab.metrics.entities import EntityMeasurement
from lepton_lab.runtime.spans_output import spans_of

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog import BuiltModel
    from lepton_lab.exporting.subject import Subject
    from lepton_lab.runtime.probe import Compute

# As for images: fp32 rounding grows to some 1e-6 of a logit over a dozen of layers; a mistake (a wrong
# mask, another position, a sub-word read at another place) moves probabilities by a hundredth and more.
_RELATIVE = 1e-4
_SMALLEST = 1e-5
_PROBABILITY = 1e-4
_NAMES = ("probabilities", "logits")

_SENTENCES = (
    "Anna Smith moved from Paris to New York in 2019.",
    "Acme Corp. bought the first-ever widget maker for $5 million!",
    "RT @someone: watching #football with my brother's friends :)",
    "日本の東京 and São Paulo are far from Zürich.",
    "hello",
)


def _interface(built: BuiltModel) -> dict[str, Any]:
    rule = built.preprocessing
    shape = ["batch", "length"]
    return {
        "input": {
            "kind": "words",
            "formats": ["text", "JSON list of words"],
            "arrays": [{"name": name, "dtype": "int64", "shape": shape} for name in rule["inputs"]],
        },
        "output": {
            "kind": "spans",
            **{
                name: {"dtype": "float32", "shape": [*shape, len(built.classes)]} for name in _NAMES
            },
        },
    }


def _graph(subject: Subject) -> Graph:
    import torch

    inner = subject.module()
    names = list(subject.built.preprocessing["inputs"])

    class SubwordsToProbabilities(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor | None = None,
        ) -> tuple[torch.Tensor, torch.Tensor]:
            logits = self.inner(input_ids, attention_mask, token_type_ids)
            return torch.softmax(logits, dim=-1), logits

    pad = int(subject.built.preprocessing["pad"])
    example = {name: torch.ones(2, 9, dtype=torch.int64) for name in names}
    example["input_ids"] = example["input_ids"] * pad
    dynamic = {name: {0: "batch", 1: "length"} for name in names}
    return Graph(SubwordsToProbabilities().eval(), example, _NAMES, dynamic)


def _compute(module: torch.nn.Module, rule: Mapping[str, Any]) -> Compute:
    import torch

    device = next(module.parameters()).device

    def compute(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        given = {name: torch.from_numpy(batch[name]).to(device) for name in rule["inputs"]}
        with torch.inference_mode():
            logits = module(**given).float().cpu()
        return {"probabilities": logits.softmax(dim=-1).numpy(), "logits": logits.numpy()}

    return compute


def _odd(samples: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """Awkward texts, and real words in awkward order: what breaks offsets, windows and decoders."""
    words = [word for data in samples[:40] for word in _words_of(data)] or ["word"]
    long = (words * (600 // len(words) + 1))[:600]
    texts = {
        "empty": "",
        "blank": " \t\n\u00a0 ",
        "one word": words[0],
        "long": " ".join(long),
        "one long word": "x" * 5000,
        "emoji": "😂😂 👩‍👩‍👧 family ❤️ in Paris 🇫🇷",
        "mixed directions": "Anna lives in תל אביב and القاهرة today",
        "no blanks": "我们在北京见面。东京很远。",
        "combining": "Ame\u0301lie in Sa\u0303o Paulo",
        "control": "Anna\0 left\u200b Berlin\ufeff on\u2028Monday",
        "marks": "?!... ((( --- ))) :-) <b>&amp;</b>",
        "numbers": "3.14 1,000,000 007 12:30 50% $7",
        "upper": " ".join(words[:30]).upper(),
        "windows line ends": "Anna left.\r\n\r\nBob stayed in Rome.\r\n",
        "byte order mark": "\ufeffAnna lives in Paris.",
    }
    found = [(kind, text.encode("utf-8")) for kind, text in texts.items()]
    return [
        *found,
        ("long list", json.dumps(long).encode()),
        ("odd list", b'["New York", "", " "]'),
    ]


def _words_of(data: bytes) -> list[str]:
    try:
        found = json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace").split()
    return [str(word) for word in found] if isinstance(found, list) else []


def _stand_ins() -> list[ExportSample]:
    return [
        ExportSample(f"sentence {i}", text.encode(), None) for i, text in enumerate(_SENTENCES, 1)
    ]


def _tolerance(reference: Outputs) -> dict[str, float]:
    largest = max((float(np.abs(v).max()) for v in reference["logits"] if v.size), default=0.0)
    return {"probabilities": _PROBABILITY, "logits": max(_SMALLEST, _RELATIVE * largest)}


def _agrees(reference: Outputs, found: Outputs) -> np.ndarray:
    """Whether each word of a text has the same tag, or one that the model holds for as good."""
    pairs = zip(reference["probabilities"], found["probabilities"], strict=True)
    return np.array([_same(wanted, given) for wanted, given in pairs])


def _same(wanted: np.ndarray, given: np.ndarray) -> bool:
    if wanted.shape != given.shape:
        return False
    if not wanted.size:
        return True
    gap = wanted.max(axis=1) - wanted[np.arange(len(wanted)), given.argmax(axis=1)]
    return bool((gap <= 2 * _PROBABILITY).all())


def _answer(outputs: Outputs, row: int, labels: Sequence[str]) -> str:
    tags = [labels[int(tag)] for tag in outputs["probabilities"][row].argmax(axis=-1)]
    said = [f"{kind} at words {a + 1} to {b + 1}" for kind, a, b in spans_of(tags)]
    return ", ".join(said) or "nothing found"


def _score(outputs: Outputs, targets: Sequence[Any]) -> Score:
    """Entity F1. The tags of a trained model are O and then B- and I- of each type, so indexes are enough."""
    found = [values.argmax(axis=-1) for values in outputs["probabilities"]]
    if not any(len(tags) for tags in targets):
        return Score("f1", float("nan"), float("nan"), float("nan"), 0)
    measured = EntityMeasurement([_tags(t) for t in targets], [_tags(f) for f in found])
    low, high = measured.intervals["f1"]
    return Score("f1", measured.values["f1"], low, high, len(targets))


def _tags(indexes: Sequence[int] | np.ndarray) -> list[str]:
    """Names that say the same as those of the model: 0 is O, 1 and 2 are B- and I- of the first type."""
    return ["O" if not i else f"{'IB'[int(i) % 2]}-{(int(i) - 1) // 2}" for i in indexes]


def _independent_check(subject: Subject, samples: Sequence[bytes]) -> str:
    """The sub-words that transformers makes of lists of words, where it makes them as the file says.

    Tokenizers that write the blank into a word are left out: there transformers needs an option that the
    file does not hold.
    """
    built = subject.built
    data = built.files[built.preprocessing["tokenizer"]]
    kinds = json.dumps(json.loads(data).get("pre_tokenizer"))
    if "ByteLevel" in kinds or "Metaspace" in kinds:
        return ""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    from lepton_lab.runtime.inputs import preparer

    library: Any = PreTrainedTokenizerFast
    theirs = library(tokenizer_object=Tokenizer.from_str(data.decode("utf-8")))
    ours = preparer(built.preprocessing, built.files)
    for words in filter(None, map(_list_of, samples)):
        row = ours.prepare(words)
        if len(row["input_ids"]) > 1:
            continue
        found = theirs(words, is_split_into_words=True)
        first = [
            found.word_ids().index(i) if i in found.word_ids() else -1 for i in range(len(words))
        ]
        if found["input_ids"] != row["input_ids"][0].tolist() or first != row["place"].tolist():
            return f"transformers makes other sub-words of {words[:6]}"
    return ""


def _list_of(data: bytes) -> list[str]:
    return _words_of(data) if data.lstrip().startswith(b"[") else []


def _suffix(data: bytes) -> str:
    return ".json" if _list_of(data) else ".txt"


RECORD = Signature(
    name="token-classification",
    description="A text to spans of it, each with its label.",
    interface=_interface,
    graph=_graph,
    compute=_compute,
    odd=_odd,
    stand_ins=_stand_ins,
    suffix=_suffix,
    tolerance=_tolerance,
    agrees=_agrees,
    answer=_answer,
    score=_score,
    independent_check=_independent_check,
    requirements=("tokenizers>=0.20",),
)
