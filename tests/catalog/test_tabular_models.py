# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from lepton_lab.catalog import find, from_config, save_pretrained
from lepton_lab.catalog.tabular_models import awaiting, create, load, shape_of, unpack
from lepton_lab.catalog.trees import Trees, from_scikit_learn
from lepton_lab.errors import LeptonError

SCALE = {"at": [0.0, 1.0], "to": [-1.0, 1.0]}
COLUMNS = [
    {"name": "a", "kind": "number", "scales": [SCALE], "fill": [0.5], "indicator": True},
    {"name": "b", "kind": "category", "values": ["x", "y"]},
    {"name": "c", "kind": "category", "values": []},
]
ROWS = (
    torch.randn(7, 2, generator=torch.Generator().manual_seed(0)),
    torch.arange(14).reshape(7, 2) % 2,
)


@pytest.mark.parametrize("name", ["lepton/mlp", "lepton/ft-transformer-small"])
@pytest.mark.parametrize("columns", [COLUMNS, COLUMNS[:1], COLUMNS[1:]])
def test_a_network_fits_its_table_and_learns_in_every_part(name, columns):
    built = create(find(name), columns, ("no", "maybe", "yes"), 0)
    numbers, categories = shape_of(columns)
    rows = ROWS[0] if numbers else None, ROWS[1] if categories else None
    logits = built.module(*rows)
    assert logits.shape == (7, 3)
    logits.square().sum().backward()
    assert all(
        p.grad is not None and torch.isfinite(p.grad).all() for p in built.module.parameters()
    )
    assert {n for group in built.groups for n in group} == {
        n for n, _ in built.module.named_parameters()
    }
    assert set(built.head) == {"head.weight", "head.bias"}


def test_weights_depend_on_the_seed_alone_and_the_global_state_is_left_as_it_was():
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    one, same, other = (
        create(find("lepton/mlp"), COLUMNS, (), seed).module.state_dict() for seed in (3, 3, 4)
    )
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_unknown_and_missing_categories_say_nothing_at_first():
    module = create(find("lepton/mlp"), COLUMNS, ("a", "b"), 0).module
    vectors = module.columns.lookup(torch.tensor([[0, 0], [1, 1], [2, 1]]))
    assert not vectors[:2].any()
    assert vectors[2, 0].any()


def test_the_order_of_the_rows_in_a_batch_changes_nothing():
    module = create(find("lepton/ft-transformer-small"), COLUMNS, ("a", "b"), 0).module
    whole = module(*ROWS)
    torch.testing.assert_close(whole.flip(0), module(*(part.flip(0) for part in ROWS)))
    torch.testing.assert_close(whole[2:3], module(*(part[2:3] for part in ROWS)))


def test_a_saved_model_is_the_same_model_again(tmp_path):
    built = create(find("lepton/mlp"), COLUMNS, ("no", "yes"), 0)
    built.preprocessing = {"kind": "row", "columns": COLUMNS}
    assert save_pretrained(built, tmp_path / "mine") == ["config.json", "model.safetensors"]
    again = load(find(str(tmp_path / "mine")))
    assert (again.classes, again.preprocessing) == (("no", "yes"), built.preprocessing)
    assert torch.equal(again.module(*ROWS), built.module(*ROWS))
    assert from_config(built.config, classes=["a", "b", "c"]).module(*ROWS).shape == (7, 3)


def test_what_is_no_model_of_rows_is_said(tmp_path):
    with pytest.raises(LeptonError, match="does not learn from rows"):
        create(find("lepton_glyphs"), COLUMNS, ("a",), 0)
    with pytest.raises(LeptonError, match="does not learn from rows"):
        awaiting(find("lepton_glyphs"))
    with pytest.raises(LeptonError, match="no column to learn from"):
        create(find("lepton/mlp"), [], ("a",), 0)
    with pytest.raises(LeptonError, match="do not belong together"):
        unpack({"config.json": b"{}", "model.safetensors": b""})
    with pytest.raises(LeptonError, match="has not seen a table yet"):
        awaiting(find("lepton/mlp")).module(*ROWS)


@pytest.mark.parametrize("classes", [1, 2, 4])
def test_trees_as_a_module_answer_as_scikit_learn_does(classes):
    random = np.random.default_rng(0)
    numbers = np.round(random.normal(size=(600, 5)), 1).astype(np.float32)
    categories = random.integers(0, 9, (600, 2))
    x = np.concatenate([numbers, categories.astype(np.float32)], 1)
    target = (
        numbers[:, 0] * 3 + (categories[:, 0] > 4) * numbers[:, 1] + random.normal(size=600) / 3
    )
    kind = HistGradientBoostingRegressor if classes == 1 else HistGradientBoostingClassifier
    bins = np.quantile(target, np.linspace(0, 1, classes + 1)[1:-1])
    model = kind(max_iter=20).fit(x, target if classes == 1 else np.digitize(target, bins))
    trees = from_scikit_learn(model, classes)
    # Values that were never seen, right at and beside every threshold there is.
    edges = np.unique(trees.threshold.numpy())
    probe = np.concatenate(
        [edges, np.nextafter(edges, np.float32(9)), np.nextafter(edges, np.float32(-9))]
    )
    tried = np.concatenate([x, np.repeat(probe[:, None], x.shape[1], 1)]).astype(np.float32)
    with torch.no_grad():
        found = trees(torch.from_numpy(tried), None)
    wanted = model.predict(tried) if classes == 1 else model.predict_proba(tried)
    found = found[:, 0] if classes == 1 else found.softmax(1)
    np.testing.assert_allclose(found.numpy(), wanted, atol=2e-6, rtol=1e-5)
    with torch.no_grad():
        parts = trees(torch.from_numpy(numbers), torch.from_numpy(categories))
        assert torch.equal(parts, trees(torch.from_numpy(x), None))


def test_trees_are_not_trained_by_gradients():
    assert not any(p.requires_grad for p in Trees(2, 3, 1, 2).parameters())
