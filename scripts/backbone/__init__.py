# SPDX-License-Identifier: BSD-3-Clause
"""Parts of ``scripts/train_backbone.py``: the pictures, the training, the measuring, the card."""
