# SPDX-License-Identifier: BSD-3-Clause
"""The gate passes what is equal and refuses every planted mistake."""

import re
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
    assert certificate["threads"] == [1, 2]
    assert certificate["lengths"] == {} and certificate["refused"] == {}
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
        "resize",
    ),
    "nearest instead of bicubic": (
        "image.py",
        '"bicubic": Image.Resampling.BICUBIC',
        '"bicubic": Image.Resampling.NEAREST',
        "resize",
    ),
    "no antialias": (
        "image.py",
        "picture.resize((width, height), filter_)",
        "picture.transform((width, height), Image.EXTENT, (0, 0, *picture.size), filter_)",
        "resize",
    ),
    "resize with a reducing gap": (
        "image.py",
        "picture.resize((width, height), filter_)",
        "picture.resize((width, height), filter_, reducing_gap=1.0)",
        "resize",
    ),
    "another crop share": (
        "image.py",
        'to_height, to_width = (int(side) for side in resize["size"])',
        'to_height, to_width = (int(side / 0.875) for side in resize["size"])',
        r"resize \(\d+ x \d+ pixels instead of \d+ x \d+, as by another crop_pct\)",
    ),
    "squashed instead of cropped": (
        "image.py",
        'if resize["mode"] == "exact":',
        "if True:",
        r"resize \((\d+) x \1 pixels instead of \d+ x \d+\)",
    ),
    "BGR instead of RGB": (
        "image_input.py",
        "pixels = read_image(source)",
        "pixels = read_image(source)[:, :, ::-1]",
        "decode",
    ),
    "EXIF ignored": ("pixels.py", "turn = _UPRIGHT.get(orientation(image))", "turn = None", "decode"),
    "alpha ignored": ("pixels.py", "if image.has_transparency_data:", "if False:", "decode"),
    "alpha over black": ("pixels.py", "(255, 255, 255, 255)", "(0, 0, 0, 255)", "decode"),
    "16 bits clipped": (
        "pixels.py",
        "((wide * 255 + 32767) // 65535)",
        "wide.clip(0, 255)",
        "decode",
    ),
}


@pytest.mark.parametrize("mistake", RUNTIME_MUTATIONS)
def test_a_mistake_in_the_preparation_is_refused(mistake, staged, subject, trial):
    file, old, new, stage = RUNTIME_MUTATIONS[mistake]
    edit(staged / RUNTIME / file, old, new)
    seal(staged)
    message = refused(staged, subject, trial)
    assert "nothing was written" in message
    assert "its prepared input differs" in message
    assert re.search(rf"First stage that differs: {stage}\.", message)
    assert "tolerance" in message and "accuracy" in message


def test_the_outputs_alone_give_a_wrong_interpolation_away(staged, subject, trial):
    edit(staged / RUNTIME / "image.py", *RUNTIME_MUTATIONS["bilinear instead of bicubic"][1:3])
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


