# SPDX-License-Identifier: BSD-3-Clause
"""The steps, one file each, in the order of the work."""

from lepton_lab.studio.contract import Step
from lepton_lab.studio.steps.data import DATA
from lepton_lab.studio.steps.evaluate import EVALUATE
from lepton_lab.studio.steps.export import EXPORT
from lepton_lab.studio.steps.model import MODEL
from lepton_lab.studio.steps.run import RUN
from lepton_lab.studio.steps.train import TRAIN

STEPS: dict[str, Step] = {step.key: step for step in (MODEL, DATA, TRAIN, RUN, EVALUATE, EXPORT)}

__all__ = ["STEPS", "Step"]
