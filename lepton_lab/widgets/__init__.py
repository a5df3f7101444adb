# SPDX-License-Identifier: BSD-3-Clause
"""What is live in a notebook or a terminal: the card of a run, its picture, its line.

Nothing is imported here; `lepton_lab.views` opens the one that fits.
"""
