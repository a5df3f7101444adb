# SPDX-License-Identifier: BSD-3-Clause
"""Python and the libraries against the floors that the installed package itself declares."""

from __future__ import annotations

import sys
from importlib import metadata

from lepton_lab.workbench.health import OK, PROBLEM, WARNING, Finding

SHOWN = ("torch", "torchvision", "timm", "transformers", "onnx", "onnxruntime")


def python() -> Finding:
    """The interpreter against the floor of the package."""
    found = f"{sys.version.split()[0]} in {sys.prefix}"
    floor = _floor()
    if floor and not fits(sys.version.split()[0], floor):
        return Finding("python", PROBLEM, found, f"Lepton Lab needs Python {floor}.")
    return Finding("python", OK, found)


def libraries() -> Finding:
    """Every library that the package requires, against its floor."""
    wrong = [version_problem(line) for line in _required()]
    missing = [text for text in wrong if text]
    have = ", ".join(f"{name} {have}" for name in SHOWN if (have := version(name)))
    if missing:
        names = " ".join(f"'{line}'" for line, text in zip(_required(), wrong, strict=True) if text)
        return Finding("libraries", PROBLEM, "; ".join(missing), f"%pip install -U {names}")
    if not _required():
        todo = "Install lepton-lab as a package, so that its floors are known."
        return Finding("libraries", WARNING, have, todo)
    return Finding("libraries", OK, have)


def _floor() -> str:
    """The versions of Python that the package takes; empty when it is not installed."""
    try:
        return str(metadata.metadata("lepton-lab").json.get("requires_python", ""))
    except metadata.PackageNotFoundError:
        return ""


def _required() -> list[str]:
    """The requirements of the package that no extra guards."""
    try:
        return [line for line in metadata.requires("lepton-lab") or () if "extra ==" not in line]
    except metadata.PackageNotFoundError:
        return []


def version(name: str) -> str:
    """The installed version of a distribution; empty when it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def version_problem(line: str) -> str:
    """What is wrong with one required library, or an empty string."""
    from packaging.requirements import Requirement

    wanted = Requirement(line)
    if wanted.marker is not None and not wanted.marker.evaluate():
        return ""
    have = version(wanted.name)
    if not have:
        return f"{wanted.name} is missing"
    if fits(have, str(wanted.specifier)):
        return ""
    return f"{wanted.name} is {have}, needs {wanted.specifier}"


def fits(version: str, specifier: str) -> bool:
    """Whether a version satisfies a specifier such as ">=3.11"; pre-releases count."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(version, prereleases=True)
