# SPDX-License-Identifier: BSD-3-Clause
"""The charts of an evaluation; importing this package registers them."""

from lepton_lab.evaluation.drawings import calibration, confusion, per_class, precision_recall, roc

__all__ = ["calibration", "confusion", "per_class", "precision_recall", "roc"]
