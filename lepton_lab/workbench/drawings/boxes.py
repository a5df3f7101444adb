# SPDX-License-Identifier: BSD-3-Clause
"""Boxes drawn into their picture, with the classes and their scores in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from lepton_lab.datasets.box_drawing import found_boxes
from lepton_lab.rendering import Markup
from lepton_lab.runtime.boxes_output import Detections
from lepton_lab.runtime.image_input import read_image

SIDE = 320


def draw(answer: Detections, source: Any) -> Markup:
    """The picture with the boxes of an answer.

    Args:
        answer: The boxes, in pixels of the picture.
        source: The picture, in any form that the runtime takes.
    """
    pixels = read_image(source)
    height, width = answer.size
    corners = answer.boxes / np.array([width, height, width, height], np.float32)
    kinds = [answer.classes.index(label) for label in answer.labels]
    name = answer.name or "picture"
    return found_boxes(pixels, corners, kinds, answer.scores.tolist(), answer.classes, name, SIDE)
