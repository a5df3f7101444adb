# SPDX-License-Identifier: BSD-3-Clause
"""What a teacher says becomes part of a loss: mixed as it should, by the name of the sample."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lepton_lab.compression.distil import teach
from lepton_lab.errors import LeptonError
from lepton_lab.tasks.soft_targets import FILE, Taught, packed, soft_loss, taught, without

SAID = np.array([[2.0, 0.0, -1.0], [0.0, 3.0, 0.0]], np.float32)


class OwnTask:
    """A task with a plain cross-entropy."""

    metric, spec = "accuracy", "first"

    def loss(self, module, batch, device):
        return torch.nn.functional.cross_entropy(module(batch.images), batch.labels)


def batch(*ids):
    return SimpleNamespace(ids=list(ids), images=torch.ones(len(ids), 2), labels=torch.zeros(len(ids), dtype=torch.int64))


def test_the_teachers_own_answer_costs_nothing_and_another_does():
    said = torch.from_numpy(SAID)
    assert soft_loss(said + 5.0, said, 4.0) == pytest.approx(0.0, abs=1e-6)
    assert soft_loss(said.flip(0), said, 4.0) > 0.1


def test_the_loss_is_the_divergence_at_the_temperature():
    logits, said, t = torch.tensor([[1.0, -1.0]]), torch.tensor([[0.5, 0.5]]), 2.0
    p, q = torch.softmax(said / t, 1), torch.softmax(logits / t, 1)
    assert soft_loss(logits, said, t) == pytest.approx(float((p * (p / q).log()).sum()) * t * t, rel=1e-5)


def test_both_losses_are_mixed_by_the_weight_and_the_gradient_reaches_the_module():
    module, device = torch.nn.Linear(2, 3), torch.device("cpu")
    task = OwnTask()
    found = Taught(task, packed(["a", "b"], SAID, 4.0, 0.7)).loss(module, batch("b", "a"), device)
    logits = module(torch.ones(2, 2))
    wanted = 0.3 * task.loss(module, batch("b", "a"), device) + 0.7 * soft_loss(logits, torch.from_numpy(SAID[::-1].copy()), 4.0)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-6)
    found.backward()
    assert module.weight.grad.abs().sum() > 0
    assert not module._forward_hooks


def test_everything_but_the_loss_is_the_tasks_own():
    task = Taught(OwnTask(), packed(["a"], SAID[:1], 4.0, 0.5))
    task.spec = "second"
    assert (task.metric, task.task.spec) == ("accuracy", "second")


def test_a_sample_that_the_teacher_never_saw_is_named():
    task = Taught(OwnTask(), packed(["a"], SAID[:1], 4.0, 0.5))
    with pytest.raises(LeptonError, match="'b'"):
        task.loss(torch.nn.Linear(2, 3), batch("a", "b"), torch.device("cpu"))


def test_a_model_without_a_teacher_keeps_its_task_and_a_trained_one_leaves_it_behind():
    task, data = OwnTask(), packed(["a"], SAID[:1], 4.0, 0.5)
    assert taught(task, SimpleNamespace(files={"tokenizer.json": b""})) is task
    assert isinstance(taught(task, SimpleNamespace(files={FILE: data})), Taught)
    assert without({FILE: data, "tokenizer.json": b"x"}) == {"tokenizer.json": b"x"}


def test_a_task_without_classes_per_sample_is_refused():
    teacher = SimpleNamespace(preprocessing={"labels": "number"})
    with pytest.raises(LeptonError, match="cannot be distilled") as caught:
        teach(teacher, "text-classification", None)
    assert "number" in caught.value.what
    with pytest.raises(LeptonError, match="object-detection"):
        teach(SimpleNamespace(preprocessing={}), "object-detection", None)
