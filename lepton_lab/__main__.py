# SPDX-License-Identifier: BSD-3-Clause
"""`python -m lepton_lab VERB …`; see `magics/command_line.py`."""

from __future__ import annotations

import sys

from lepton_lab.magics.command_line import main

if __name__ == "__main__":
    sys.exit(main())
