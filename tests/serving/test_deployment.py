# SPDX-License-Identifier: BSD-3-Clause
"""Every file that deploys an artifact is used as it stands: run, parsed, or followed line by line."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement

from lepton_lab.runtime.predictor import Predictor
from lepton_lab.runtime.server.app import build
from lepton_lab.runtime.server.settings import Settings
from lepton_lab.runtime.verify import verify
from lepton_lab.serving.client import Client
from lepton_lab.serving.containers import PORT, Facts, kubernetes
from tests.serving.bundles import colors as make_colors
from tests.test_binder import lend, session_environment

TOKEN = "a-token-of-the-tests"


def guide_lines(folder):
    """The lines of the shell blocks in SERVE.md."""
    blocks = re.findall(r"```sh\n(.*?)```", (folder / "SERVE.md").read_text("utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def routes(folder):
    app = build(Predictor(folder), Settings(token=TOKEN))
    return {route.path for route in app.routes.routes}


def instructions(folder):
    """Instruction and rest of each line of the Dockerfile."""
    lines = (folder / "Dockerfile").read_text("utf-8").splitlines()
    return [tuple(line.split(" ", 1)) for line in lines]


def of(found, instruction):
    return [rest for name, rest in found if name == instruction]


def command(text):
    """The words of an exec form."""
    return json.loads(text[text.index("[") :])


def test_the_files_are_part_of_the_artifact(colors):
    listed = json.loads((colors / "manifest.json").read_text("utf-8"))["files"]
    names = {"serve.py", "client.py", "requirements-serve.txt", "Dockerfile", "compose.yaml", "kubernetes.yaml", "SERVE.md"}
    assert names <= set(listed)
    assert "lepton_runtime/server/app.py" in listed


def test_requirements_are_the_versions_that_are_installed_here(colors):
    lines = (colors / "requirements-serve.txt").read_text("utf-8").split()
    assert len(lines) >= 12
    for line in lines:
        wanted = Requirement(line)
        assert str(wanted.specifier).startswith("==")
        assert metadata.version(wanted.name) in wanted.specifier
    assert {"onnxruntime", "starlette", "uvicorn", "h11", "numpy"} <= {Requirement(line).name for line in lines}
    assert not {"torch", "timm", "transformers", "lepton-lab"} & {Requirement(line).name for line in lines}


def test_every_line_of_the_guide_that_asks_is_answered(server, colors):
    asking = [line for line in guide_lines(colors) if line.startswith(("curl ", "python client.py"))]
    assert len(asking) >= 8
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    script = "set -ex\n" + "\n".join(asking).replace(f"http://127.0.0.1:{PORT}", server.url)
    script = script.replace("python client.py", f"{shlex.quote(sys.executable)} -B client.py")
    done = subprocess.run(
        ["bash", "-c", script], cwd=colors, env=os.environ | {"LEPTON_TOKEN": server.token},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"top": [["') >= 4
    assert "lepton_requests_total" in done.stdout
    verify(colors)


def test_the_guide_names_only_what_is_there(colors):
    text = (colors / "SERVE.md").read_text("utf-8")
    paths = routes(colors)
    for path in re.findall(rf"http://127\.0\.0\.1:{PORT}(/[\w./-]*)", text):
        assert path in paths, path
    for line in guide_lines(colors):
        words = [word.removeprefix("@").removeprefix("file=@") for word in shlex.split(line)]
        files = [word for word in words if word.endswith((".py", ".txt", ".yaml")) or word.startswith("golden/")]
        assert all((colors / file).is_file() for file in files)


def test_the_client_alone_asks_for_files_and_texts(server, row_server, colors):
    sample = next((colors / "golden").glob("*.png"))
    client = [sys.executable, "-I", "-B", str(colors / "client.py")]

    def run(serving, *words):
        return subprocess.run(
            [*client, *words, "--url", serving.url], env={"LEPTON_TOKEN": serving.token},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    two = run(server, str(sample), str(sample), "--top", "1")
    assert [len(json.loads(line)["top"]) for line in two.stdout.splitlines()] == [1, 1]
    assert json.loads(run(row_server, '{"x": 1, "y": 2}').stdout)["top"][0][0] == "y"
    refused = run(server, "no file and no picture")
    assert refused.returncode == 1
    assert refused.stderr.startswith("input: ")
    assert run(type("Nobody", (), {"url": "http://127.0.0.1:9", "token": "x"}), "a").returncode == 1


def test_compose_fits_the_image(colors):
    (service,) = yaml.safe_load((colors / "compose.yaml").read_text("utf-8"))["services"].values()
    found = instructions(colors)
    (port,) = service["ports"]
    assert port == f"127.0.0.1:{of(found, 'EXPOSE')[0]}:{of(found, 'EXPOSE')[0]}"
    assert service["read_only"] is True
    assert service["restart"] == "unless-stopped"
    assert service["cap_drop"] == ["ALL"]
    assert service["environment"]["LEPTON_TOKEN"].startswith("${LEPTON_TOKEN:?")
    assert (colors / service["build"] / "Dockerfile").is_file()


def test_kubernetes_fits_the_image_and_the_routes(colors):
    text = (colors / "kubernetes.yaml").read_text("utf-8")
    deployment, service = yaml.safe_load_all(text)
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (port,) = container["ports"]
    found = instructions(colors)
    assert port["containerPort"] == int(of(found, "EXPOSE")[0])
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    for probe in ("startupProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["port"] == port["name"]
        assert asked["path"] in routes(colors)
    assert container["readinessProbe"]["exec"]["command"] == command(of(found, "HEALTHCHECK")[0])
    assert pod["restartPolicy"] == "Always"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == of(found, "USER")[0]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    token, hosts = container["env"]
    secret = token["valueFrom"]["secretKeyRef"]
    assert f"create secret generic {secret['name']} --from-literal={secret['key']}=" in text
    assert service["metadata"]["name"] in hosts["value"].split(",")
    assert {"requests", "limits"} <= set(container["resources"])


@pytest.mark.parametrize("name", ["Ünïcode & <b>", "9lives", "..", "a" * 300, "x: {y}\n- z"])
def test_any_name_gives_files_that_parse(name, tmp_path):
    folder = make_colors(tmp_path / "any.lepton", name=name)
    deployment, service = yaml.safe_load_all((folder / "kubernetes.yaml").read_text("utf-8"))
    label = deployment["metadata"]["name"]
    assert re.fullmatch(r"[a-z]([a-z0-9-]{0,50}[a-z0-9])?", label)
    assert label == service["metadata"]["name"]
    assert [*yaml.safe_load((folder / "compose.yaml").read_text("utf-8"))["services"]] == [label]
    assert verify(folder)["golden"] == 3
    for line in guide_lines(folder):
        assert shlex.split(line)


def test_a_large_model_gets_more_memory():
    small, large = (
        yaml.safe_load_all(kubernetes(Facts("m", size))) for size in (1 << 20, 1 << 30)
    )
    limits = [
        next(docs)["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
        for docs in (small, large)
    ]
    assert limits == ["772Mi", "4864Mi"]


@pytest.mark.slow
def test_the_lines_of_the_dockerfile_lead_to_a_server_that_answers(colors, tmp_path):
    """Followed in a fresh environment that borrows its largest packages from this one."""
    venv, lent, work = tmp_path / "venv", tmp_path / "lent", tmp_path / "srv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    lent.mkdir()
    lend([Requirement("onnxruntime"), Requirement("pillow")], lent)
    site = next(venv.glob("lib/python*/site-packages"))
    (site / "lent.pth").write_text(f"{lent}\n", "utf-8")
    environment = session_environment(tmp_path, venv) | {"LEPTON_TOKEN": TOKEN}
    found = instructions(colors)
    assert [name for name, _ in found if name in ("USER", "CMD")] == ["USER", "CMD"]
    assert int(of(found, "USER")[0].split(":")[0]) > 0
    base = dict(item.split("=", 1) for item in of(found, "ARG"))["BASE"]
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim", base)
    for name, rest in found:
        if name == "WORKDIR":
            work.mkdir()
        elif name == "ENV":
            environment |= dict(item.split("=", 1) for item in rest.split())
        elif name == "COPY":
            source, target = rest.split()
            if source == ".":
                shutil.copytree(colors, work / target, dirs_exist_ok=True)
            else:
                shutil.copy(colors / source, work / target)
        elif name == "RUN":
            done = subprocess.run(["bash", "-c", rest], cwd=work, env=environment, capture_output=True, text=True, timeout=200, check=False)
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    words = [port if word == str(PORT) else word for word in command(of(found, "CMD")[0])]
    check = [*command(of(found, "HEALTHCHECK")[0]), "--port", port]
    assert subprocess.run(check, cwd=work, env=environment, check=False).returncode == 1
    served = subprocess.Popen(words, cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = served.stdout.readline()
        assert "answers at" in said, said + served.stdout.read()
        assert TOKEN not in said
        assert subprocess.run(check, cwd=work, env=environment, check=False).returncode == 0
        sample = next((work / "golden").glob("*.png"))
        answer = Client(f"http://127.0.0.1:{port}", TOKEN).predict(sample)
        wanted = Predictor(colors).predict([sample])[0]
        assert answer["top"] == [list(pair) for pair in wanted.top()]
        os.kill(served.pid, signal.SIGTERM)
        assert served.wait(30) == 0
    finally:
        served.kill()
    verify(work)
