# SPDX-License-Identifier: BSD-3-Clause
"""What a user asks for, as frozen data: the one description that every door builds.

Python calls, magics, the command line and widgets all build these records and hand them to the same
functions. A field carries its help line and its choices, so parsers, completion, `--help` and forms are
generated from here and cannot drift apart. `parse` checks everything and reports all problems at once.
"""

from __future__ import annotations

import contextlib
import json
import math
import operator
import os
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from lepton_lab.durations import seconds
from lepton_lab.errors import SpecError, did_you_mean

S = TypeVar("S")


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    positional: bool = False,
    alias: str = "",
    check: Callable[[Any], object] | None = None,
) -> Any:
    """A dataclass field with its help line, its bounds (inclusive) and its place on a command line.

    `check` raises ValueError with the rest of a sentence ("needs ...") for a value that is wrong in itself.
    """
    about = {"help": help, "low": low, "high": high, "positional": positional, "alias": alias, "check": check}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=about)
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class ModelSpec:
    """Which model, and with which weights."""

    name: str = option("", "model name, hub id or local folder", positional=True)
    weights: str = option("pretrained", "pretrained, none (random), or a .safetensors file")
    image_size: int | None = option(None, "side of the input image in pixels; the model's own when left out", low=8, high=4096)
    channels: int = option(3, "input channels", low=1, high=4)
    max_length: int | None = option(None, "longest text in tokens; what is beyond is cut off. The model's own, at most 512, when left out", low=4, high=100_000)


@dataclass(frozen=True)
class DataSpec:
    """Which data, how it is read and how it is split."""

    path: str = option("", "folder, table, builtin sample, hub name or variable", positional=True)
    task: str = option("auto", "the task, or auto to tell it from the data")
    val: float = option(0.15, "share held out to choose the best epoch", low=0.0, high=0.9)
    test: float = option(0.15, "share held out to report on", low=0.0, high=0.9)
    label: str = option("", "column with the class, or TABLE:COLUMN beside a folder of images")
    labels: Literal["auto", "class", "classes", "number"] = option("auto", "what the labels of texts are: one class, several classes, or a number")
    image: str = option("", "column with the image path")
    text: str = option("", "column with the text, or the two columns of a pair, separated by a comma")
    tokens: str = option("", "column with the list of words")
    tags: str = option("", "column with the tag of each word")
    group: str = option("", "column whose rows with equal values stay on one side of the split")
    drop: tuple[str, ...] = option((), "columns to leave out, separated by commas")
    masks: str = option("", "folder with the masks of a folder of images")
    exclude: tuple[str, ...] = option((), "classes to leave out, separated by commas")
    clean: Literal["skip", "stop"] = option("skip", "leave unreadable files out, or stop on them")
    dedupe: bool = option(True, "move copies of a training image out of val and test")
    seed: int = option(42, "seed of the split", low=0)
    fold: str = option("", "K/N: cut train and val into N folds and hold the K-th out as val")
    edits: str = option("", "edits file of lab.clean; FILE@N for its first N lines")
    licence: str = option("", "licence of the data, for model cards; read from a README.md where it has one")


