# SPDX-License-Identifier: BSD-3-Clause
"""The steps of a Binder image, in a fresh environment, with every process inside a session's memory.

There is no image builder and no conda here, so each step is done as it would do it. The two packages
that `environment.yml` takes from conda, and those that the package itself depends on, are lent, with what
they require, by the environment that runs this test, which installed them from the same names; `postBuild`
installs the package and Jupyter anew, and everything after that goes through `start`.
Memory is the sum of the resident sets of all processes of the session, which counts what they share
more than once; a session above its limit is ended, as Binder would end it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import psutil
import pytest
from packaging.requirements import Requirement

from tests.test_demo import check_the_end

REPOSITORY = Path(__file__).resolve().parents[1]
LIMIT = 2 * 1024**3
NAMES_FOR_PIP = {"pytorch-cpu": "torch"}
COPIED = (
    "lepton_lab",
    "extension",
    "jupyter-config",
    "notebooks",
    "binder",
    "pyproject.toml",
    "scripts",
    "README.md",
    "LICENSE",
)
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "lib")
NOT_FOR_PIP = ("python", "pip", "nodejs")
# What belongs to Jupyter is installed anew: it also puts files beside the packages.
NOT_LENT = ("anywidget", "ipython", "ipywidgets")
NOTEBOOK = "notebooks/01_first_model.ipynb"


class Session:
    """A command and all its children; ended when they need more than `LIMIT` bytes together."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.peak = 0
        self.log = folder / "session.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while self.process.poll() is None:
            self.peak = max(self.peak, memory(self.process.pid))
            if self.peak > LIMIT:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
            time.sleep(0.1)

    def wait(self, seconds: float) -> int:
        """The exit code; a session that takes longer fails with what it said."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"not over after {seconds} s: {self.said()}") from None

    def stop(self) -> None:
        """End every process of the session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._watcher.join(5)

    def said(self, characters: int = 3000) -> str:
        """The end of what it printed."""
        return self.log.read_text("utf-8", "replace")[-characters:]


