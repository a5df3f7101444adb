# SPDX-License-Identifier: BSD-3-Clause
"""Tab in a `%lepton` line or a `%%lepton` body, read off the same records as the parser.

`offers` is plain text in, candidates out; `matcher` wraps it for IPython. A matcher that raises
prints a traceback into the editor, so whatever goes wrong here offers nothing and is logged.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lepton_lab.magics import sources
from lepton_lab.magics.scan import Scan, find, scan, split
from lepton_lab.magics.sources import Candidate
from lepton_lab.magics.verb import Option, Positional, Verb
from lepton_lab.magics.verbs import verbs

logger = logging.getLogger(__name__)
IDENTIFIER = "lepton_lab.matcher"
_LINE = re.compile(r"\s*(?:[^=%#'\"]+=\s*)?%lepton(?=\s)|%%lepton(?=\s)")
_KEY = re.compile(r"\s*([\w-]*)$")
_VALUE = re.compile(r"\s*([\w-]+)\s*=\s*(?:\[.*?)?(\"?)([^\"\[\],]*)$")


def matcher(shell: Any) -> Callable[[Any], Any]:
    """The context matcher for a shell's completer."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    def complete(context: Any) -> dict[str, Any]:
        try:
            lines = context.full_text.split("\n")[: context.cursor_line]
            fragment, found = offers([*lines, context.text_until_cursor], shell.user_ns)
        except Exception:
            logger.debug("no completion", exc_info=True)
            fragment, found = "", []
        return {
            "completions": [SimpleCompletion(text=text, type=kind) for text, kind in found],
            "matched_fragment": fragment,
            "suppress": True,
            "ordered": True,
        }

    decorated: Callable[[Any], Any] = context_matcher(identifier=IDENTIFIER, priority=200)(complete)
    return decorated


def offers(lines: Sequence[str], namespace: Mapping[str, Any]) -> tuple[str, list[Candidate]]:
    """What may stand at the cursor.

    Args:
        lines: The lines of the cell up to the cursor, the last one cut at it.
        namespace: The variables.

    Returns:
        The text before the cursor that a candidate replaces, and (text, kind) pairs, best first.
    """
    start = _LINE.match(lines[-1])
    if start:
        return _in_line(lines[-1][start.end() :], namespace)
    head = _LINE.match(lines[0])
    if len(lines) > 1 and head and lines[0].startswith("%%"):
        return _in_body(lines[0][head.end() :], lines[1:], namespace)
    return "", []


def _in_line(text: str, namespace: Mapping[str, Any]) -> tuple[str, list[Candidate]]:
    before, fragment = last_word(text)
    if not before.strip():
        return fragment, sources.starting(fragment, [(verb.name, "verb") for verb in verbs])
    words = split(before)
    if words[0] not in verbs:
        return fragment, []
    verb = verbs.get(words[0]).named_by(words)
    state = scan(verb, words[len(verb.words) :])
    if state.awaiting is not None:
        return fragment, _values(state.awaiting, fragment)
    if fragment.startswith("-") and not state.literal:
        return _option(verb, state, fragment)
    place = _next_place(verb, state)
    found = sources.words(place, fragment, namespace) if place else []
    if verb.actions and not state.positionals and not state.literal:
        actions = [(action.words[1], "action") for action in verb.actions]
        found = found + sources.starting(fragment, actions)
    return fragment, found or ([] if fragment else sources.flags(_unused(verb, state)))


def _option(verb: Verb, state: Scan, fragment: str) -> tuple[str, list[Candidate]]:
    """`--opt` or `--option=val`."""
    name, equals, value = fragment.lstrip("-").partition("=")
    if not equals:
        return fragment, sources.starting(fragment, sources.flags(_unused(verb, state), fragment))
    option, negative = find(verb, name)
    return value, _values(option, value) if option and not negative else []


def _in_body(
    head: str, lines: Sequence[str], namespace: Mapping[str, Any]
) -> tuple[str, list[Candidate]]:
    words = split(head)
    if not words or words[0] not in verbs:
        return "", []
    verb = verbs.get(words[0]).named_by(words)
    state = scan(verb, words[len(verb.words) :])
    used = {
        m[1].replace("-", "_") for line in lines[:-1] if (m := re.match(r"\s*([\w-]+)\s*=", line))
    }
    if match := _KEY.fullmatch(lines[-1]):
        places = [place.name for place in verb.positionals[len(state.positionals) :]]
        keys = [(name, "name") for name in places] + [
            (o.name, "option") for o in _unused(verb, state)
        ]
        fresh = [(f"{key} = ", kind) for key, kind in keys if key not in used]
        return match[1], sources.starting(match[1].replace("-", "_"), fresh)
    if match := _VALUE.fullmatch(lines[-1]):
        return match[3], _body_values(verb, match, namespace)
    return "", []


def _body_values(verb: Verb, match: re.Match[str], namespace: Mapping[str, Any]) -> list[Candidate]:
    """Values after `key = `, in quotes unless the quote is there already."""
    key, quote, fragment = match[1].replace("-", "_"), match[2], match[3]
    option = verb.keys.get(key)
    place = next((place for place in verb.positionals if place.name == key), None)
    if option is not None:
        found = _values(option, fragment)
    else:
        found = sources.words(place, fragment, namespace, quoted=False) if place else []
    bare = {"true", "false"} if option is not None and option.switch else set()
    return [
        (t if quote or t in bare or _is_number(t) else json.dumps(t, ensure_ascii=False), kind)
        for t, kind in found
    ]


def last_word(text: str) -> tuple[str, str]:
    """`text` cut before its last word, which may have an open quotation mark.

    >>> last_word("train resnet18 'my pho")
    ('train resnet18 ', "'my pho")
    """
    start, quote, escaped = 0, "", False
    for index, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char.isspace():
            start = index + 1
    return text[:start], text[start:]


def _values(option: Option, fragment: str) -> list[Candidate]:
    """The words of an option, and its default as a sample of what it takes."""
    if any(mark in fragment for mark in "/\\~"):
        return sources.paths(fragment)
    plain = [(word, "value") for word in option.choices]
    sample = "" if option.default is None or option.words else str(option.default)
    if sample and not option.switch and (sample, "value") not in plain:
        plain.append((sample, "default"))
    return sources.starting(fragment, plain)


def _next_place(verb: Verb, state: Scan) -> Positional | None:
    """The positional that the next word would be."""
    count = len(state.positionals)
    if count < len(verb.positionals):
        return verb.positionals[count]
    last = verb.positionals[-1] if verb.positionals else None
    return last if last is not None and last.many else None


def _unused(verb: Verb, state: Scan) -> list[Option]:
    return [option for name, option in verb.options.items() if name not in state.given]


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", text))
