# SPDX-License-Identifier: BSD-3-Clause
"""What an artifact needs to run, and nothing more: numpy, Pillow and onnxruntime.

This package is copied word for word into every artifact as `lepton_runtime`, and Lepton Lab itself
uses it for training, evaluation and prediction. There is one implementation of "bytes of an image
in, model input out", so that what was measured is what ships. It imports nothing else of
Lepton Lab and never torch.
"""
