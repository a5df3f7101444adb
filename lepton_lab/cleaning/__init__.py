# SPDX-License-Identifier: BSD-3-Clause
"""Cleaning a data set: who is suspect, what was decided, and how far that helps. No file of the user is changed."""

from lepton_lab.cleaning.desk import Desk
from lepton_lab.cleaning.edits import EditsFile
from lepton_lab.cleaning.features import features
from lepton_lab.cleaning.pool import Pool
from lepton_lab.cleaning.score import Score, Share
from lepton_lab.cleaning.suspects import KINDS, Reason, Suspect

__all__ = ["KINDS", "Desk", "EditsFile", "Pool", "Reason", "Score", "Share", "Suspect", "features"]
