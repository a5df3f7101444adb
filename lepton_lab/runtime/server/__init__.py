# SPDX-License-Identifier: BSD-3-Clause
"""An artifact behind HTTP, as it stands: no Lepton Lab, no torch, no code of the user.

The limits stand in front of everything that parses, the `Predictor` of the artifact answers, and what
was accepted is answered. It needs Starlette, uvicorn, httptools and python-multipart.

command     the command line: verify first, then listen
protocol    the clock on every connection
guard       hosts, origins, the token; errors as problems
sources     what was sent -> what the predictor takes
model       queue, preparation, batches
predict, inference, openapi, schemas, page    what is asked for
"""
