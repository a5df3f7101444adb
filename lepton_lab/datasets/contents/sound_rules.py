# SPDX-License-Identifier: BSD-3-Clause
"""What the audit looks for in sounds, from the facts that loading has gathered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_lab.datasets.records import Finding, Severity, number, plural
from lepton_lab.runtime.sound import SoundFacts

if TYPE_CHECKING:
    from lepton_lab.datasets.dataset import Dataset

# Below -60 dB of full scale there is nothing to hear, and little more than the noise of a converter.
SILENT = 1e-3
CLIPPED = 0.01
SHORT = 0.05
UNEQUAL = 4.0


def facts_of(dataset: Dataset) -> dict[str, SoundFacts]:
    """What is known of each readable clip, by id."""
    found: dict[str, Any] = {name: check.facts for name, check in dataset.checks.items()}
    return {name: facts for name, facts in sorted(found.items()) if isinstance(facts, SoundFacts)}


def describe(dataset: Dataset) -> dict[str, str]:
    """One line for the data card: lengths, rates and channels."""
    facts = list(facts_of(dataset).values())
    if not facts:
        return {}
    seconds = np.array([one.seconds for one in facts])
    length = f"{seconds.min():.2f} to {seconds.max():.2f} s, median {np.median(seconds):.2f} s"
    rates = sorted({one.rate for one in facts})
    shown = ", ".join(number(rate) for rate in rates[:3]) + (", …" if len(rates) > 3 else "")
    stereo = max(one.channels for one in facts)
    return {
        "clips": f"{length}; {shown} Hz, {'mono' if stereo == 1 else f'up to {stereo} channels'}"
    }


def other_rates(dataset: Dataset) -> list[Finding]:
    """Clips whose rate is not that of most."""
    facts = facts_of(dataset)
    counts = Counter(one.rate for one in facts.values())
    if len(counts) < 2:
        return []
    usual = counts.most_common(1)[0][0]
    odd = [name for name, one in facts.items() if one.rate != usual]
    what = plural(len(odd), "clip has", "clips have") + f" another rate than {number(usual)} Hz."
    return [
        _finding(
            "other-rates",
            "info",
            odd,
            what,
            "Resampled to the rate of the model.",
            facts,
            lambda f: f"{f.rate} Hz",
        )
    ]


def several_channels(dataset: Dataset) -> list[Finding]:
    """Stereo and more."""
    facts = facts_of(dataset)
    odd = [name for name, one in facts.items() if one.channels > 1]
    what = plural(len(odd), "clip has", "clips have") + " several channels."
    return [
        _finding(
            "several-channels",
            "info",
            odd,
            what,
            "Mixed to one by their mean.",
            facts,
            lambda f: str(f.channels),
        )
    ]


def unequal_lengths(dataset: Dataset) -> list[Finding]:
    """Lengths that differ by a factor of four and more."""
    facts = facts_of(dataset)
    middle = float(np.median([one.seconds for one in facts.values()])) if facts else 0.0
    odd = [name for name, one in facts.items() if one.seconds > UNEQUAL * middle]
    what = (
        plural(len(odd), "clip is", "clips are")
        + f" more than {UNEQUAL:g} times as long as the median of {middle:.2f} s."
    )
    done = "Cut to the model's window: its middle to evaluate, a random part to train."
    return [
        _finding("long-clips", "warning", odd, what, done, facts, lambda f: f"{f.seconds:.2f} s")
    ]


def short_clips(dataset: Dataset) -> list[Finding]:
    """Clips too short for a sound to be heard in them."""
    facts = facts_of(dataset)
    odd = [name for name, one in facts.items() if one.seconds < SHORT]
    what = plural(len(odd), "clip is", "clips are") + f" shorter than {SHORT * 1000:g} ms."
    return [
        _finding(
            "short-clips",
            "warning",
            odd,
            what,
            "Kept, with silence behind them.",
            facts,
            lambda f: f"{f.seconds * 1000:.1f} ms",
        )
    ]


def silent(dataset: Dataset) -> list[Finding]:
    """Clips in which there is nothing."""
    facts = facts_of(dataset)
    odd = [name for name, one in facts.items() if one.peak < SILENT]
    what = plural(len(odd), "clip is", "clips are") + " silent."
    done = "Kept; their label cannot be learned from them. Delete them, unless silence is a class."
    return [_finding("silent", "warning", odd, what, done, facts, lambda f: f"peak {f.peak:.1g}")]


def overdriven(dataset: Dataset) -> list[Finding]:
    """Clips that were recorded too loud."""
    facts = facts_of(dataset)
    odd = [name for name, one in facts.items() if one.clipped > CLIPPED]
    what = (
        plural(len(odd), "clip is", "clips are")
        + f" overdriven: more than {CLIPPED:.0%} of the samples are at the end of the scale."
    )
    return [
        _finding(
            "overdriven",
            "info",
            odd,
            what,
            "Kept as they are.",
            facts,
            lambda f: f"{f.clipped:.0%}",
        )
    ]


def wrong_extension(dataset: Dataset) -> list[Finding]:
    """Files of another format than their name says."""
    from lepton_lab.datasets.sources.sounds import FORMATS

    facts = facts_of(dataset)
    said = {name: FORMATS.get(PurePosixPath(name).suffix.lower(), "") for name in facts}
    odd = [
        name
        for name, one in facts.items()
        if said[name] and one.format and said[name] != one.format
    ]
    what = plural(len(odd), "clip is", "clips are") + " of another format than the name says."
    return [
        _finding(
            "wrong-extension", "info", odd, what, "Read by content.", facts, lambda f: f.format
        )
    ]


def _finding(
    code: str,
    severity: Severity,
    odd: list[str],
    what: str,
    done: str,
    facts: dict[str, SoundFacts],
    remark: Callable[[SoundFacts], str],
) -> Finding:
    details = tuple(remark(facts[name]) for name in odd)
    return Finding(code, severity, len(odd), what, done, tuple(odd), details)


def _if_any(rule: Callable[[Dataset], list[Finding]]) -> Callable[[Dataset], list[Finding]]:
    def found(dataset: Dataset) -> list[Finding]:
        return [finding for finding in rule(dataset) if finding.count]

    return found


RULES = tuple(
    map(
        _if_any,
        (
            other_rates,
            several_channels,
            unequal_lengths,
            short_clips,
            silent,
            overdriven,
            wrong_extension,
        ),
    )
)
