# SPDX-License-Identifier: BSD-3-Clause
"""How the house is kept: rules that every module follows, checked on the source itself."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

import lepton_lab

ROOT = Path(lepton_lab.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
SPDX = "# SPDX-License-Identifier: BSD-3-Clause"
SPEAKING = {
    "magics/command_line.py",
    "runtime/__main__.py",
}  # programs of a terminal: printing is their task


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def no(problems: list[str]) -> None:
    assert not problems, "\n" + "\n".join(problems)


def strings(tree: ast.AST) -> Iterator[ast.Constant]:
    """The texts of a module, without docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and is_documented(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node


def is_documented(node: ast.AST) -> bool:
    return (
        bool(node.body)
        and isinstance(node.body[0], ast.Expr)
        and ast.get_docstring(node) is not None
    )


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def public(tree: ast.Module) -> Iterator[ast.AST]:
    """Public functions, classes, and public methods of public classes."""
    pending: list[tuple[ast.AST, bool]] = [(node, False) for node in tree.body]
    while pending:
        node, quiet = pending.pop()
        if isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ) and not node.name.startswith("_"):
            if not quiet or isinstance(node, ast.ClassDef):
                yield node
            if isinstance(node, ast.ClassDef):
                pending += [(child, is_record(node)) for child in node.body]


def is_record(node: ast.ClassDef) -> bool:
    """A protocol of plain properties needs no words on each."""
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Calls of a bare name, or of a dotted one as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def refused_calls(tree: ast.AST, speaking: bool) -> Iterator[str]:
    for node, name in calls(tree):
        keywords = {
            k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)
        }
        if name in {
            "eval",
            "exec",
            "compile",
            "__import__",
            "tqdm",
            "input",
            "breakpoint",
            "os.system",
        }:
            yield f"{node.lineno}: {name}("
        if name == "print" and not speaking:
            yield f"{node.lineno}: print("
        if (
            keywords.get("trust_remote_code")
            or keywords.get("allow_pickle")
            or keywords.get("shell")
        ):
            yield f"{node.lineno}: {name}({keywords})"
        if name in {"torch.load", "np.load", "numpy.load"}:
            safe = keywords.get("weights_only") is True or keywords.get("allow_pickle") is False
            if not safe:
                yield f"{node.lineno}: {name} that may open a pickle"
        if name.split(".")[0] in {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}:
            yield f"{node.lineno}: {name}("
        if name in {"yaml.load", "tempfile.mktemp", "allow_embed", "pandas.read_pickle"}:
            yield f"{node.lineno}: {name}("


def refused_imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name.split(".")[0] in {
                "pickle",
                "cloudpickle",
                "dill",
                "joblib",
                "marshal",
                "shelve",
                "tqdm",
            }:
                yield f"{node.lineno}: import {name}"


# Written in parts, so that this file does not hold what it looks for.
MARKS = re.compile(
    r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r"|for " + r"now)\b"
)
HOSTS = re.compile(
    "|".join(
        [
            r"py" + r"pi\.org",
            r"pythonhosted",
            r"np" + r"mjs",
            r"deb" + r"ian\.org",
            r"cdn\.",
            r"unp" + r"kg",
        ]
    )
)
PLACES = re.compile(r"(?<![\w.])(/home/\w|/root/|/Users/\w|[A-Z]:\\\\)")


@pytest.fixture(scope="module")
def parsed() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text("utf-8")) for path in FILES}


def test_there_is_a_house():
    assert len(FILES) > 50


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_a_module_is_short_and_begins_with_its_licence_and_what_it_is(path):
    source = path.read_text("utf-8")
    lines = source.splitlines()
    assert lines[0] == SPDX
    docstring = ast.get_docstring(ast.parse(source))
    assert docstring
    assert len(docstring) > 20
    assert len(lines) <= 400


def test_the_median_module_is_at_most_120_lines_long():
    assert median(len(path.read_text("utf-8").splitlines()) for path in FILES) <= 120


def test_every_function_says_what_it_returns_and_what_it_takes(parsed):
    problems = []
    for path, tree in parsed.items():
        for node in functions(tree):
            bare = [
                argument.arg
                for argument in (
                    *node.args.posonlyargs,
                    *node.args.args,
                    *node.args.kwonlyargs,
                    node.args.vararg,
                    node.args.kwarg,
                )
                if argument is not None
                and argument.annotation is None
                and argument.arg not in ("self", "cls")
            ]
            if node.returns is None or bare:
                problems.append(f"{shown(path)}:{node.lineno}: {node.name} {bare or '-> ?'}")
    no(problems)


