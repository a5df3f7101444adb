# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from lepton_lab.catalog.building import from_config, save_pretrained
from lepton_lab.catalog.detection_models import squeezed
from lepton_lab.errors import LeptonError
from lepton_lab.runtime.image import normalize, prepare
from lepton_lab.spec import ModelSpec, TrainSpec
from lepton_lab.tasks import tasks
from lepton_lab.training.optim import parameter_groups
from tests.catalog.tiny_detection import CONFIGS, tiny_folder
from tests.datasets.trees import three_lines

KINDS = list(CONFIGS)
BUILD = tasks.get("object-detection").build
PIXELS = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32))
LABELS = [
    {"class_labels": torch.tensor([0, 1]), "boxes": torch.tensor([[0.5, 0.5, 0.2, 0.2], [0.3, 0.3, 0.2, 0.1]])},
    {"class_labels": torch.zeros(0, dtype=torch.int64), "boxes": torch.zeros(0, 4)},
]  # fmt: skip


class Data:
    """What a build needs of a data set."""

    classes = ("cat", "dog", "eel")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Type of model -> its folder, made when it is first asked for."""
    root = tmp_path_factory.mktemp("detectors")

    class Folders(dict):
        def __missing__(self, kind):
            self[kind] = tiny_folder(root / kind, kind)
            return self[kind]

    return Folders()


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_gets_new_heads_and_keeps_the_rest(folders, kind):
    """Every weight but those that depend on the classes is the checkpoint's, and every weight learns."""
    own = BUILD(ModelSpec(str(folders[kind])), None, 0)
    assert own.classes == tuple(f"label {i}" for i in range(5)) and own.pretrained
    new = BUILD(ModelSpec(str(folders[kind])), Data, 1)
    before, after = own.module.state_dict(), new.module.state_dict()
    sized = {name for name in before if before[name].shape != after[name].shape}
    assert sized and all(torch.equal(before[n], after[n]) for n in set(before) - sized)
    assert {n for n, _ in new.module.named_parameters() if n in sized} == set(new.head)
    with torch.no_grad():
        scores, boxes = new.module(PIXELS)
    assert scores.shape == (2, 8, 3) and boxes.shape == (2, 8, 4)
    assert (scores >= 0).all() and (scores <= 1).all()
    assert (boxes[..., 2:] >= boxes[..., :2]).all()
    names = sorted(name for group in new.groups for name in group)
    assert names == sorted(name for name, _ in new.module.named_parameters())
    new.module.train()
    loss = new.module(PIXELS, LABELS)
    loss.backward()
    assert torch.isfinite(loss) and loss > 0
    assert torch.isfinite(new.module(PIXELS, [LABELS[1]] * 2))
    assert not [name for name, p in new.module.named_parameters() if p.grad is None]


@pytest.mark.parametrize("kind", ["detr", "rt_detr"])
def test_as_many_classes_as_before_are_new_heads_too(folders, kind):
    class Five:
        classes = ("a", "b", "c", "d", "e")

    own, new = (
        BUILD(ModelSpec(str(folders[kind])), None, 0),
        BUILD(ModelSpec(str(folders[kind])), Five, 1),
    )
    state, fresh = own.module.state_dict(), new.module.state_dict()
    weights = [n for n in new.head if n.endswith("weight")]
    assert weights and not any(torch.equal(state[n], fresh[n]) for n in weights)
    assert new.classes == Five.classes


def test_a_model_that_is_no_number_any_more_has_a_loss_that_is_none(folders):
    built = BUILD(ModelSpec(str(folders["detr"])), Data, 0)
    with torch.no_grad():
        next(p for n, p in built.module.named_parameters() if "bbox" in n).fill_(torch.nan)
    assert torch.isnan(built.module(PIXELS, LABELS))


@pytest.mark.parametrize("kind", ["detr-timm", "rt_detr"])
def test_configuration_and_folder_give_the_same_model_again(folders, kind, tmp_path):
    from transformers import AutoModelForObjectDetection

    built = BUILD(ModelSpec(str(folders[kind])), Data, 0)
    again = from_config(json.loads(json.dumps(built.config)), classes=built.classes)
    again.module.load_state_dict(built.module.state_dict())
    save_pretrained(built, tmp_path)
    theirs = AutoModelForObjectDetection.from_pretrained(tmp_path).eval()
    assert theirs.config.id2label == {0: "cat", 1: "dog", 2: "eel"}
    folder = BUILD(ModelSpec(str(tmp_path)), None, 0)
    with torch.no_grad():
        wanted = built.module(PIXELS)
        for other in (again.module, folder.module):
            for a, b in zip(wanted, other(PIXELS), strict=True):
                torch.testing.assert_close(a, b)
        logits = theirs(pixel_values=PIXELS).logits
    scores = logits.sigmoid() if built.module.many else logits.softmax(-1)[..., :-1]
    torch.testing.assert_close(scores, wanted[0])
    assert folder.preprocessing == again.preprocessing == built.preprocessing