@dataclass(frozen=True)
class TrainSpec:
    """How a model is trained. Every `auto` is decided from model, data and device, and printed."""

    epochs: int = option(5, "passes over the training split", low=1, high=10_000)
    budget: float | str = option("", "time that the run may take, such as 90s, 10m or 1h30m; decides the epochs", check=seconds)
    learning_rate: float | Literal["auto", "find"] = option("auto", "peak learning rate; find runs the range test", low=0.0, high=10.0, alias="lr")
    batch_size: int | Literal["auto"] = option("auto", "samples per optimizer step", low=1, high=65_536, alias="bs")
    optimizer: str = option("adamw", "adamw, adam, sgd or any optimizer of timm")
    schedule: Literal["cosine", "linear", "onecycle", "polynomial", "step", "constant"] = option("cosine", "shape of the learning rate")
    warmup: float = option(0.1, "share of the steps in which the rate rises", low=0.0, high=0.9)
    weight_decay: float | Literal["auto"] = option("auto", "decoupled weight decay; not on norms and biases", low=0.0, high=1.0)
    layer_decay: float | Literal["auto"] = option("auto", "factor by which the rate shrinks per layer from the head down; 1 is off", low=0.01, high=1.0)
    freeze: int | Literal["none", "backbone"] = option("none", "none, backbone, or the number of first layer groups that stay fixed", low=0)
    label_smoothing: float | Literal["auto"] = option("auto", "share of the target spread over the other classes", low=0.0, high=0.9)
    mixup: float = option(0.0, "alpha of mixup; 0 is off", low=0.0, high=10.0)
    cutmix: float = option(0.0, "alpha of cutmix; 0 is off", low=0.0, high=10.0)
    ema: float = option(0.0, "decay of the weight average that is evaluated and kept; 0 is off", low=0.0, high=0.99999)
    accumulate: int = option(1, "micro-batches per optimizer step; the batch size stays the same", low=1, high=4096)
    class_weights: Literal["none", "balanced"] = option("none", "balanced gives every class the same weight in the loss")
    focal: float = option(0.0, "gamma of the focal loss; 0 is off", low=0.0, high=10.0)
    clip: float = option(1.0, "largest gradient norm; 0 is off", low=0.0, high=1e6)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = option("auto", "number format of the forward pass")
    channels_last: bool | Literal["auto"] = option("auto", "memory layout for convolutions")
    augment: Literal["none", "light", "strong"] = option("light", "strength of the training augmentation")
    patience: int = option(0, "stop after so many epochs without a better metric; 0 is off", low=0)
    keep_best: bool = option(True, "load the weights of the best epoch at the end")
    checkpoint_every: int = option(0, "steps between checkpoints; 0 is once per epoch", low=0)
    seed: int = option(42, "seed of order, augmentation, dropout and head", low=0)
    workers: int | Literal["auto"] = option("auto", "processes that load data; 0 loads in the training thread", low=0, high=64)
    device: str = option("auto", "auto, cpu, cuda, cuda:1 or mps")
    name: str = option("", "name of the run; made from model and data when left out")
    track: tuple[str, ...] = option((), "stores that also get the numbers, separated by commas: tensorboard, mlflow")


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides a run's result, as it is stored in `run.json`."""

    model: ModelSpec = field(default_factory=ModelSpec)
    data: DataSpec = field(default_factory=DataSpec)
    train: TrainSpec = field(default_factory=TrainSpec)
    task: str = "image-classification"


def parse(cls: type[S], values: Mapping[str, Any], *, where: str = "", strict: bool = True) -> S:
    """Build a spec from names and values (Python values, or text from a command line or TOML).

    Args:
        cls: One of the spec classes.
        values: Field name (or alias; `-` counts as `_`) to value.
        where: The verb or function, for the message.
        strict: Refuse unknown names; otherwise ignore them.

    Raises:
        SpecError: With every problem in `problems`; the message shows the first three.

    >>> parse(TrainSpec, {"epochs": "3", "lr": "1e-3"}).learning_rate
    0.001
    """
    known = names(cls)
    chosen: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in values.items():
        found = known.get(key.replace("-", "_"))
        if found is None:
            if strict:
                problems.append(" ".join(filter(None, (f"There is no option '{key}'.", did_you_mean(key.replace("-", "_"), known)))))
            continue
        if found.name in chosen:
            problems.append(f"`--{found.name.replace('_', '-')}` is given twice.")
            continue
        try:
            chosen[found.name] = convert(found, value, hint(cls, found.name))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise SpecError(problems[0], " ".join(problems[1:3]), f"%lepton {where} --help" if where else "", problems)
    return cls(**chosen)


def names(cls: type) -> dict[str, Field[Any]]:
    """Field name and alias -> field, in order."""
    table = {f.name: f for f in fields(cls)}
    return table | {f.metadata["alias"]: f for f in fields(cls) if f.metadata.get("alias")}


def choices(cls: type, name: str) -> tuple[str, ...]:
    """The words that a field takes, for completion and forms; empty when it takes anything."""
    words: list[str] = []
    for part in _parts(hint(cls, name)):
        if get_origin(part) is Literal:
            words += [str(word) for word in get_args(part)]
        elif part is bool:
            words += ["true", "false"]
    return tuple(words)


def hint(cls: type, name: str) -> Any:
    """The resolved type of a field."""
    return typing.get_type_hints(cls)[name]


def convert(f: Field[Any], value: Any, annotation: Any) -> Any:
    """`value` as the type of a field. Raises ValueError with a sentence for the user."""
    for part in _parts(annotation):
        ok, result = _try(part, value)
        if ok:
            return _bounded(f, result)
    raise ValueError(f"`--{f.name.replace('_', '-')}` needs {_needs(f, annotation)}; got {_quoted(value)}.")


def to_json(spec: Any) -> dict[str, Any]:
    """A spec (nested ones too) as plain JSON values, in the order of its fields."""
    return {
        f.name: to_json(v) if hasattr(v := getattr(spec, f.name), "__dataclass_fields__") else list(v) if isinstance(v, tuple) else v
        for f in fields(spec)
    }


