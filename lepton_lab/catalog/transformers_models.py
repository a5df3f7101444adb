# SPDX-License-Identifier: BSD-3-Clause
"""Image classifiers of transformers, from a repository or a folder in its layout.

Only classes of the installed library are used and only safetensors are read; keys of a configuration that
could bring in other code are dropped. Weights are float32 whatever the file holds, and the head and its
names are always replaced together.
"""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_lab.catalog import processors
from lepton_lab.catalog import weights as weight_files
from lepton_lab.catalog.building import BuiltModel, Framework, seeded
from lepton_lab.catalog.class_names import unique
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.folder import read_config, transformers_facts
from lepton_lab.catalog.groups import named_groups
from lepton_lab.catalog.sizes import check_size
from lepton_lab.errors import LeptonError
from lepton_lab.spec import ModelSpec

if TYPE_CHECKING:
    import torch

    from lepton_lab.catalog.logits import Logits

_HOSTILE = {"auto_map", "custom_pipelines", "attn_implementation", "experts_implementation", "quantization_config", "dtype", "torch_dtype", "trust_remote_code", "kernel_config", "use_kernels"}  # fmt: skip
_PREFIX = "model."


def build(entry: ModelEntry, spec: ModelSpec, classes: tuple[str, ...] | None, seed: int) -> BuiltModel:
    """The module of an entry, with a new head where `classes` are given; see `building.build`."""
    raw, processor = _files(entry)
    config = record(entry.name, raw, processor, spec)
    if spec.image_size:
        check_size(entry, spec.image_size, lambda size: _at_size(config, size), spec.channels)
    source = weight_files.locate(entry, spec.weights)
    own = _label_names(_config_object(raw))
    if not source.pretrained:
        chosen = classes if classes is not None else tuple(f"class {i}" for i in range(len(own)))
        module, head, notes = _assemble(config, chosen, seed)
        return _built(module, config, chosen, entry, source.shown, False, head, notes)
    trained, headless = _load(raw, source, entry.name, classes is not None)
    module, head, notes = _assemble(config, classes if classes is not None else unique(own), seed)
    _transfer(trained, module, head if classes is not None else [])
    if headless and classes is None:
        notes = (*notes, "These weights have no classifier: train the model before you predict with it.")
    chosen = classes if classes is not None else () if headless else unique(own)
    return _built(module, config, chosen, entry, source.shown, True, head, notes)


def restore(config: Mapping[str, Any], classes: tuple[str, ...]) -> BuiltModel:
    """The architecture of `config` with random weights; see `building.from_config`."""
    config = dict(config)
    module, head, notes = _assemble(config, classes, 0)
    facts = transformers_facts(config["config"]) | {"num_classes": len(classes)}
    params = sum(parameter.numel() for parameter in module.parameters())
    entry = ModelEntry(name=str(config.get("name", "")), source="transformers", params=params, **facts)
    return _built(module, config, classes, entry, "random", False, head, notes)


def save(built: BuiltModel, folder: Path) -> list[str]:
    """`model.safetensors`, `config.json` and the processor's file; see `building.save_pretrained`."""
    model: Any = built.module.model
    before = {path.name for path in folder.iterdir()}
    with _quiet():
        model.save_pretrained(str(folder), max_shard_size="1000GB")
    processor = json.dumps(built.config["processor"], indent=2)
    (folder / processors.FILE).write_text(processor + "\n", "utf-8")
    written = {path.name for path in folder.iterdir()} - before
    return sorted(written | {"config.json", "model.safetensors", processors.FILE})


def safe_config(raw: Any) -> Any:
    """A configuration without keys that name code, kernels or number formats, at any depth.

    >>> safe_config({"model_type": "vit", "auto_map": {"AutoModel": "x.Y"}, "_attn_implementation_internal": "k/k"})
    {'model_type': 'vit'}
    """
    if isinstance(raw, Mapping):
        return {k: safe_config(v) for k, v in raw.items() if k not in _HOSTILE and not str(k).startswith("_")}
    return [safe_config(item) for item in raw] if isinstance(raw, (list, tuple)) else raw


def _files(entry: ModelEntry) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """`config.json` made safe, and the processor's file; None for a bare model type."""
    if entry.location:
        folder = Path(entry.location)
    elif entry.hub_id:
        from lepton_lab.catalog import hub

        folder = hub.fetch(entry.hub_id, "config.json").parent
        hub.fetch_optional(entry.hub_id, processors.FILE)
    else:
        return bare_files(entry)
    processor = processors.read_processor(folder)
    if processor is None:
        raise LeptonError(
            f"{entry.name} has no {processors.FILE}.",
            "Without it nobody can tell how images were prepared for these weights.",
            f"Put the file beside config.json in {folder.name}.",
        )
    return safe_config(read_config(folder)), processor


