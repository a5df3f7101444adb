# SPDX-License-Identifier: BSD-3-Clause
"""What all builders on transformers share: safe configurations, whole heads, float32, safetensors only.

Only classes of the installed library are used; keys of a configuration that could bring in other code
are dropped. The head and its names are always replaced together. An `Auto` says which family of
classes a task takes (`AutoModelForImageClassification` and its like) and builds, loads and compares them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_lab.catalog import weights as weight_files
from lepton_lab.catalog.building import seeded
from lepton_lab.errors import LeptonError

if TYPE_CHECKING:
    import torch

PREFIX = "model."
BARE = "MODEL_MAPPING"
_HOSTILE = {
    "auto_map", "custom_pipelines", "attn_implementation", "experts_implementation", "quantization_config",
    "dtype", "torch_dtype", "trust_remote_code", "kernel_config", "use_kernels",
}  # fmt: skip


@dataclass(frozen=True)
class Loaded:
    """A pretrained model as its checkpoint has it.

    Attributes:
        model: In float32, with the head of the checkpoint.
        fresh: Names of the parameters that the checkpoint lacks; their values are random.
        headless: Whether parameters of its classes are among them.
    """

    model: Any
    fresh: frozenset[str]
    headless: bool


@dataclass(frozen=True)
class Auto:
    """One family of classes of transformers: those with the head of one task.

    Attributes:
        mapping: Name of the library's mapping from configurations to classes.
        noun: What such a class is called in messages ("image classifier").
    """

    mapping: str
    noun: str

    def model_class(self, config: Any) -> Any:
        """The class for a configuration; among several, the one that the checkpoint names.

        Raises:
            LeptonError: The library has no such class for this type of model.
        """
        import transformers

        known = getattr(transformers, self.mapping)
        if type(config) not in known:
            raise LeptonError(
                f"transformers has no {self.noun} of type {config.model_type!r}.",
                "",
                "%lepton models --source=transformers",
            )
        found: Any = known[type(config)]
        choices = found if isinstance(found, tuple) else (found,)
        named = (cls for cls in choices if cls.__name__ in (config.architectures or ()))
        return next(named, choices[0])

    def create(self, raw: Mapping[str, Any]) -> Any:
        """The model of a configuration with random weights, in float32.

        Raises:
            LeptonError: It cannot be built.
        """
        config = config_object(raw)
        try:
            return self.model_class(config)(config).float()
        except (ImportError, ValueError, TypeError, KeyError) as error:
            raise LeptonError(
                f"transformers cannot build this {config.model_type} model.", first_line(error)
            ) from error

    def sized_by_classes(self, raw: Mapping[str, Any]) -> list[str]:
        """Parameters whose shape depends on the number of classes, told by building with one class more."""
        import torch

        names = tuple(raw["id2label"].values())
        more = (*(f"{i}" for i in range(len(names))), "more")
        with torch.device("meta"):
            one, other = self.create(raw), self.create(labelled(raw, more))
        shapes = {name: parameter.shape for name, parameter in other.named_parameters()}
        return [n for n, parameter in one.named_parameters() if parameter.shape != shapes[n]]

    def load(
        self, raw: Mapping[str, Any], source: weight_files.Source, name: str, new_head: bool
    ) -> Loaded:
        """The pretrained model with the checkpoint's own head.

        A checkpoint may lack what lies outside the backbone (it was trained for something else) and a
        pooler; everything else must be there and fit.

        Args:
            raw: A safe configuration.
            source: The weights.
            name: Of the model, for messages.
            new_head: Whether the head is replaced anyway, so that its shapes may differ.

        Raises:
            WeightsError: Names the first tensors that do not fit.
        """
        import torch

        settings = config_object(raw)
        options: dict[str, Any] = {
            "config": settings,
            "dtype": torch.float32,
            "output_loading_info": True,
            "ignore_mismatched_sizes": True,
        }
        with quiet(), seeded(0):
            if source.file is None or source.folder is not None:
                options |= {"use_safetensors": True, "local_files_only": True}
                model, info = self.model_class(settings).from_pretrained(
                    str(source.folder), **options
                )
            else:
                from safetensors.torch import load_file

                state = load_file(source.file)
                model, info = self.model_class(settings).from_pretrained(
                    None, state_dict=state, **options
                )
        sized = set(self.sized_by_classes(labelled(raw, tuple(label_names(settings)))))
        missing = set(info["missing_keys"])
        mismatched = {item[0]: (item[1], item[2]) for item in info["mismatched_keys"]}
        backbone = "" if self.mapping == BARE else model.base_model_prefix
        loose = sized | {n for n in missing if may_be_missing(n, backbone)}
        wrong = (missing - loose) | (set(mismatched) - sized)
        if wrong or (mismatched and not new_head):
            found = {key: shape[0] for key, shape in mismatched.items()}
            wanted = {key: shape[1] for key, shape in mismatched.items()}
            wanted |= dict.fromkeys(wrong - set(mismatched), ())
            file = source.file.name if source.file else str(source.folder)
            raise weight_files.misfits(found, wanted, file, name)
        return Loaded(model.float(), frozenset(missing), bool(missing & sized))


def safe_config(raw: Any) -> Any:
    """A configuration without keys that name code, kernels or number formats, at any depth.

    >>> safe_config({"model_type": "vit", "auto_map": {"AutoModel": "x.Y"}, "_attn_implementation_internal": "k/k"})
    {'model_type': 'vit'}
    """
    if isinstance(raw, Mapping):
        kept = (k for k in raw if k not in _HOSTILE and not str(k).startswith("_"))
        return {k: safe_config(raw[k]) for k in kept}
    return [safe_config(item) for item in raw] if isinstance(raw, (list, tuple)) else raw


def config_object(raw: Mapping[str, Any]) -> Any:
    """The library's configuration object. Raises LeptonError for an unknown or damaged one."""
    from transformers import CONFIG_MAPPING

    kind = str(raw.get("model_type", ""))
    if kind not in CONFIG_MAPPING:
        import transformers

        raise LeptonError(
            f"transformers {transformers.__version__} has no model type {kind[:60]!r}.",
            "",
            "%lepton models --source=transformers",
        )
    try:
        return CONFIG_MAPPING[kind].from_dict(dict(raw))
    except Exception as error:  # a damaged configuration fails in as many ways as there are fields
        raise LeptonError(
            f"The configuration of this {kind} model is not valid.", first_line(error)
        ) from error


