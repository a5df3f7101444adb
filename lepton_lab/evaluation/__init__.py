# SPDX-License-Identifier: BSD-3-Clause
"""The evaluation report: metrics with intervals, charts, worst samples. No framework."""

from lepton_lab.evaluation.figures import Figure, Plot, plots
from lepton_lab.evaluation.findings import ConfusedPair, WorstSample
from lepton_lab.evaluation.report import Evaluation
from lepton_lab.evaluation.scored import Report

__all__ = ["ConfusedPair", "Evaluation", "Figure", "Plot", "Report", "WorstSample", "plots"]
