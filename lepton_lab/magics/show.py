# SPDX-License-Identifier: BSD-3-Clause
"""A request -> the line, the cell or the Python that asks for the same: "show code".

Whatever is chosen in a form, a card or a test can be pasted back: `parse_line(as_magic(…))` gives
the same request, and so does calling what `as_python` writes. Only what differs from the default
is shown.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Mapping
from typing import Any

from lepton_lab.magics.verb import Option, Verb


def as_magic(verb: Verb, positionals: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """The `%lepton` line; a `%%lepton` cell when a value cannot stand on one line.

    Args:
        verb: The verb.
        positionals: Positional name -> text, or a tuple of texts where it takes many.
        options: Option name -> value; the fields of a spec that were changed.
    """
    words = [
        text
        for value in positionals.values()
        for text in ([value] if isinstance(value, str) else value)
    ]
    chosen = {name: options[name] for name in verb.options if options.get(name) is not None}
    flags = [_flag(verb.options[name], value) for name, value in chosen.items()]
    taken = {action.words[1] for action in verb.actions}
    dashed = any(word.startswith("-") for word in words) or bool(taken & set(words[:1]))
    ordered = [*flags, "--", *words] if dashed else [*words, *flags]
    line = shlex.join(["%lepton", *verb.words, *ordered])
    if line.isprintable() and _in_order(verb, positionals, len(words)):
        return line
    body = "".join(
        f"{name} = {_toml(value)}\n" for name, value in {**positionals, **chosen}.items()
    )
    return f"%%lepton {verb.name}\n{body}"


def as_python(
    verb: Verb,
    positionals: Mapping[str, Any],
    options: Mapping[str, Any],
    variables: Collection[str] = (),
) -> str:
    """The Python expression of the same call, for `import lepton_lab as lab`.

    Args:
        verb: The verb.
        positionals: As for `as_magic`.
        options: As for `as_magic`.
        variables: Words that are Python variables and are written as such.
    """
    left = {name: value for name, value in options.items() if value is not None}
    if verb.function.startswith("."):
        return _method(verb, positionals, left, variables)
    arguments = []
    for place in verb.positionals:
        own = {n: left.pop(n) for n in list(left) if _belongs(verb, n, place.kind)}
        value = positionals.get(place.name)
        each = value or () if place.many and place.kind == "run" else (value,)
        arguments += [_argument(place.kind, one, own, variables) for one in each]
    while arguments and arguments[-1] == "None" and (len(arguments) > 1 or _optional(verb)):
        arguments.pop()
    arguments += [f"{name}={value!r}" for name, value in left.items()]
    return f"lab.{_function(verb, positionals, left)}({', '.join(arguments)})"


def _method(
    verb: Verb, positionals: Mapping[str, Any], options: Mapping[str, Any], known: Collection[str]
) -> str:
    """A method of a run: `lab.run('digits-1').tag('good')`."""
    given = {place.name: positionals.get(place.name) for place in verb.positionals}
    run = given.pop(verb.positionals[0].name)
    owner = run if run in known else f"lab.run({'' if run is None else repr(run)})"
    words = [w for v in given.values() if v for w in ([v] if isinstance(v, str) else v)]
    arguments = [*map(repr, words), *(f"{name}={value!r}" for name, value in options.items())]
    return f"{owner}{verb.function}({', '.join(arguments)})"


def _function(verb: Verb, positionals: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """The public function; the one run of a name is `lab.run`."""
    named = not set("*?[") & set(positionals.get("run", "*"))
    one = verb.function == "runs" and named and not options
    return "run" if one else verb.function


def _optional(verb: Verb) -> bool:
    """Whether the function's first argument may be left out; elsewhere None is the latest."""
    return verb.positionals[0].kind not in ("model", "data")


def _flag(option: Option, value: Any) -> str:
    if isinstance(value, bool) and option.switch:
        return option.flag if value else "--no-" + option.flag[2:]
    if option.words:
        value = ",".join(re.sub(r"([,\\\s])", r"\\\1", word) for word in value)
    return f"{option.flag}={value}"


def _in_order(verb: Verb, positionals: Mapping[str, Any], count: int) -> bool:
    """Whether places alone say which word is which: none is skipped before one that is given."""
    given = [place.name in positionals for place in verb.positionals]
    required = [place.required for place in verb.positionals]
    return given == sorted(given, reverse=True) or (given == required and count == 1)


def _toml(value: Any) -> str:
    """A value in TOML: its strings are JSON's, with every character that does not show escaped."""
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)


def _belongs(verb: Verb, name: str, kind: str) -> bool:
    """Whether an option describes the model or the data of a call and not the call itself."""
    owner = {"model": "ModelSpec", "data": "DataSpec"}.get(kind)
    return verb.function != kind and verb.options[name].cls.__name__ == owner


def _argument(kind: str, value: Any, own: Mapping[str, Any], variables: Collection[str]) -> str:
    """One argument: a variable, a text, or the call that makes it; None for the latest."""
    if isinstance(value, (tuple, list)):
        words = [word if word in variables else repr(word) for word in value]
        return words[0] if len(words) == 1 else f"[{', '.join(words)}]"
    subject = value if value is not None and value in variables else repr(value)
    if not own:
        return subject
    maker = {"model": "load_model", "data": "data"}[kind]
    return f"lab.{maker}({', '.join([subject, *(f'{n}={v!r}' for n, v in own.items())])})"
