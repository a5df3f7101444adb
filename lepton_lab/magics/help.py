# SPDX-License-Identifier: BSD-3-Clause
"""Help that is read off the verbs: the table of verbs, and one page per verb."""

from __future__ import annotations

from dataclasses import dataclass

from lepton_lab.magics.scan import split
from lepton_lab.magics.verb import Option, Positional, Verb
from lepton_lab.rendering import bundle, escape


@dataclass(frozen=True)
class Help:
    """A page of help; it shows itself as it is, in a notebook and in a terminal."""

    content: str

    def __str__(self) -> str:
        return self.content

    def __repr__(self) -> str:
        return self.content

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        markup = "<br>".join(escape(line) for line in self.content.split("\n"))
        return bundle(self.content, f'<pre class="lepton-help">{markup}</pre>')


def overview(*, notebook: bool = True) -> Help:
    """What `%lepton --help` and `%lepton?` show; a terminal gets no lines for notebooks."""
    from lepton_lab.magics.verbs import verbs

    lines = ["%lepton VERB [NAME …] [--option=value …]", ""]
    lines += [f"  {verb.name:<9} {verb.description}" for verb in verbs]
    if not notebook:
        return Help("\n".join([*lines, "", "%lepton VERB --help lists the options of a verb."]))
    lines += [
        "",
        "`%lepton` alone shows where you are and the next line to type.",
        "`%lepton VERB --help` lists the options of a verb.",
        "`run = %lepton train …` keeps what a verb returns.",
        "`%%lepton VERB` takes the options from the cell below, as TOML.",
        "",
        "  %load_ext lepton_lab",
        "  %lepton train resnet18 ./photos --epochs=5",
    ]
    return Help("\n".join(lines))


def page(verb: Verb) -> Help:
    """What `%lepton VERB --help` shows: signature, options, examples, the Python twin."""
    lines = [
        f"%lepton {_signature(verb)}" + (" [--option=value …]" if verb.options else ""),
        verb.description + ".",
    ]
    lines += _section([(place.shown, place.help) for place in verb.positionals])
    lines += _section([(_signature(action), action.description) for action in verb.actions])
    lines += _section([(_usage(option), _about(option)) for option in verb.options.values()])
    lines += ["", *(f"  %lepton {example}" for example in verb.examples)]
    lines += ["", f"In Python (import lepton_lab as lab):  {_twin(verb)}"]
    return Help("\n".join(lines))


def _signature(verb: Verb) -> str:
    return " ".join([verb.name, *map(_place, verb.positionals)])


def _place(place: Positional) -> str:
    text = place.shown + (" …" if place.many else "")
    return text if place.required else f"[{text}]"


def _usage(option: Option) -> str:
    """`--epochs=5`: the option with its default."""
    alias = f", --{option.alias}" if option.alias else ""
    if option.switch and isinstance(option.default, bool):
        return f"--{'[no-]' if option.default else ''}{option.flag[2:]}{alias}"
    shown = ",".join(option.default) if isinstance(option.default, tuple) else option.default
    return f"{option.flag}={'…' if shown in (None, '') else shown}{alias}"


def _about(option: Option) -> str:
    words = [word for word in option.choices if not option.switch or word == "auto"]
    if option.default is True:
        words = ["on unless --no-"]
    return option.help + (f" ({' | '.join(words)})" if words else "")


def _section(rows: list[tuple[str, str]]) -> list[str]:
    width = min(max((len(left) for left, _ in rows), default=0), 30)
    return ["", *(f"  {left:<{width}}  {right}" for left, right in rows)] if rows else []


def _twin(verb: Verb) -> str:
    """The Python of the last example."""
    from lepton_lab.magics.parser import parse_words
    from lepton_lab.magics.show import as_python

    request = parse_words(split(verb.examples[-1]))
    return as_python(verb, request.positionals, request.options)