def overflow_in_half_precision(graph):
    """Logits times and divided by 10^8: nothing in fp32, and beyond 65504 in fp16."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    factors = (("much", 1e4), ("little", 1e-4))
    graph.initializer.extend(
        numpy_helper.from_array(np.array(value, np.float32), name) for name, value in factors
    )
    (last,) = [node for node in graph.node if "logits" in node.output]
    last.output[0] = "logits 0"
    place = list(graph.node).index(last) + 1
    for i, name in enumerate(("much", "much", "little", "little")):
        output = "logits" if i == 3 else f"logits {i + 1}"
        graph.node.insert(
            place + i, onnx.helper.make_node("Mul", [f"logits {i}", name], [output])
        )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)])
    graph.CopyFrom(convert_float_to_float16(model, keep_io_types=True).graph)


GRAPH_MUTATIONS = {
    swap_constants: "normalise",
    drop_softmax: "post-process",
    nudge_weights: "model",
    overflow_in_half_precision: "model",
    freeze_batch: "model",
}


@pytest.mark.parametrize("change", GRAPH_MUTATIONS)
def test_a_mistake_in_the_graph_is_refused(change, staged, subject, trial):
    edit_graph(staged, change)
    seal(staged)
    message = refused(staged, subject, trial)
    assert f"First stage that differs: {GRAPH_MUTATIONS[change]}." in message
    if change is freeze_batch:
        assert "does not run" in message
    else:
        assert "First sample that differs: 'EXIF-rotated JPEG'" in message


FAILURES = {
    "crop": ("image.py", "top, left = round((height", "top, left = undefined((height"),
    "model": ("predictor.py", "values = self.session.run(", "values = self.session.walk("),
    "post-process": (
        "classes_output.py", "def cut(self, outputs: Outputs, rows: Sequence[Row])", "def cut(self, outputs: Outputs)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("stage", FAILURES)
def test_an_export_that_fails_is_told_by_the_stage_that_failed(stage, staged, subject, trial):
    file, old, new = FAILURES[stage]
    edit(staged / RUNTIME / file, old, new)
    seal(staged)
    message = refused(staged, subject, trial)
    assert "It does not run: " in message and "Error: " in message
    assert f"First stage that differs: {stage}." in message
    named = f"First sample that differs: '{trial.samples[0].id}'." in message
    assert named is (stage == "crop")


def test_an_export_that_cannot_be_loaded_says_so_without_a_stage(staged, subject, trial):
    (staged / "model.onnx").write_bytes(b"no graph")
    seal(staged)
    message = refused(staged, subject, trial)
    assert "It does not run: " in message and "stage" not in message


def test_permuted_labels_are_refused(staged, subject, trial):
    edit_manifest(staged, lambda manifest: manifest["labels"].reverse())
    message = refused(staged, subject, trial)
    assert "labels" in message and "First stage that differs: post-process." in message


OTHER_RULES = {
    "mean": (STD, "normalise"),
    "std": (MEAN, "normalise"),
    "rescale": (1.0, "normalise"),
    "resize": (None, "resize ("),
    "crop": ({"mode": "center", "size": [40, 40]}, "crop"),
    "channels": (7, "resize"),
}


@pytest.mark.parametrize("key", OTHER_RULES)
def test_a_manifest_that_tells_another_preprocessing_is_refused(key, staged, subject, trial):
    other, stage = OTHER_RULES[key]
    edit_manifest(staged, lambda manifest: manifest["preprocessing"].update({key: other}))
    message = refused(staged, subject, trial)
    assert "preprocessing" in message
    assert f"First sample that differs: '{trial.samples[0].id}'." in message
    assert f"First stage that differs: {stage}" in message


def test_weights_of_another_state_are_refused(staged, subject, trial):
    import torch

    from lepton_lab.exporting.trial import make_trial

    module = subject.module()
    with torch.no_grad():
        module.get_classifier().weight.mul_(1.01)
    later = replace(subject, built=replace(subject.built, module=module))
    message = refused(staged, later, make_trial(later))
    assert "by the model" in message and "by the export" in message
    assert "First stage that differs: model." in message


def test_an_answer_that_depends_on_the_number_of_threads_is_refused(staged, subject, trial):
    edit(
        staged / RUNTIME / "predictor.py",
        "options.intra_op_num_threads = threads",
        "options.intra_op_num_threads = threads\n    global _THREADS\n    _THREADS = threads",
    )
    edit(
        staged / RUNTIME / "predictor.py",
        "        return dict(zip(self._names, values, strict=True))",
        "        values = [v + (_THREADS == 2) for v in values]\n"
        "        return dict(zip(self._names, values, strict=True))",
    )
    seal(staged)
    assert "in batches of 17, threads: 2" in refused(staged, subject, trial)


def test_with_room_for_reasons_a_bundle_in_which_nothing_passes_is_still_refused(
    staged, subject, trial
):
    edit_graph(staged, drop_softmax)
    seal(staged)
    reasons = {}
    with pytest.raises(ParityError, match="onnx: First sample that differs"):
        gate(staged, subject, trial, reasons)
    assert list(reasons) == ["onnx"]


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
