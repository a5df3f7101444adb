# SPDX-License-Identifier: BSD-3-Clause
"""An artifact behind LitServe, for `benchmarks/serve.py`, which starts it with ARTIFACT PORT.

It decodes, prepares and answers with the artifact's own runtime, so that only the servers differ. Batches of up
to 16 within 2 ms, one worker, on the CPU.
"""

import base64
import sys
from typing import Any

import litserve

BATCH, WINDOW, THREADS = 16, 0.002, 1


class Served(litserve.LitAPI):
    """As LitServe's documentation writes an API with batches; it begins again in a process of its own."""

    def setup(self, device: Any) -> None:
        """Load the artifact."""
        sys.path.insert(0, sys.argv[1])
        from lepton_runtime.predictor import Predictor

        self.model = Predictor(sys.argv[1], THREADS)

    def decode_request(self, request: dict[str, Any]) -> Any:
        """One row for the model."""
        return self.model.prepare(base64.b64decode(request["input"]))

    def batch(self, inputs: list[Any]) -> list[Any]:
        """Rows are collated by the artifact's own runtime."""
        return inputs

    def predict(self, rows: list[Any]) -> list[Any]:
        """The outputs of a batch, each with its row."""
        return list(zip(self.model.outputs(rows), rows, strict=True))

    def unbatch(self, output: list[Any]) -> list[Any]:
        """They are separate already."""
        return output

    def encode_response(self, found: Any) -> dict[str, Any]:
        """The answer as JSON values."""
        return {"prediction": self.model.output.answer(*found).to_json()}


if __name__ == "__main__":
    api = Served(max_batch_size=BATCH, batch_timeout=WINDOW)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", generate_client_file=False)