def bare_files(entry: ModelEntry) -> tuple[dict[str, Any], None]:
    """The default configuration of a model type, with as many classes as its entry says."""
    labels = {str(i): f"class {i}" for i in range(entry.num_classes)}
    return {"model_type": entry.family, "id2label": labels}, None


def record(name: str, raw: Mapping[str, Any], processor: Mapping[str, Any] | None, spec: ModelSpec) -> dict[str, Any]:
    """The JSON of `BuiltModel.config`."""
    safe = dict(raw)
    known = _config_object(safe)
    if processor is None:
        size = getattr(getattr(known, "vision_config", known), "image_size", None)
        side = size[0] if isinstance(size, (list, tuple)) else size
        found = processors.default_processor(safe["model_type"], side or 224)
    else:
        found = processors.complete(processor)
    if spec.image_size:
        found = processors.resized(found, spec.image_size)
    if spec.channels != safe.get("num_channels", 3):
        if not hasattr(known, "num_channels"):
            raise LeptonError(f"{name} takes 3 channels only.", f"{spec.channels} were asked for.", "channels=3")
        safe["num_channels"] = spec.channels
    return {
        "source": "transformers",
        "name": name,
        "config": safe,
        "processor": found,
        "image_size": spec.image_size,
        "channels": spec.channels,
    }


def _assemble(config: Mapping[str, Any], classes: tuple[str, ...], seed: int) -> tuple[Logits, list[str], tuple[str, ...]]:
    """A module with random weights and a head for `classes`, the head's parameters, and what was changed."""
    from lepton_lab.catalog.logits import Logits

    labelled = _labelled(config["config"], classes)
    options, flip = _options(config), processors.flips(config["processor"])
    with seeded(seed):
        model = create(labelled)
    head = [_PREFIX + name for name in _head(labelled)]
    return Logits(model.eval(), flip, options).eval(), head, _tame(model)


