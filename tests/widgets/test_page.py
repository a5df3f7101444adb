# SPDX-License-Identifier: BSD-3-Clause
"""The card's JavaScript: one module for widgets, pure functions for whoever bundles it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter

import pytest

from lepton_lab.charts import History
from lepton_lab.charts.snapshot import encode
from lepton_lab.widgets import page
from tests.charts.conftest import run

FILES = sorted(page.HERE.glob("card*.js")) + sorted(page.HERE.glob("card/*.js"))


def node(script, text=""):
    """What a script prints in Node."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node is not installed")
    done = subprocess.run(
        [found, "--input-type=module", "-e", script],
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_file_is_in_the_module_once_and_no_name_is_taken_twice():
    assert sorted(page.HERE / name for name in page.FILES) == sorted(FILES)
    names = re.findall(r"^(?:export )?(?:async )?(?:function|const|let) (\w+)", page.module(), re.M)
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert not re.search(r"^import |^export .* from ", page.module(), re.M)
    assert len(re.findall(r"^export default", page.module(), re.M)) == 1


def test_no_markup_is_ever_made_from_data():
    for file in FILES:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(",
            file.read_text("utf-8"),
        )


def test_a_widget_carries_less_than_thirty_kilobytes():
    assert len(page.module().encode()) < 30_000


def test_the_page_reads_what_the_kernel_writes():
    view = History.from_events(run(nan=(7,))).snapshot()
    address = json.dumps((page.HERE / "card" / "decode.js").as_uri())
    state = json.loads(
        node(
            f"import {{ decode }} from {address};"
            f"console.log(JSON.stringify(decode(Uint8Array.from({list(encode(view))}))));"
        )
    )
    curves = {(p["key"], c["name"]): c for p in state["panels"] for c in p["curves"]}
    losses = curves["loss", "train"]
    assert losses["x"] == view.column("step").tolist()
    assert losses["y"][6] is None
    rest = [i for i in range(100) if i != 6]
    written = view.column("loss").tolist()
    assert [losses["y"][i] for i in rest] == pytest.approx([written[i] for i in rest], abs=1e-4)
    assert curves["metric", "val"]["y"] == pytest.approx(
        view.metrics["val", "accuracy"][1].tolist(), abs=1e-4
    )
    assert state["kept"] == [80, 100]


def test_a_branch_is_offered_from_the_nearest_kept_step_and_its_name_is_quoted():
    address = json.dumps((page.HERE / "card" / "branch.js").as_uri())
    printed = node(
        f"import {{ command, nearest }} from {address};"
        "console.log(nearest([20, 60, 80], 45), nearest([20, 60, 80], 40), nearest([20], 999));"
        """console.log(command('a"b</script>', 20));"""
    )
    assert printed == '60 20 20\nlab.run("a\\"b</script>").branch(step=20)\n'


def test_names_in_a_chart_are_escaped():
    address = json.dumps((page.HERE / "card" / "charts.js").as_uri())
    panel = {
        "key": "metric",
        "title": "<i>t</i>",
        "curves": [{"name": "<b>&", "style": 1, "marked": 1, "x": [1], "y": [2]}],
    }
    data, layout, _ = json.loads(
        node(
            f"import {{ figure }} from {address};"
            f"console.log(JSON.stringify(figure({json.dumps(panel)}, {{ ink: '', grid: '', paper: '', colors: [] }})));"
        )
    )
    assert data[0]["name"] == "&lt;b&gt;&amp;"
    assert layout["title"]["text"] == "&lt;i&gt;t&lt;/i&gt; by step"


def test_a_number_is_shown_without_a_percentage_and_is_neither_right_nor_wrong():
    script = """
      class Element {
        constructor() { this.children = []; this.dataset = {}; this.textContent = ""; this.hidden = false; }
        setAttribute() {}
        append(one) { this.children.push(one); }
      }
      globalThis.document = { createElement: () => new Element() };
      const { strip } = await import(SAMPLES);
      const box = new Element();
      strip(box)([["820", "812.5", null], ["cat", "dog", 0.5]], []);
      const said = (item) => item.children.map((one) => one.textContent).filter(Boolean);
      process.stdout.write(JSON.stringify(box.children[0].children.map(said)));
    """
    samples = (page.HERE / "card" / "samples.js").as_uri()
    shown = json.loads(node(script.replace("SAMPLES", json.dumps(samples))))
    assert shown == [["812.5", "it is 820"], ["✗ dog 50 %", "wrong, it is cat"]]
