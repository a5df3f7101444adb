# SPDX-License-Identifier: BSD-3-Clause
"""Files of the model hub: from the cache first, from the network when it answers, never a pickle.

A machine without a network must say so at once, not after a minute of retries: the cache is read
directly, and the host is tried with a short time limit before the hub's own client is asked.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lepton_lab.catalog import cache, index
from lepton_lab.catalog.entry import ModelEntry
from lepton_lab.catalog.folder import framework, read_config, timm_facts, transformers_facts
from lepton_lab.errors import NotFoundError, WeightsError

logger = logging.getLogger(__name__)
_SECONDS = 2.0
_ENDPOINT = "https://huggingface.co"
_TRUE = {"1", "true", "yes", "on"}


def fetch(repository: str, filename: str) -> Path:
    """A file of a repository: the cached one, else downloaded into the hub's own cache.

    Raises:
        WeightsError: It is not here and the hub cannot be reached, or the repository has no such file.
        NotFoundError: The hub has no such repository.
    """
    found = cache.cached_file(repository, filename)
    if found is not None:
        return found
    reason = unreachable()
    if reason:
        raise not_here(repository, reason)
    return _download(repository, filename)


def fetch_optional(repository: str, filename: str) -> Path | None:
    """As `fetch`, but None where the repository has no such file or it cannot be looked for."""
    try:
        return fetch(repository, filename)
    except WeightsError as error:
        logger.debug("%s of %s: %s", filename, repository, error)
        return None


def unreachable() -> str:
    """Why the hub cannot be asked; empty when it answers."""
    if any(os.environ.get(name, "").lower() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")):
        return "HF_HUB_OFFLINE is set"
    return "" if _answers(_endpoint()) else f"{urlsplit(_endpoint()).hostname} cannot be reached"


def not_here(name: str, reason: str) -> WeightsError:
    """The error for weights that are not on this machine: what is here, and how else to load."""
    name = index.by_hub_id()[name].name if name in index.by_hub_id() else name
    here = [entry.name for entry in index.builtin()]
    here += [index.by_hub_id()[r].name if r in index.by_hub_id() else r for r in cache.cached_repositories()]
    return WeightsError(
        f'The weights of "{name}" are not on this machine and {reason}.',
        "Already here: " + ", ".join(here[:6]) + (", …" if len(here) > 6 else "") + ".",
        "A folder with config.json and model.safetensors loads as well: lab.load_model('path/to/folder'). "
        "Random weights: weights='none'.",
    )


def repository_entry(repository: str, folder: Path) -> ModelEntry:
    """The entry of a repository that the index does not know, from its own `config.json`."""
    config = read_config(folder)
    facts = timm_facts(config) if framework(config) == "timm" else transformers_facts(config, folder)
    return ModelEntry(name=repository, source=framework(config), hub_id=repository, **facts)


def weight_files(repository: str) -> Path:
    """Fetch every safetensors file of a repository; returns the folder with them.

    Raises:
        WeightsError: They are not here and cannot be fetched, or there are only pickles.
    """
    whole = cache.cached_file(repository, "model.safetensors")
    listing = cache.cached_file(repository, "model.safetensors.index.json")
    if whole is None and listing is None:
        try:
            whole = fetch(repository, "model.safetensors")
        except _MissingFile as missing:
            listing = fetch_optional(repository, "model.safetensors.index.json")
            if listing is None:
                raise missing from None
    if whole is not None:
        return whole.parent
    assert listing is not None  # one of the two was found
    for name in shards(listing):
        fetch(repository, name)
    return listing.parent


def shards(listing: Path) -> list[str]:
    """The file names in a safetensors index, none of which may leave the folder."""
    import json

    names = sorted(set(json.loads(listing.read_text("utf-8"))["weight_map"].values()))
    if any(Path(name).name != name or not name.endswith(".safetensors") for name in names):
        raise WeightsError(f"{listing.name} names files outside its folder.", "It was not opened.")
    return names


class _MissingFile(WeightsError):
    """The repository exists and has no such file."""


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT") or _ENDPOINT


def _answers(address: str) -> bool:
    """Whether a server answers within the limit, whatever it says, through the proxies that are set.

    In a thread, because no time-out of a socket bounds the time in which its name is looked up.
    """
    answered: list[bool] = []

    def attempt() -> None:
        try:
            request = urllib.request.Request(address, method="HEAD")
            urllib.request.urlopen(request, timeout=_SECONDS).close()
            answered.append(True)
        except urllib.error.HTTPError:
            answered.append(True)
        except (OSError, ValueError, HTTPException) as error:
            # A certificate that Python does not know is still an answer: the hub's client has its own.
            answered.append(isinstance(getattr(error, "reason", error), ssl.SSLError))

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(_SECONDS)
    return any(answered)


def _download(repository: str, filename: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    logger.info("fetching %s of %s", filename, repository)
    quiet = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        return Path(hf_hub_download(repository, filename, etag_timeout=5, endpoint=_endpoint()))
    except GatedRepoError as error:
        raise WeightsError(f'The weights of "{repository}" are given out on request only.', _first_line(error), "huggingface-cli login") from error
    except RepositoryNotFoundError as error:
        raise NotFoundError(f'The hub has no model "{repository}", or it is private.', "", "%lepton models") from error
    except LocalEntryNotFoundError as error:
        raise not_here(repository, "the hub did not answer") from error
    except EntryNotFoundError as error:
        raise _MissingFile(
            f'"{repository}" has no file {filename}.',
            "Only safetensors files are loaded: a pickle can run any program.",
            "%lepton models",
        ) from error
    except Exception as error:  # every failure of the network is one message for the user
        raise not_here(repository, f"the hub did not answer ({_first_line(error)})") from error
    finally:
        if not quiet:
            enable_progress_bars()


def _first_line(error: Any) -> str:
    return str(error).strip().split("\n")[0][:120]