def memory(pid: int) -> int:
    """Resident bytes of a process and all its children."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue
    except psutil.Error:
        pass
    return total


def conda_packages(text: str) -> list[Requirement]:
    """The dependencies of an environment.yml as pip knows them, without Python, pip and Node.js."""
    listed = [
        line.removeprefix("  - ") for line in text.partition("dependencies:\n")[2].splitlines()
    ]
    found = [Requirement(re.sub("(?<![<>=!])=(?!=)", "==", line)) for line in listed if line]
    for package in found:
        package.name = NAMES_FOR_PIP.get(package.name, package.name)
    return [package for package in found if package.name not in NOT_FOR_PIP]


def dependencies() -> list[Requirement]:
    """What the package needs without any extra, but for what belongs to Jupyter."""
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    needed = map(Requirement, declared["project"]["dependencies"])
    return [package for package in needed if package.name not in NOT_LENT]


def lend(packages: list[Requirement], folder: Path) -> None:
    """Link installed packages, and all that they require, into a folder."""
    waiting, known = [package.name for package in packages], set()
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        known.add(name)
        found = metadata.distribution(name)
        needed = [Requirement(line) for line in found.requires or ()]
        waiting += [n.name for n in needed if n.marker is None or n.marker.evaluate({"extra": ""})]
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(found.locate_file(top))))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A copy of the repository and a fresh environment in which it was built."""
    folder = tmp_path_factory.mktemp("binder")
    for name in COPIED:
        source, target = REPOSITORY / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=LEFT_OUT)
        else:
            shutil.copy(source, target)
    venv, lent = folder / ".environment", folder / ".lent"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    lent.mkdir()
    listed = conda_packages((folder / "binder" / "environment.yml").read_text("utf-8"))
    lend([*listed, *dependencies()], lent)
    site = next(venv.glob("lib/python*/site-packages"))
    (site / "lent.pth").write_text(f"{lent}\n", "utf-8")
    environment = session_environment(folder, venv)
    built = subprocess.run(
        ["binder/postBuild"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    assert "lepton_glyphs" in built.stdout
    yield folder, environment
    shutil.rmtree(folder, ignore_errors=True)


def session_environment(folder: Path, venv: Path) -> dict[str, str]:
    """The variables of a session: nothing of this one's Python, Jupyter or thread settings."""
    dropped = ("PYTHON", "VIRTUAL_ENV", "LEPTON", "JUPYTER", "OMP_", "PYTEST")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return kept | {
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / ".jupyter"),
        "JUPYTER_RUNTIME_DIR": str(folder / ".runtime"),
        "PIP_CONFIG_FILE": os.environ.get("PIP_CONFIG_FILE", pip_config()),
        # Of its options that begin with "no", pip reads the variable the other way round.
        "PIP_NO_COMPILE": "0",
    }


def pip_config() -> str:
    """The user's pip configuration, which a new HOME would hide."""
    places = (Path("~/.config/pip/pip.conf").expanduser(), Path("~/.pip/pip.conf").expanduser())
    return str(next((place for place in places if place.is_file()), os.devnull))


def test_the_environment_names_cpu_builds_from_one_channel() -> None:
    text = (REPOSITORY / "binder" / "environment.yml").read_text("utf-8")
    packages = conda_packages(text)
    assert [package.name for package in packages] == ["torch", "torchvision"]
    assert "pytorch-cpu" in text
    assert "nodejs" in text
    declared = (REPOSITORY / "pyproject.toml").read_text("utf-8")
    for package in packages:
        assert f'"{package}"' in declared
        assert metadata.version(package.name) in package.specifier


def test_a_failing_build_step_ends_the_build(tmp_path: Path) -> None:
    """`postBuild` in a folder without a package: the second line must not run."""
    done = subprocess.run(
        ["bash", str(REPOSITORY / "binder" / "postBuild")],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "lepton_glyphs" not in done.stdout


def test_start_becomes_the_command_with_its_arguments_and_exit_code(tmp_path: Path) -> None:
    code = "import json, os, sys; print(json.dumps([os.getpid(), sys.argv[1:]])); sys.exit(7)"
    started = subprocess.Popen(
        [str(REPOSITORY / "binder" / "start"), sys.executable, "-c", code, "a b", "$HOME"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    answer, _ = started.communicate(timeout=30)
    assert json.loads(answer) == [started.pid, ["a b", "$HOME"]]
    assert started.returncode == 7


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_session_opens_the_first_notebook_and_runs_it_within_two_gigabytes(
    image: tuple[Path, dict[str, str]], record_property: Callable[[str, object], None]
) -> None:
    folder, environment = image
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=word"]
    is_root = ["--allow-root"] if os.geteuid() == 0 else []
    # The session is the server, and beside it the notebook with its kernel: the demo, as `make demo` runs it.
    script = 'jupyter lab "$@" & until test -e go; do sleep 0.2; done; echo; python "$0"'
    command = ["bash", "-c", script, "scripts/demo.py", *options, *is_root]
    session = Session(["binder/start", *command], folder, environment)
    try:
        assert first_address(port, session) == f"/lab/tree/{NOTEBOOK}?token=word"
        (folder / "go").touch()
        code = session.wait(240)
    finally:
        session.stop()
    assert session.peak <= LIMIT, f"{session.peak / 1e9:.2f} GB: {session.said()}"
    assert code == 0, session.said()
    record_property("peak_gigabytes", round(session.peak / 1e9, 2))
    check_the_end("\n".join(line for line in session.said(20_000).splitlines() if line[:1] not in "[ "))


@pytest.mark.slow
def test_the_wheel_brings_both_extensions_and_needs_no_node(
    image: tuple[Path, dict[str, str]],
) -> None:
    """Listed with nothing but the environment on the path; the labextension where it was built here."""
    if not (REPOSITORY / "lepton_lab" / "labextension" / "static").is_dir():
        pytest.skip("the JupyterLab extension is not built here (make extension)")
    folder, environment = image
    alone = environment | {"PATH": environment["PATH"].split(os.pathsep)[0]}
    for kind, name in {
        "labextension": "lepton-lab",
        "server extension": "lepton_lab.jupyter",
    }.items():
        told = subprocess.run(
            [str(folder / ".environment" / "bin" / "jupyter"), *kind.split(), "list"],
            cwd=folder,
            env=alone,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        lines = (told.stdout + told.stderr).splitlines()
        mine = [line for line in lines if name in line]
        assert mine, told.stdout + told.stderr
        if kind == "labextension":
            assert "enabled" in mine[0] and "OK" in mine[0]


def first_address(port: int, session: Session) -> str:
    """Where a visitor of the session is sent."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    opener = urllib.request.build_opener(Stay)
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert session.process.poll() is None, session.said()
        try:
            opener.open(f"http://127.0.0.1:{port}/?token=word", timeout=5)
        except urllib.error.HTTPError as answer:
            return str(answer.headers["Location"])
        except OSError:
            time.sleep(0.2)
    raise AssertionError(session.said())
