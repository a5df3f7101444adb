# SPDX-License-Identifier: BSD-3-Clause
"""Smaller models: fewer bits (quantize), fewer channels (prune), fewer layers (distil).

One file is one method and one record. What it costs is measured, never assumed: see
`workbench.compressing`, which makes the candidates, compares them on held-out samples and chooses.
"""
