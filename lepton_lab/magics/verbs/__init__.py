# SPDX-License-Identifier: BSD-3-Clause
"""The verbs, one file each, registered in the order of the work, which is the order of help."""

from lepton_lab.magics.verb import verbs
from lepton_lab.magics.verbs import data, doctor, evaluate, export, models, predict, runs, train

for _module in (models, data, train, evaluate, predict, export, runs, doctor):
    verbs.register(_module.RECORD)

__all__ = ["verbs"]
