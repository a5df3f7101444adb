# SPDX-License-Identifier: BSD-3-Clause
"""The files in an artifact that serve it where no Lepton Lab is: from the manifest's facts alone.

serve.py                 the server, by the artifact's own runtime
requirements-serve.txt   exact versions of all that it needs
client.py                a client without dependencies
Dockerfile, compose.yaml, kubernetes.yaml
SERVE.md                 how to start and ask it, line by line
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lepton_lab import durable
from lepton_lab.runtime.manifest import MANIFEST
from lepton_lab.runtime.predictor import MODEL
from lepton_lab.runtime.server.settings import name_of
from lepton_lab.serving.containers import PORT, Facts, compose, dockerfile, kubernetes
from lepton_lab.serving.pins import SERVER, pinned

_URL = f"http://127.0.0.1:{PORT}"
_SERVE = '''\
# SPDX-License-Identifier: BSD-3-Clause
"""Serve this artifact: LEPTON_TOKEN=... python serve.py --help"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from lepton_runtime.server.command import main

if __name__ == "__main__":
    sys.exit(main())
'''
_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".wav": "audio/wav", ".txt": "text/plain", ".json": "application/octet-stream"}


def write_deployment(folder: Path, requirements: Iterable[str]) -> None:
    """Write the files into a staged bundle that holds its manifest, its model and its golden samples.

    Args:
        folder: The bundle.
        requirements: What answering needs, as lines of a requirements file.
    """
    manifest = durable.read_json(folder / MANIFEST)
    facts = Facts(name_of(manifest), (folder / MODEL).stat().st_size)
    client = Path(__file__).with_name("client.py").read_text("utf-8")
    files = {
        "serve.py": _SERVE,
        "requirements-serve.txt": "\n".join(pinned([*requirements, *SERVER])) + "\n",
        "client.py": client,
        "Dockerfile": dockerfile(),
        "compose.yaml": compose(facts),
        "kubernetes.yaml": kubernetes(facts),
        "SERVE.md": _guide(facts, manifest, _sample(folder)),
    }
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")


def _sample(folder: Path) -> Path:
    """The smallest real golden sample."""
    samples = json.loads((folder / "golden" / "expected.json").read_text("utf-8"))["samples"]
    real = [sample for sample in samples if sample.get("target") is not None] or samples
    files: list[Path] = [folder / "golden" / sample["file"] for sample in real]
    return min(files, key=lambda path: path.stat().st_size)


def _of_masks(manifest: dict[str, Any], auth: str, kind: str, file: str) -> str:
    """How a mask is asked for as a picture; nothing for other answers."""
    if manifest["output"].get("kind") != "mask":
        return ""
    return f"""\
A mask as an indexed PNG, whose values are the indexes of the labels in `manifest.json`:

```sh
curl -sS --fail-with-body {auth} -H "Accept: image/png" -H "Content-Type: {kind}" --data-binary @{file} -o mask.png {_URL}/predict
```

"""


def _guide(facts: Facts, manifest: dict[str, Any], sample: Path) -> str:
    file = shlex.quote(f"golden/{sample.name}")
    kind = _TYPES.get(sample.suffix, "application/octet-stream")
    auth = '-H "Authorization: Bearer $LEPTON_TOKEN"'
    label = facts.label
    return f"""\
# Serve this artifact

```sh
pip install -r requirements-serve.txt
export LEPTON_TOKEN=$(openssl rand -hex 32)
python serve.py
```

It checks every file and replays the golden samples, then answers on {_URL}. Everything but
`/healthz` and the page at `/` needs the token. `python serve.py --help` lists the limits.

## Ask

A file as the body, and as a form (repeat `-F` for several):

```sh
curl -sS --fail-with-body {auth} -H "Content-Type: {kind}" --data-binary @{file} {_URL}/predict
curl -sS --fail-with-body {auth} -F file=@{file} -F file=@{file} "{_URL}/predict?top=1"
```

{_of_masks(manifest, auth, kind, file)}JSON, from standard input; `/openapi.json` shows what one input looks like:

```sh
curl -sS --fail-with-body {auth} {_URL}/openapi.json
curl -sS --fail-with-body {auth} {_URL}/v2/models/{facts.name}
```

Without curl:

```sh
python client.py {file} --url {_URL}
```

Is it up, is it ready, how does it do:

```sh
curl -sS --fail-with-body {_URL}/healthz
curl -sS --fail-with-body {auth} {_URL}/readyz
curl -sS --fail-with-body {auth} {_URL}/metrics
```

`POST {_URL}/v2/models/{facts.name}/infer` takes requests of the Open Inference Protocol: one tensor
`input` of BYTES.

## Elsewhere

```sh
docker compose up --build
kubectl apply -f kubernetes.yaml
```

`kubernetes.yaml` begins with the line that makes the secret `{label}-token`. Under a name of its own,
`LEPTON_ALLOW_HOSTS` lists the host names that requests may ask for. On a network, put it behind a
proxy that speaks TLS: the token travels with every request.

Errors are JSON (RFC 9457) with a status, a detail and the field at fault. 429 means come back after
`Retry-After` seconds. On SIGTERM what was accepted is answered and nothing new is taken.
"""
