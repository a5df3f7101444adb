# SPDX-License-Identifier: BSD-3-Clause
"""`python -m lepton_runtime.server`: the same as `python serve.py`."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main())
