# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import subprocess
import sys


def test_metrics_and_evaluation_load_no_framework():
    heavy = ["torch", "timm", "transformers", "pandas", "IPython", "plotly", "sklearn", "PIL"]
    code = (
        "import sys, lepton_lab.metrics, lepton_lab.evaluation, lepton_lab.evaluation.drawings\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
