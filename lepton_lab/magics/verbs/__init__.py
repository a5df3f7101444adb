# SPDX-License-Identifier: BSD-3-Clause
"""The verbs, one file each, registered in the order of the work, which is the order of help."""

from lepton_lab.magics.verb import verbs
from lepton_lab.magics.verbs import (
    clean,
    compress,
    data,
    doctor,
    evaluate,
    export,
    models,
    predict,
    runs,
    serve,
    studio,
    train,
)

for _module in (models, data, clean, train, evaluate, predict, compress, export, serve, runs, studio, doctor):
    verbs.register(_module.RECORD)

__all__ = ["verbs"]
