# SPDX-License-Identifier: BSD-3-Clause
"""Metrics of a classifier, as pure functions on arrays, with intervals and paired tests.

Probabilities are float (N, C), targets int64 (N,). NumPy is all that is needed.
"""

from lepton_lab.metrics.calibration import (
    Reliability,
    brier_scores,
    expected_calibration_error,
    reliability,
)
from lepton_lab.metrics.checks import check_predictions
from lepton_lab.metrics.classification import (
    FROM_COUNTS,
    Counts,
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    f1,
    f1_per_class,
    in_top_k,
    precision,
    precision_per_class,
    predictions_of,
    recall,
    recall_per_class,
    sample_losses,
)
from lepton_lab.metrics.curves import (
    average_precision,
    average_precision_per_class,
    precision_recall_curve,
    reduce_curve,
    roc_auc,
    roc_auc_per_class,
    roc_curve,
)
from lepton_lab.metrics.intervals import bootstrap, wilson
from lepton_lab.metrics.measurement import LOWER_IS_BETTER, Measurement
from lepton_lab.metrics.paired import PairedDifference, mcnemar, paired_difference, paired_scores

__all__ = [
    "FROM_COUNTS",
    "LOWER_IS_BETTER",
    "Counts",
    "Measurement",
    "PairedDifference",
    "Reliability",
    "accuracy",
    "average_precision",
    "average_precision_per_class",
    "balanced_accuracy",
    "bootstrap",
    "brier_scores",
    "check_predictions",
    "confusion_matrix",
    "expected_calibration_error",
    "f1",
    "f1_per_class",
    "in_top_k",
    "mcnemar",
    "paired_difference",
    "paired_scores",
    "precision",
    "precision_per_class",
    "precision_recall_curve",
    "predictions_of",
    "recall",
    "recall_per_class",
    "reduce_curve",
    "reliability",
    "roc_auc",
    "roc_auc_per_class",
    "roc_curve",
    "sample_losses",
    "wilson",
]
