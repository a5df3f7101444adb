# SPDX-License-Identifier: BSD-3-Clause
"""Build `lepton_lab/catalog/index.json.gz`, the list of everything that can be trained.

Every fact is read off the installed libraries: names, tags, sizes, means, licences from timm's
registry; model types from transformers' mapping; parameters are counted on torch's meta device, where a
tensor has a shape and no memory. The file names the versions it was built from and is the same, byte for
byte, on every machine that has those versions.

    python scripts/build_catalog.py            # writes the index; some five minutes on one core
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.catalog_rows import timm_rows, transformers_rows

INDEX = Path(__file__).parents[1] / "lepton_lab" / "catalog" / "index.json.gz"


def versions() -> dict[str, str]:
    """The libraries whose facts the index holds."""
    import timm
    import transformers

    return {"timm": timm.__version__, "transformers": transformers.__version__}


def encode(
    rows: list[dict[str, Any]], built_from: dict[str, str], left_out: dict[str, str]
) -> bytes:
    """The index as bytes: one list of values per row, columns named once, no time stamp."""
    columns = list(rows[0])
    table = {
        "format": 1,
        "built_from": built_from,
        "left_out": left_out,
        "columns": columns,
        "rows": [[row[column] for column in columns] for row in rows],
    }
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0)


def main() -> None:
    """Collect all rows and write the index."""
    from lepton_lab.durable import write_bytes

    rows = [*timm_rows.rows(), *transformers_rows.rows()]
    write_bytes(INDEX, encode(rows, versions(), transformers_rows.left_out()))
    sys.stdout.write(f"{len(rows)} rows, {INDEX.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
