# SPDX-License-Identifier: BSD-3-Clause
"""What a verb is: the record that the parser, completion, help and "show code" are generated from.

`%lepton train resnet18 ./photos --epochs=3` is the verb `train`, two positionals and one option. A
verb names its positionals and the spec classes whose fields are its options; its `call` is one
call of the public API. To add a verb, add one file under `verbs/` that registers one record.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, field
from functools import cached_property
from typing import Any, Literal

from lepton_lab import spec
from lepton_lab.registry import Registry

Kind = Literal["model", "trained", "data", "run", "deleted", "input", "pattern", "word"]


@dataclass(frozen=True)
class Positional:
    """A word of the line that is known by its place.

    Attributes:
        name: Its key in a TOML body and in the request.
        kind: What may stand there; completion and "show code" go by it.
        help: One line.
        metavar: How help writes it; the name in capitals when left out.
        required: Without it the verb cannot start. Others mean "the latest one" when left out.
        many: Takes all the words that remain.
    """

    name: str
    kind: Kind
    help: str
    metavar: str = ""
    required: bool = False
    many: bool = False

    @property
    def shown(self) -> str:
        """The word that stands for it in help and messages."""
        return self.metavar or self.name.upper()


@dataclass(frozen=True)
class Part:
    """A spec class and those of its fields that are options of a verb (none named: all of them)."""

    cls: type
    fields: tuple[str, ...] = ()

    def options(self) -> dict[str, Field[Any]]:
        """Field name -> field. A field that is a positional of its spec is no option."""
        found = {
            f.name: f for f in spec.names(self.cls).values() if not f.metadata.get("positional")
        }
        return {name: found[name] for name in self.fields or found}


def named(default: Any, help: str, names: Callable[[], Iterable[str]]) -> Any:
    """A field like `spec.option` whose words are the names of a registry, asked for when needed."""
    return field(default=default, metadata={"help": help, "names": names})


@dataclass(frozen=True)
class Option:
    """One option of a verb: a field of one of its specs."""

    field: Field[Any]
    cls: type

    @property
    def name(self) -> str:
        """The Python name."""
        return self.field.name

    @property
    def flag(self) -> str:
        """The name as it is typed on a line."""
        return "--" + self.name.replace("_", "-")

    @property
    def alias(self) -> str:
        """The short form without dashes, or an empty string."""
        return str(self.field.metadata.get("alias") or "")

    @property
    def help(self) -> str:
        """One line."""
        return str(self.field.metadata.get("help", ""))

    @property
    def default(self) -> Any:
        """The value when it is left out."""
        return spec.default(self.field)

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """The words that it takes or knows; empty when it takes anything."""
        names = self.field.metadata.get("names")
        return tuple(names()) if names else spec.choices(self.cls, self.name)

    @cached_property
    def members(self) -> tuple[Any, ...]:
        """The types that a value may have."""
        annotation = spec.hint(self.cls, self.name)
        union = not isinstance(annotation, type) and typing.get_origin(annotation) not in (
            Literal,
            tuple,
        )
        return typing.get_args(annotation) if union else (annotation,)

    @property
    def switch(self) -> bool:
        """Whether `--name` and `--no-name` need no value."""
        return bool in self.members

    @property
    def words(self) -> bool:
        """Whether it takes names separated by commas."""
        return any(typing.get_origin(member) is tuple for member in self.members)


@dataclass(frozen=True)
class Verb:
    """A verb of the magic and of the command line.

    Attributes:
        name: The word after `%lepton`.
        description: One line.
        positionals: In the order of the line.
        parts: The specs whose fields are its options.
        function: The public function that it calls, for "show code".
        call: `call(request, namespace)` -> the object of the API; one public call.
        examples: Lines without `%lepton`, shown by `--help` and executed by tests.
        actions: Verbs of two words that begin with this one ("runs stop").
    """

    name: str
    description: str
    positionals: tuple[Positional, ...]
    parts: tuple[Part, ...]
    function: str
    call: Callable[[Request, Mapping[str, Any]], Any]
    examples: tuple[str, ...]
    actions: tuple[Verb, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the line that name it: one, or two for an action."""
        return tuple(self.name.split())

    def named_by(self, words: Sequence[str]) -> Verb:
        """This verb, or the action of it that the words of a line name."""
        second = tuple(words[:2])
        return next((action for action in self.actions if action.words == second), self)

    @cached_property
    def options(self) -> dict[str, Option]:
        """Python name -> option, in the order of the specs."""
        return {
            name: Option(f, part.cls) for part in self.parts for name, f in part.options().items()
        }

    @cached_property
    def keys(self) -> dict[str, Option]:
        """Python name and alias -> option."""
        return self.options | {
            option.alias: option for option in self.options.values() if option.alias
        }

    @property
    def takes(self) -> str:
        """The positionals in a sentence: "MODEL and DATA"."""
        return " and ".join(place.shown for place in self.positionals) or "no names"


@dataclass(frozen=True)
class Request:
    """A line that was understood: the verb, its words, and the options that were given, typed.

    `verb` is None for `%lepton` alone and for `%lepton --help`.
    """

    verb: Verb | None
    positionals: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    help: bool = False

    def word(self, name: str) -> Any:
        """A positional: text, a tuple of texts where it takes many, or None when left out."""
        return self.positionals.get(name)

    def given(self, cls: type) -> dict[str, Any]:
        """The options of one spec that the line gave, ready to be keyword arguments."""
        options = self.verb.options if self.verb else {}
        return {name: value for name, value in self.options.items() if options[name].cls is cls}


verbs: Registry[Verb] = Registry("verb", "%lepton --help")
