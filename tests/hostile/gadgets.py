# SPDX-License-Identifier: BSD-3-Clause
"""Pickles that do something the moment they are opened, in the files that models come in.

Each one leaves a canary behind and nothing worse. They are put together from opcodes, so that making them
imports nothing of what they call.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path


def _text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _call(name: str, *arguments: str) -> bytes:
    """The opcodes of `name(*arguments)`; the name is "module function"."""
    module, function = name.split()
    return f"c{module}\n{function}\n".encode() + b"(" + b"".join(map(_text, arguments)) + b"tR"


def _write(path: str) -> str:
    return f"open({path!r}, 'w').close()"


# Functions that leave a file at a path when they are called with what stands beside them.
CALLS: dict[str, Callable[[str], bytes]] = {
    "os.system": lambda path: _call("os system", f"touch '{path}'"),
    "posix.system": lambda path: _call("posix system", f"touch '{path}'"),
    "os.popen": lambda path: _call("os popen", f"touch '{path}'"),
    "os.mkdir": lambda path: _call("os mkdir", path),
    "os.makedirs": lambda path: _call("os makedirs", path),
    "os.mknod": lambda path: _call("os mknod", path),
    "os.mkfifo": lambda path: _call("os mkfifo", path),
    "os.symlink": lambda path: _call("os symlink", "nowhere", path),
    "subprocess.getoutput": lambda path: _call("subprocess getoutput", f"touch '{path}'"),
    "subprocess.getstatusoutput": lambda path: _call("subprocess getstatusoutput", f"touch '{path}'"),
    "builtins.exec": lambda path: _call("builtins exec", _write(path)),
    "builtins.eval": lambda path: _call("builtins eval", _write(path)),
    "builtins.open": lambda path: _call("builtins open", path, "w"),
    "io.open": lambda path: _call("io open", path, "w"),
    "io.FileIO": lambda path: _call("io FileIO", path, "w"),
    "codecs.open": lambda path: _call("codecs open", path, "w"),
    "logging.FileHandler": lambda path: _call("logging FileHandler", path),
    "sqlite3.connect": lambda path: _call("sqlite3 connect", path),
    "zipfile.ZipFile": lambda path: _call("zipfile ZipFile", path, "w"),
    "tarfile.open": lambda path: _call("tarfile open", path, "w"),
    "gzip.open": lambda path: _call("gzip open", path, "w"),
    "bz2.open": lambda path: _call("bz2 open", path, "w"),
    "lzma.open": lambda path: _call("lzma open", path, "w"),
    "timeit.timeit": lambda path: _call("timeit timeit", "pass", _write(path)),
    "cProfile.run": lambda path: _call("cProfile run", _write(path)),
    "profile.run": lambda path: _call("profile run", _write(path)),
    "pathlib.Path.mkdir": lambda path: _call("pathlib Path", path) + b"0" + _call("os mkdir", path),
    "shutil.copy": lambda path: _call("shutil copy", __file__, path),
    "shutil.copyfile": lambda path: _call("shutil copyfile", __file__, path),
    "numpy.savetxt": lambda path: _call("numpy savetxt", path, "x"),
}  # fmt: skip


def pickled(name: str, canary: Path) -> bytes:
    """The pickle of one call."""
    return b"\x80\x02" + CALLS[name](str(canary)) + b"."


def _zipped(data: bytes) -> bytes:
    """As torch.save writes since 1.6."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
    return buffer.getvalue()


def _array(data: bytes) -> bytes:
    """As numpy.save writes an array of objects."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def _arrays(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("weights.npy", _array(data))
    return buffer.getvalue()


# Suffix -> how a pickle is wrapped in a file of that name.
WRAPS: dict[str, Callable[[bytes], bytes]] = {
    ".pt": _zipped,
    ".pth": bytes,
    ".bin": _zipped,
    ".ckpt": _zipped,
    ".pkl": bytes,
    ".joblib": bytes,
    ".npy": _array,
    ".npz": _arrays,
    ".safetensors": bytes,
    ".onnx": bytes,
}  # fmt: skip