def _labelled(raw: Mapping[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    """The configuration with these classes and no trace of others."""
    kept = {key: value for key, value in raw.items() if key not in ("num_labels", "id2label", "label2id")}
    return kept | {
        "id2label": {str(i): name for i, name in enumerate(classes)},
        "label2id": {name: i for i, name in enumerate(classes)},
    }


def _config_object(raw: Mapping[str, Any]) -> Any:
    from transformers import CONFIG_MAPPING

    kind = str(raw.get("model_type", ""))
    if kind not in CONFIG_MAPPING:
        import transformers

        raise LeptonError(f"transformers {transformers.__version__} has no model type {kind[:60]!r}.", "", "%lepton models --source=transformers")
    try:
        return CONFIG_MAPPING[kind].from_dict(dict(raw))
    except Exception as error:  # a damaged configuration fails in as many ways as there are fields
        raise LeptonError(f"The configuration of this {kind} model is not valid.", str(error).strip().split("\n")[0][:160]) from error


def create(raw: Mapping[str, Any]) -> Any:
    """The classifier of a configuration with random weights. Raises LeptonError when it cannot be built."""
    config = _config_object(raw)
    try:
        return _model_class(config)(config).float()
    except (ImportError, ValueError, TypeError, KeyError) as error:
        raise LeptonError(f"transformers cannot build this {config.model_type} model.", str(error).strip().split("\n")[0][:160]) from error


def _model_class(config: Any) -> Any:
    """The classifier for a configuration; among several, the one that the checkpoint names."""
    from transformers import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING

    if type(config) not in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING:
        raise LeptonError(f"transformers has no image classifier of type {config.model_type!r}.", "", "%lepton models --source=transformers")
    found: Any = MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING[type(config)]
    choices = found if isinstance(found, tuple) else (found,)
    return next((cls for cls in choices if cls.__name__ in (config.architectures or ())), choices[0])


def _head(raw: Mapping[str, Any]) -> list[str]:
    """Parameters whose shape depends on the number of classes, told by building with one class more."""
    import torch

    names = tuple(raw["id2label"].values())
    with torch.device("meta"):
        one, other = create(raw), create(_labelled(raw, (*(f"{i}" for i in range(len(names))), "more")))
    shapes = {name: parameter.shape for name, parameter in other.named_parameters()}
    return [name for name, parameter in one.named_parameters() if parameter.shape != shapes[name]]


def _load(raw: Mapping[str, Any], source: weight_files.Source, name: str, new_head: bool) -> tuple[torch.nn.Module, bool]:
    """The pretrained model with the checkpoint's own head, and whether it lacks one."""
    import torch

    settings = _config_object(raw)
    options: dict[str, Any] = {"config": settings, "dtype": torch.float32, "output_loading_info": True, "ignore_mismatched_sizes": True}
    with _quiet(), seeded(0):
        if source.file is None or source.folder is not None:
            options |= {"use_safetensors": True, "local_files_only": True}
            model, info = _model_class(settings).from_pretrained(str(source.folder), **options)
        else:
            from safetensors.torch import load_file

            model, info = _model_class(settings).from_pretrained(None, state_dict=load_file(source.file), **options)
    head = set(_head(_labelled(raw, tuple(_label_names(settings)))))
    missing, mismatched = set(info["missing_keys"]), {item[0]: (item[1], item[2]) for item in info["mismatched_keys"]}
    wrong = (missing | set(mismatched)) - head
    if wrong or (mismatched and not new_head):
        found = {key: shape[0] for key, shape in mismatched.items()}
        wanted = {key: shape[1] for key, shape in mismatched.items()} | dict.fromkeys(missing - set(mismatched), ())
        raise weight_files.misfits(found, wanted, source.file.name if source.file else str(source.folder), name)
    return model.float(), bool(missing & head)


def _transfer(trained: torch.nn.Module, module: Logits, skip: list[str]) -> None:
    """Copy pretrained weights, but for the new head; a first layer for other channels is adapted as timm does."""
    from timm.models import adapt_input_conv

    left_out = {name.removeprefix(_PREFIX) for name in skip}
    target = module.model.state_dict()
    state = {}
    for name, value in trained.state_dict().items():
        if name in left_out:
            continue
        wanted = target[name].shape
        if value.shape != wanted and value.ndim == 4 and wanted[0] == value.shape[0]:
            value = adapt_input_conv(int(wanted[1]), value)
        state[name] = value
    module.model.load_state_dict(state, strict=False)


def _tame(model: Any) -> tuple[str, ...]:
    """Undo two settings that TensorFlow checkpoints carry over and that ruin fine-tuning.

    MobileNetV1 and V2 of transformers give BatchNorm a momentum of 0.9997 and 0.997: TensorFlow's decay,
    where torch means the share of the new batch, so running statistics would be those of the last batch
    alone. Their classifier's dropout of 0.999 and 0.8 is a probability to keep, used as one to drop.
    """
    import torch

    notes = []
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm) and (m.momentum or 0) > 0.2]
    if norms:
        notes.append(f"BatchNorm momentum {norms[0].momentum:g} of the checkpoint was set to 0.1 for training.")
    for norm in norms:
        norm.momentum = 0.1
    dropout: Any = getattr(model, "dropout", None)
    if model.config.model_type in ("mobilenet_v1", "mobilenet_v2") and getattr(dropout, "p", 0) > 0.5:
        notes.append(f"Classifier dropout {dropout.p:g} of the checkpoint is a share to keep; {1 - dropout.p:g} is dropped.")
        dropout.p = round(1 - dropout.p, 6)
    return tuple(notes)


def _options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the forward pass: position embeddings are interpolated for another image size."""
    settings = _config_object(config["config"])
    takes = inspect.signature(_model_class(settings).forward).parameters
    return {"interpolate_pos_encoding": True} if config["image_size"] and "interpolate_pos_encoding" in takes else {}


def _at_size(config: Mapping[str, Any], size: int) -> torch.nn.Module:
    import torch

    from lepton_lab.catalog.logits import Logits

    with torch.device("meta"):
        model = create(_labelled(config["config"], ("a", "b"))).eval()
    return Logits(model, options=_options({**config, "image_size": size}))


def _label_names(settings: Any) -> list[str]:
    return [str(settings.id2label[i]) for i in range(settings.num_labels)]


def _built(
    module: Logits,
    config: dict[str, Any],
    classes: tuple[str, ...],
    entry: ModelEntry,
    shown: str,
    pretrained: bool,
    head: list[str],
    notes: tuple[str, ...],
) -> BuiltModel:
    preprocessing = processors.from_processor(config["processor"], config["channels"])
    groups = named_groups(module, head)
    return BuiltModel(module, config, preprocessing, classes, entry, shown, pretrained, groups, head, notes)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no warnings about what is checked here anyway."""
    from transformers.utils import logging as library

    logging: Any = library
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


RECORD = Framework("transformers", "Image classifiers of transformers.", build, restore, save)
