# SPDX-License-Identifier: BSD-3-Clause
"""An artifact behind a plain FastAPI application, for `benchmarks/serve.py`, which starts it with ARTIFACT PORT.

It decodes, prepares and answers with the artifact's own runtime, so that only the servers differ. The endpoint is
a function without `async`, which runs in the thread pool; there are no batches.
"""

import base64
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

THREADS = 1


class Question(BaseModel):
    """What is sent."""

    input: str


def application(folder: str) -> FastAPI:
    sys.path.insert(0, folder)
    from lepton_runtime.predictor import Predictor

    model = Predictor(folder, THREADS)
    app = FastAPI()

    @app.post("/predict")
    def predict(question: Question) -> dict[str, Any]:
        (found,) = model.predict([base64.b64decode(question.input)])
        return {"prediction": found.to_json()}

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False
    )