@pytest.mark.parametrize("kind", ["detr", "yolos", "rt_detr"])
def test_pictures_are_prepared_as_the_saved_processor_prepares_them(folders, kind, tmp_path):
    from transformers import AutoImageProcessor

    built = BUILD(ModelSpec(str(folders[kind])), Data, 0)
    save_pretrained(built, tmp_path)
    processor = AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    pixels = np.random.default_rng(1).integers(0, 256, (50, 80, 3), dtype=np.uint8)
    ours = normalize(prepare(pixels, built.preprocessing)[None], built.preprocessing)
    theirs = processor(pixels, return_tensors="np")["pixel_values"]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_backbone_learns_at_a_tenth_of_the_rate(folders):
    built = BUILD(ModelSpec(str(folders["detr"])), Data, 0)
    assert (built.recipe["learning_rate"], built.recipe["weight_decay"]) == (1e-4, 1e-4)
    groups = parameter_groups(built.module, built.groups, layer_decay=built.recipe["layer_decay"], weight_decay=0.1)  # fmt: skip
    factor = {id(p): group["factor"] for group in groups for p in group["params"]}
    for name, parameter in built.module.named_parameters():
        assert factor[id(parameter)] == pytest.approx(0.1 if ".backbone." in name else 1.0)
    fresh = BUILD(ModelSpec(str(folders["detr"]), weights="none"), Data, 0)
    assert fresh.recipe["layer_decay"] == 1.0 and not fresh.pretrained


@pytest.mark.parametrize(
    ("raw", "size"),
    [
        (None, (640, 640)),
        ({"image_processor_type": "DetrImageProcessorFast", "size": {"shortest_edge": 800, "longest_edge": 1333}}, (640, 640)),
        ({"feature_extractor_type": "YolosFeatureExtractor", "size": 512, "max_size": 864}, (512, 512)),
        ({"image_processor_type": "RTDetrImageProcessor", "size": {"height": 480, "width": 640}}, (480, 640)),
    ],
)  # fmt: skip
def test_the_size_is_the_processors_own_or_a_square_of_at_most_640(raw, size):
    found = squeezed(raw)
    assert (found["size"]["height"], found["size"]["width"]) == size and not found["do_pad"]
    assert squeezed(raw, 96)["size"] == {"height": 96, "width": 96}
    assert found["do_normalize"] == (raw is None or "RTDetr" not in str(raw))


@pytest.mark.parametrize("kind", ["detr", "yolos"])
def test_another_image_size(folders, kind):
    built = BUILD(ModelSpec(str(folders[kind]), image_size=96), Data, 0)
    assert built.preprocessing["resize"]["size"] == [96, 96]
    with torch.no_grad():
        assert built.module(torch.zeros(1, 3, 96, 96))[1].shape == (1, 8, 4)
    with pytest.raises(LeptonError, match="100 x 100") as caught:
        BUILD(ModelSpec(str(folders[kind]), image_size=100), Data, 0)
    assert "image_size=96" in three_lines(caught.value)[2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "vit"}, "cannot be trained to find objects"),
        ({"model_type": "lw_detr"}, "cannot be trained to find objects"),
        ({"backbone": "hf-hub:someone/something"}, "names the place"),
        ({"backbone_config": {"model_type": "timm_backbone", "backbone": "local-dir:/tmp/x"}}, "names the place"),
    ],
)  # fmt: skip
def test_what_is_no_detector_here_says_so(folders, tmp_path, change, said):
    folder = tiny_folder(tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(LeptonError, match=said) as caught:
        BUILD(ModelSpec(str(folder)), Data, 0)
    three_lines(caught.value)


def test_a_classifier_of_timm_and_four_channels_are_refused(folders):
    for spec in (ModelSpec("test_resnet.r160_in1k", weights="none"), ModelSpec("lepton_glyphs"), ModelSpec(str(folders["detr"]), channels=4)):  # fmt: skip
        with pytest.raises(LeptonError) as caught:
            BUILD(spec, Data, 0)
        three_lines(caught.value)


def test_a_task_is_made_for_each(folders):
    built = BUILD(ModelSpec(str(folders["detr"])), Data, 0)
    task = tasks.get("object-detection").create(built, TrainSpec(augment="strong"), True)
    assert task.metric == "map50" and task.higher_is_better
