# SPDX-License-Identifier: BSD-3-Clause
"""A .pte is proven like every other format, takes batches of any size, and is never static in silence."""

from dataclasses import replace

import numpy as np
import pytest

from lepton_lab.errors import LeptonError
from lepton_lab.exporting import export, program
from lepton_lab.exporting.executorch import _narrowed, write
from lepton_lab.exporting.signature import Graph
from lepton_lab.exporting.signatures import signatures
from lepton_lab.exporting.tracing import trace

pytest.importorskip("executorch")


@pytest.fixture(scope="module")
def artifact(subject, tmp_path_factory):
    return export(subject, "executorch", tmp_path_factory.mktemp("edge") / "pets.lepton")


def test_it_passed_with_the_tolerance_of_the_task(artifact):
    certificate = artifact.certificate
    found = certificate["formats"]["executorch"]
    assert found["agreement"] == 1.0
    assert found["largest_difference"]["logits"] < certificate["tolerance"]["logits"] / 2
    assert set(found["versions"]) == {"numpy", "pillow", "torch", "executorch"}
    assert b"/lepton_lab/" not in (artifact.path / "model.pte").read_bytes()


def test_a_batch_beyond_the_planned_memory_is_cut(artifact, subject):
    import torch

    from lepton_lab.runtime.image import normalize

    compute = program.computing("executorch", artifact.path)(0)
    model, rule = subject.module(), subject.built.preprocessing
    for size in (1, 15, 16, 31):
        pixels = np.random.default_rng(size).integers(0, 256, (size, 48, 48, 3), dtype=np.uint8)
        with torch.inference_mode():
            wanted = model(torch.from_numpy(normalize(pixels, rule))).numpy()
        np.testing.assert_allclose(compute({"image": pixels})["logits"], wanted, atol=1e-5)


def of_module(module, example, dynamic):
    """The signature of pictures with another graph."""
    graph = Graph(module.eval(), {"image": example}, ("logits",), {"image": dynamic})
    return replace(signatures.get("image-classification"), graph=lambda subject: graph)


def test_a_model_for_one_batch_size_is_refused(subject, tmp_path):
    import torch

    class Fixed(torch.nn.Module):
        def forward(self, image):
            return (image.reshape(2, -1).float(),)

    signature = of_module(Fixed(), torch.zeros(2, 4), {0: "batch"})
    with pytest.raises(LeptonError, match="cannot be written as executorch") as caught:
        write(subject, signature, tmp_path)
    assert len(str(caught.value).splitlines()) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_range_that_became_narrower_than_it_was_asked_for_is_told():
    import torch

    class Tuple(torch.nn.Module):
        def forward(self, image):
            return (image.mean(dim=(1, 2)),)

    example = {"image": torch.zeros(2, 8, 8)}
    graph = Graph(Tuple().eval(), example, ("logits",), {"image": {0: "batch"}})
    traced = trace(graph, {"batch": 15})
    assert _narrowed(traced, graph, {"batch": 15}) == ""
    assert _narrowed(traced, graph, {"batch": 64}) == "batch than 0 to 15"
    fixed = trace(replace(graph, dynamic={}))
    assert _narrowed(fixed, graph, {"batch": 15}) == "batch than 2"
