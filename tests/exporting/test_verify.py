# SPDX-License-Identifier: BSD-3-Clause
"""The gate passes what is equal and refuses every planted mistake."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from lepton_lab import durable
from lepton_lab.errors import ParityError
from lepton_lab.exporting import gate
from lepton_lab.exporting.bundle import seal

RUNTIME = "lepton_runtime"
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def refused(folder, subject, trial):
    with pytest.raises(ParityError) as caught:
        gate(folder, subject, trial)
    return str(caught.value)


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path.name} must hold {old!r} once"
    path.write_text(text.replace(old, new), "utf-8")


def edit_manifest(folder, change):
    manifest = durable.read_json(folder / "manifest.json")
    change(manifest)
    durable.write_json(folder / "manifest.json", manifest)


def edit_graph(folder, change):
    model = onnx.load(folder / "model.onnx")
    change(model.graph)
    onnx.save(model, folder / "model.onnx")


def test_an_honest_bundle_passes_with_its_figures(staged, subject, trial):
    certificate = gate(staged, subject, trial)
    assert certificate["passed"] is True
    assert certificate["samples"] == {"real": 12, "odd": 12, "all": 24}
    assert certificate["batch_sizes"] == [1, 2, 5, 17]
    found = certificate["formats"]["onnx"]
    assert found["agreement"] == 1.0
    assert found["largest_difference"]["probabilities"] < 1e-5
    assert found["metric"]["before"] == found["metric"]["after"] == certificate["metric"]
    assert found["metric"]["before"]["n"] == 12
    assert set(found["versions"]) == {"numpy", "pillow", "onnxruntime"}


def test_both_formats_were_compared(original):
    found = original.certificate["formats"]
    assert set(found) == {"onnx", "safetensors"}
    assert all(section["agreement"] == 1.0 for section in found.values())
    assert "torch" in found["safetensors"]["versions"]


RUNTIME_MUTATIONS = {
    "bilinear instead of bicubic": (
        "image.py",
        '"bicubic": Image.Resampling.BICUBIC',
        '"bicubic": Image.Resampling.BILINEAR',
    ),
    "nearest instead of bicubic": (
        "image.py",
        '"bicubic": Image.Resampling.BICUBIC',
        '"bicubic": Image.Resampling.NEAREST',
    ),
    "no antialias": (
        "image.py",
        "picture.resize((width, height), filter_)",
        "picture.transform((width, height), Image.EXTENT, (0, 0, *picture.size), filter_)",
    ),
    "resize with a reducing gap": (
        "image.py",
        "picture.resize((width, height), filter_)",
        "picture.resize((width, height), filter_, reducing_gap=1.0)",
    ),
    "another crop share": (
        "image.py",
        'to_height, to_width = (int(side) for side in resize["size"])',
        'to_height, to_width = (int(side / 0.875) for side in resize["size"])',
    ),
    "squashed instead of cropped": (
        "image.py",
        'if resize["mode"] == "exact":',
        "if True:",
    ),
    "BGR instead of RGB": (
        "image_input.py",
        "pixels = read_image(source)",
        "pixels = read_image(source)[:, :, ::-1]",
    ),
    "EXIF ignored": ("pixels.py", "turn = _UPRIGHT.get(orientation(image))", "turn = None"),
    "alpha ignored": ("pixels.py", "if image.has_transparency_data:", "if False:"),
    "alpha over black": ("pixels.py", "(255, 255, 255, 255)", "(0, 0, 0, 255)"),
    "16 bits clipped": (
        "pixels.py",
        "((wide * 255 + 32767) // 65535)",
        "wide.clip(0, 255)",
    ),
}


@pytest.mark.parametrize("mistake", RUNTIME_MUTATIONS)
def test_a_mistake_in_the_preparation_is_refused(mistake, staged, subject, trial):
    file, old, new = RUNTIME_MUTATIONS[mistake]
    edit(staged / RUNTIME / file, old, new)
    seal(staged)
    message = refused(staged, subject, trial)
    assert "nothing was written" in message
    assert "its prepared input differs" in message
    assert "tolerance" in message and "accuracy" in message


def test_the_outputs_alone_give_a_wrong_interpolation_away(staged, subject, trial):
    edit(staged / RUNTIME / "image.py", *RUNTIME_MUTATIONS["bilinear instead of bicubic"][1:])
    fingerprints = "np.array([fingerprint(row) for row in rows])"
    edit(staged / RUNTIME / "probe.py", fingerprints, 'np.array(["same"] * len(rows))')
    seal(staged)
    blind = replace(trial, inputs=("same",) * len(trial.inputs))
    assert "in batches of" in refused(staged, subject, blind)


def swap_constants(graph):
    tensors = {t.name: t for t in graph.initializer}
    values = {n: numpy_helper.to_array(tensors[n]).copy() for n in ("mean", "std")}
    assert not np.allclose(values["mean"], values["std"])
    for name, other in (("mean", "std"), ("std", "mean")):
        tensors[name].CopyFrom(numpy_helper.from_array(values[other], name))


def drop_softmax(graph):
    (node,) = [n for n in graph.node if n.op_type == "Softmax"]
    node.op_type = "Identity"
    del node.attribute[:]


def freeze_batch(graph):
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = 17


def nudge_weights(graph):
    tensor = max(graph.initializer, key=lambda t: int(np.prod(t.dims)))
    tensor.CopyFrom(
        numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(1.01), tensor.name)
    )


@pytest.mark.parametrize("change", [swap_constants, drop_softmax, nudge_weights, freeze_batch])
def test_a_mistake_in_the_graph_is_refused(change, staged, subject, trial):
    edit_graph(staged, change)
    seal(staged)
    message = refused(staged, subject, trial)
    if change is freeze_batch:
        assert "does not run" in message
    else:
        assert "First sample that differs: 'EXIF-rotated JPEG'" in message


def test_permuted_labels_are_refused(staged, subject, trial):
    edit_manifest(staged, lambda manifest: manifest["labels"].reverse())
    assert "labels" in refused(staged, subject, trial)


@pytest.mark.parametrize("key", ["mean", "std", "rescale", "resize"])
def test_a_manifest_that_tells_another_preprocessing_is_refused(key, staged, subject, trial):
    other = {"mean": STD, "std": MEAN, "rescale": 1.0, "resize": None}
    edit_manifest(staged, lambda manifest: manifest["preprocessing"].update({key: other[key]}))
    assert "preprocessing" in refused(staged, subject, trial)


def test_weights_of_another_state_are_refused(staged, subject, trial):
    import torch

    from lepton_lab.exporting.trial import make_trial

    module = subject.module()
    with torch.no_grad():
        module.get_classifier().weight.mul_(1.01)
    later = replace(subject, built=replace(subject.built, module=module))
    message = refused(staged, later, make_trial(later))
    assert "by the model" in message and "by the export" in message


def test_a_file_that_changed_after_sealing_is_refused(staged, subject, trial):
    (staged / "golden" / "000.jpg").write_bytes(b"other")
    assert "golden/000.jpg" in refused(staged, subject, trial)


def test_a_runtime_that_needs_torch_is_refused(staged, subject, trial):
    edit(
        staged / RUNTIME / "predictor.py", "import numpy as np", "import numpy as np\nimport torch"
    )
    seal(staged)
    assert "It loads torch" in refused(staged, subject, trial)


def test_a_preprocessing_that_is_not_the_models_own_is_refused_on_both_sides(staged, subject):
    from lepton_lab.exporting.trial import make_trial

    rule = subject.built.preprocessing
    wrong = {**rule, "resize": {**rule["resize"], "interpolation": "bilinear"}}
    mistaken = replace(subject, built=replace(subject.built, preprocessing=wrong))
    edit_manifest(staged, lambda manifest: manifest.update(preprocessing=wrong))
    assert "timm's own transform" in refused(staged, mistaken, make_trial(mistaken))


def test_a_tie_within_the_tolerance_is_not_a_difference():
    from lepton_lab.exporting.signatures import signatures

    agrees = signatures.get("image-classification").agrees
    model = {"probabilities": np.array([[0.5, 0.49995, 0.00005], [0.6, 0.4, 0.0]])}
    found = {"probabilities": np.array([[0.49995, 0.5, 0.00005], [0.4, 0.6, 0.0]])}
    assert agrees(model, found).tolist() == [True, False]


def test_outputs_that_are_no_numbers_are_refused(staged, subject, trial):
    def poison(graph):
        tensor = next(t for t in graph.initializer if t.name == "std")
        tensor.CopyFrom(numpy_helper.from_array(np.full(3, np.nan, np.float32), "std"))

    edit_graph(staged, poison)
    seal(staged)
    assert "inf" in refused(staged, subject, trial)