def from_json(cls: type[S], value: Mapping[str, Any]) -> S:
    """The spec that `to_json` wrote; fields of other versions are ignored, missing ones get their default.

    Raises:
        SpecError: It is no mapping, or a field has a value that it cannot have.
    """
    if not isinstance(value, Mapping):
        raise SpecError(f"This is no record of a {cls.__name__}: {_quoted(value)}.")
    hints = typing.get_type_hints(cls)
    chosen = {}
    for f in fields(cls):  # type: ignore[arg-type]
        if f.name not in value:
            continue
        kind, found = hints[f.name], value[f.name]
        try:
            chosen[f.name] = from_json(kind, found) if hasattr(kind, "__dataclass_fields__") else convert(f, found, kind)
        except ValueError as error:
            raise SpecError(str(error)) from error
    return cls(**chosen)


def changes(spec: Any) -> dict[str, Any]:
    """The fields that differ from their default, in order: what "show code" prints."""
    return {f.name: getattr(spec, f.name) for f in fields(spec) if getattr(spec, f.name) != default(f)}


def default(f: Field[Any]) -> Any:
    """The default value of a field."""
    return f.default_factory() if f.default_factory is not MISSING else f.default


def fingerprint(spec: Any) -> str:
    """A short hash of a spec's values, the same in every process."""
    import hashlib

    return hashlib.sha256(json.dumps(to_json(spec), sort_keys=True).encode()).hexdigest()[:16]


def _parts(annotation: Any) -> list[Any]:
    """The members of a union, words first so that "auto" is not read as text."""
    members = list(get_args(annotation)) if get_origin(annotation) in (Union, types.UnionType) else [annotation]
    literal: Any = Literal
    return sorted(members, key=lambda part: get_origin(part) is not literal)


def _try(part: Any, value: Any) -> tuple[bool, Any]:
    if get_origin(part) is Literal:
        word = value.lower() if isinstance(value, str) else None
        return word in get_args(part), word
    if part is type(None):
        return value is None or (isinstance(value, str) and not value), None
    if get_origin(part) is tuple:
        return _words(value)
    if part is bool:
        return _truth(value)
    if part is str:
        return _text(value)
    return _number(part, value)


def _text(value: Any) -> tuple[bool, Any]:
    if isinstance(value, os.PathLike):
        return True, os.fsdecode(value)
    return isinstance(value, str), value


def _words(value: Any) -> tuple[bool, Any]:
    if isinstance(value, str):
        return True, tuple(word.strip() for word in value.split(",") if word.strip())
    ok = isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(word, str) for word in value)
    if not ok:
        return False, None
    return True, tuple(value if isinstance(value, (list, tuple)) else sorted(value))


def _truth(value: Any) -> tuple[bool, Any]:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if isinstance(value, bool):
        return True, value
    return isinstance(value, str) and value.lower() in words, words.get(str(value).lower())


def _number(kind: type, value: Any) -> tuple[bool, Any]:
    if isinstance(value, bool):
        return False, None
    if kind is int:
        with contextlib.suppress(TypeError, ValueError):
            return True, int(value) if isinstance(value, str) else operator.index(value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return False, None
    if not math.isfinite(number) or (kind is int and number != int(number)):
        return False, None
    return True, kind(number)


def _bounded(f: Field[Any], value: Any) -> Any:
    low, high, check = (f.metadata.get(name) for name in ("low", "high", "check"))
    if check is not None:
        try:
            check(value)
        except ValueError as error:
            raise ValueError(f"`--{f.name.replace('_', '-')}` {error}") from None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if low is not None and value < low:
            raise ValueError(f"`--{f.name.replace('_', '-')}` must be at least {low:g}; got {_said(value)}.")
        if high is not None and value > high:
            raise ValueError(f"`--{f.name.replace('_', '-')}` must be at most {high:g}; got {_said(value)}.")
    return value


def _said(value: float) -> str:
    if isinstance(value, int):
        return str(value) if abs(value) < 10**15 else "a number of more than 15 digits"
    return f"{value:g}"


def _needs(f: Field[Any], annotation: Any) -> str:
    said = {int: "a whole number", float: "a number such as 3e-4", bool: "true or false", str: "text"}
    words: list[str] = []
    for part in reversed(_parts(annotation)):
        if get_origin(part) is Literal:
            words += [f"`{word}`" for word in get_args(part)]
        elif part is not type(None):
            words.append(said.get(part, "names separated by commas"))
    return " or ".join(words) if len(words) < 3 else ", ".join(words[:-1]) + " or " + words[-1]


def _quoted(value: Any) -> str:
    text = str(value)
    return f'"{text[:60]}"' if isinstance(value, str) else text[:60]