def labelled(raw: Mapping[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    """The configuration with these classes and no trace of others."""
    dropped = ("num_labels", "id2label", "label2id")
    return {key: value for key, value in raw.items() if key not in dropped} | {
        "id2label": {str(i): name for i, name in enumerate(classes)},
        "label2id": {name: i for i, name in enumerate(classes)},
    }


def label_names(settings: Any) -> list[str]:
    """The names of a configuration's outputs, in their order."""
    return [str(settings.id2label[i]) for i in range(settings.num_labels)]


def may_be_missing(name: str, backbone: str) -> bool:
    """Whether a checkpoint that was made for something else may lack this parameter; without a name all is backbone.

    >>> [may_be_missing(n, "bert") for n in ("classifier.weight", "bert.pooler.dense.bias", "bert.embeddings.norm.bias")]
    [True, True, False]
    """
    inside = not backbone or name.startswith(f"{backbone}.")
    return not inside or "pooler." in name


def transfer(trained: torch.nn.Module, module: Any, skip: Collection[str]) -> None:
    """Copy pretrained weights into `module.model`; a first layer for other channels is adapted as timm does.

    Args:
        trained: The model as loaded.
        module: Holds a model of the same class as `model`.
        skip: Names that keep the values that `module` has, with or without the prefix "model.".
    """
    left_out = {name.removeprefix(PREFIX) for name in skip}
    target = module.model.state_dict()
    state = {}
    for name, value in trained.state_dict().items():
        if name in left_out:
            continue
        wanted = target[name].shape
        if value.shape != wanted and value.ndim == 4 and wanted[0] == value.shape[0]:
            from timm.models import adapt_input_conv

            value = adapt_input_conv(int(wanted[1]), value)
        state[name] = value
    module.model.load_state_dict(state, strict=False)


def tame(model: Any) -> tuple[str, ...]:
    """Undo two settings that TensorFlow checkpoints carry over and that ruin fine-tuning; says what was changed.

    MobileNetV1 and V2 of transformers give BatchNorm a momentum of 0.9997 and 0.997: TensorFlow's decay,
    where torch means the share of the new batch, so running statistics would be those of the last batch
    alone. Their classifier's dropout of 0.999 and 0.8 is a probability to keep, used as one to drop.
    """
    import torch

    notes = []
    norm_class = torch.nn.modules.batchnorm._BatchNorm
    norms = [m for m in model.modules() if isinstance(m, norm_class) and (m.momentum or 0) > 0.2]
    if norms:
        was = norms[0].momentum
        notes.append(f"BatchNorm momentum {was:g} of the checkpoint was set to 0.1 for training.")
    for norm in norms:
        norm.momentum = 0.1
    dropout: Any = getattr(model, "dropout", None)
    mobile = model.config.model_type in ("mobilenet_v1", "mobilenet_v2")
    if mobile and getattr(dropout, "p", 0) > 0.5:
        notes.append(
            f"Classifier dropout {dropout.p:g} of the checkpoint is a share to keep; {1 - dropout.p:g} is dropped."
        )
        dropout.p = round(1 - dropout.p, 6)
    return tuple(notes)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
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


def first_line(error: BaseException) -> str:
    """What an error of the library says, short."""
    return str(error).strip().split("\n")[0][:160]
