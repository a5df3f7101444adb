# SPDX-License-Identifier: BSD-3-Clause
"""How an artifact runs elsewhere: an image, a compose file, Kubernetes.

All three run it as a user without rights on a file system that cannot be written, take the token
from outside, and ask the server itself whether it is ready.
"""

from __future__ import annotations

import json
import platform
import re
from dataclasses import dataclass
from typing import Any

PORT = 8000
USER = 10001


@dataclass(frozen=True)
class Facts:
    """What the files are made from.

    Attributes:
        name: The model's name in addresses.
        model_bytes: Size of the model file.
    """

    name: str
    model_bytes: int

    @property
    def label(self) -> str:
        """The name as a DNS label.

        >>> Facts("My_Pets.3", 0).label
        'my-pets-3'
        """
        found = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:40].strip("-")
        return found if found[:1].isalpha() else f"model-{found}".strip("-")

    @property
    def memory(self) -> int:
        """MiB that a server may use: the model a few times over, and pictures under way."""
        return 768 + 4 * -(-self.model_bytes // (1 << 20))


def dockerfile() -> str:
    """The image. A digest behind the tag pins it to the byte: --build-arg BASE=python:...@sha256:..."""
    python = platform.python_version()
    return f"""\
ARG BASE=python:{python}-slim
FROM ${{BASE}}
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/model
COPY requirements-serve.txt ./
RUN pip install --no-cache-dir -r requirements-serve.txt
COPY . ./
USER {USER}:{USER}
EXPOSE {PORT}
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["python", "serve.py", "--check"]
CMD ["python", "serve.py", "--host", "0.0.0.0", "--port", "{PORT}"]
"""


def compose(facts: Facts) -> str:
    """compose.yaml."""
    return f"""\
# LEPTON_TOKEN=$(openssl rand -hex 32) docker compose up --build
services:
  {facts.label}:
    build: .
    image: {facts.label}:local
    ports:
      - "127.0.0.1:{PORT}:{PORT}"
    environment:
      LEPTON_TOKEN: ${{LEPTON_TOKEN:?set it to a long random word}}
      LEPTON_ALLOW_HOSTS: {facts.label}
    read_only: true
    tmpfs:
      - /tmp
    cap_drop:
      - ALL
    security_opt:
      - no-new-privileges:true
    mem_limit: {facts.memory}m
    pids_limit: 256
    stop_grace_period: 30s
    restart: unless-stopped
"""


def kubernetes(facts: Facts) -> str:
    """kubernetes.yaml: a Deployment and a Service; the token is a Secret that is made beside them."""
    label = facts.label
    probe = {"command": ["python", "serve.py", "--check"]}
    health = {"path": "/healthz", "port": "http", "httpHeaders": [{"name": "Host", "value": "localhost"}]}
    container: dict[str, Any] = {
        "name": "server",
        "image": f"{label}:local",
        "ports": [{"name": "http", "containerPort": PORT}],
        "env": [
            {
                "name": "LEPTON_TOKEN",
                "valueFrom": {"secretKeyRef": {"name": f"{label}-token", "key": "token"}},
            },
            {"name": "LEPTON_ALLOW_HOSTS", "value": f"{label},{label}.default.svc.cluster.local"},
        ],
        "startupProbe": {"httpGet": health, "periodSeconds": 2, "failureThreshold": 60},
        "livenessProbe": {"httpGet": health, "periodSeconds": 10, "timeoutSeconds": 5},
        "readinessProbe": {"exec": probe, "periodSeconds": 10, "timeoutSeconds": 6},
        "resources": {
            "requests": {"cpu": "500m", "memory": f"{facts.memory // 2}Mi"},
            "limits": {"memory": f"{facts.memory}Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": label, "labels": {"app": label}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": label}},
            "template": {"metadata": {"labels": {"app": label}}, "spec": pod},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": label},
        "spec": {"selector": {"app": label}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }
    secret = f"# kubectl create secret generic {label}-token --from-literal=token=$(openssl rand -hex 32)\n"
    return secret + _yaml(deployment) + "---\n" + _yaml(service)


def _yaml(value: Any, indent: int = 0) -> str:
    """Plain values as YAML blocks; texts are written as in JSON, which YAML reads alike."""
    pad = "  " * indent
    if isinstance(value, dict):
        return "".join(
            f"{pad}{key}:{_below(item, indent)}" for key, item in value.items()
        )
    lines = []
    for item in value:
        block = _yaml(item, indent + 1) if isinstance(item, (dict, list)) else f"{pad}  {json.dumps(item)}\n"
        lines.append(f"{pad}- {block[len(pad) + 2:]}")
    return "".join(lines)


def _below(item: Any, indent: int) -> str:
    if isinstance(item, (dict, list)) and item:
        return "\n" + _yaml(item, indent + 1)
    return f" {json.dumps(item)}\n"