def test_every_public_function_class_and_method_has_a_docstring(parsed):
    no(
        [
            f"{shown(path)}:{node.lineno}: {node.name}"
            for path, tree in parsed.items()
            for node in public(tree)
            if not ast.get_docstring(node)
            and not any(
                "overload" in ast.unparse(d) or "setter" in ast.unparse(d)
                for d in node.decorator_list
            )
            and f"{node.name}.__doc__" not in path.read_text("utf-8")
        ]
    )


def test_nothing_is_printed_evaluated_or_unpickled(parsed):
    no(
        [
            f"{shown(path)}:{problem}"
            for path, tree in parsed.items()
            for problem in (*refused_calls(tree, shown(path) in SPEAKING), *refused_imports(tree))
        ]
    )


def test_nothing_is_left_for_later(parsed):
    problems = []
    for path, tree in parsed.items():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if MARKS.search(line):
                problems.append(f"{shown(path)}:{number}: {line.strip()}")
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Raise)
                and node.exc is not None
                and "NotImplementedError" in ast.unparse(node.exc)
            ):
                problems.append(f"{shown(path)}:{node.lineno}: a stub")
    no(problems)


def test_no_comment_is_a_banner_or_code(parsed):
    problems = []
    for path in parsed:
        for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
            if token.type == tokenize.COMMENT and is_clutter(token.string):
                problems.append(f"{shown(path)}:{token.start[0]}: {token.string}")
    no(problems)


def is_clutter(comment: str) -> bool:
    """A line of dashes, or a statement that was commented out."""
    text = comment.lstrip("#").strip()
    if re.search(r"[-=#*]{4,}", comment):
        return True
    if not re.match(
        r"(import |from \w+ import |return |if .*:$|for .*:$|def |\w+(\.\w+)* ?= ?\S|\w+(\.\w+)*\(.*\)$)",
        text,
    ):
        return False
    try:
        ast.parse(text + ("\n    pass" if text.endswith(":") else ""))
    except SyntaxError:
        return False
    return True


RULES: dict[str, Callable[[str], bool]] = {
    "the word that tells a user nothing": lambda text: (
        re.search(r"\binva" + r"lid\b", text, re.I) is not None
    ),
    "a switch for unsafe HTML": lambda text: "unsafe_" + "allow" in text,
    "a host of a package registry": lambda text: HOSTS.search(text) is not None,
    "a place on somebody's machine": lambda text: PLACES.search(text) is not None,
}


@pytest.mark.parametrize("rule", RULES)
def test_no_text_has(rule, parsed):
    no(
        [
            f"{shown(path)}:{node.lineno}: {node.value[:80]!r}"
            for path, tree in parsed.items()
            for node in strings(tree)
            if RULES[rule](node.value)
        ]
    )


def test_no_line_whatever_names_a_registry_or_a_machine():
    no(
        [
            f"{shown(path)}:{number}: {line.strip()}"
            for path in sorted(ROOT.rglob("*"))
            if path.suffix in {".py", ".js", ".css", ".json", ".toml", ".md", ".txt", ".html"}
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if HOSTS.search(line) or PLACES.search(line) or "unsafe_" + "allow" in line
        ]
    )


@pytest.mark.parametrize(
    "source",
    [
        "print(1)", "eval('1')", "import pickle", "from pickle import load", "exec('')", "m(trust_remote_code=True)",
        "np.load(f)", "np.load(f, allow_pickle=True)", "torch.load(f)", "torch.load(f, weights_only=False)",
        "run(c, shell=True)", "def f():\n    from tqdm import tqdm",
    ],
)  # fmt: skip
def test_the_rules_find_what_they_are_for(source):
    tree = ast.parse(source)
    assert list(refused_calls(tree, False)) + list(refused_imports(tree))


@pytest.mark.parametrize(
    "source",
    ["module.eval()", "np.load(f, allow_pickle=False)", "print_nothing()", "re.compile('x')"],
)
def test_the_rules_leave_what_is_right_alone(source):
    tree = ast.parse(source)
    assert not list(refused_calls(tree, False)) + list(refused_imports(tree))


@pytest.mark.parametrize(
    ("comment", "clutter"),
    [
        ("# ------- helpers", True), ("# x = compute(3)", True), ("# return value", True), ("# if ready:", True),
        ("# import torch", True), ("# why: the file may be gone", False), ("# for a shell", False),
        ("# noqa: D102", False), ("# from the head down", False), ("# returns at once", False),
    ],
)  # fmt: skip
def test_clutter_is_told_from_an_explanation(comment, clutter):
    assert is_clutter(comment) is clutter
