# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lepton_lab.magics.complete import last_word, offers
from lepton_lab.magics.verbs import verbs

HEAVY = {"torch", "timm", "transformers", "pandas", "plotly", "sklearn", "IPython"}


class LeptonModel:
    """Stands where completion looks at the name of a type."""


class Dataset:
    """As above."""


class ImageDataset(Dataset):
    """A subclass fits where its base fits."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data, pictures and two runs, the second newer."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEPTON_RUNS", raising=False)
    for folder in ("photos/cat", "my photos", ".hidden"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("table.csv", "notes.txt", "photos/a.jpg"):
        (tmp_path / name).touch()
    for age, name in ((2, "pets-1"), (1, "digits-2")):
        folder = tmp_path / "lepton-runs" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"name": name, "state": "done"}), "utf-8")
        _wait_for_the_clock(folder, age)
    return tmp_path


def _wait_for_the_clock(folder: Path, age: int) -> None:
    """Make the change time of the next folder later than this one's."""
    before = folder.stat().st_ctime_ns
    probe = folder.parent / "probe"
    while True:
        probe.touch()
        if probe.stat().st_ctime_ns > before:
            probe.unlink()
            return


def texts(*lines: str, **namespace: Any) -> list[str]:
    return [text for text, _ in offers(lines, namespace)[1]]


def test_verbs_come_first_and_narrow_as_one_types() -> None:
    assert texts("%lepton ") == verbs.names()
    assert offers(["%lepton tr"], {}) == ("tr", [("train", "verb")])
    assert texts("run = %lepton ev") == ["evaluate"]
    assert texts("    a, b = %lepton ev") == ["evaluate"]


@pytest.mark.parametrize(
    "line", ["%lepto", "%leptons tr", "lepton tr", "# %lepton tr", "x = '%lepton tr", ""]
)
def test_other_lines_are_left_to_others(line: str) -> None:
    assert offers([line], {}) == ("", [])


def test_options_that_are_used_are_not_offered_again() -> None:
    fresh = texts("%lepton train a b --epochs=3 --")
    assert "--learning-rate=" in fresh
    assert "--no-keep-best" in fresh
    assert "--keep-best" not in fresh
    assert "--epochs=" not in fresh
    assert "--learning-rate=" not in texts("%lepton train a b --lr=3 --")


def test_an_alias_is_offered_to_someone_who_types_it() -> None:
    assert "--lr=" in texts("%lepton train a b --l")
    assert "--lr=" not in texts("%lepton train a b --")


def test_after_the_equals_sign_come_the_choices_of_the_value() -> None:
    assert offers(["%lepton train a b --precision=b"], {}) == ("b", [("bf16", "value")])
    assert texts("%lepton train a b --precision ") == ["auto", "fp32", "bf16", "fp16"]
    assert offers(["%lepton train a b --epochs="], {}) == ("", [("5", "default")])
    assert texts("%lepton train a b --no-keep-best=") == []


def test_every_choice_that_is_offered_is_one_that_the_parser_takes() -> None:
    from lepton_lab.magics.parser import parse_line

    for verb in verbs:
        words = " x" if any(place.required for place in verb.positionals) else ""
        for text in texts(f"%lepton {verb.name}{words} --"):
            if text.endswith("="):
                for value in texts(f"%lepton {verb.name}{words} {text}"):
                    request = parse_line(f"{verb.name}{words} {text}{value}")
                    assert len(request.options) == 1
            else:
                assert parse_line(f"{verb.name}{words} {text}").verb is not None


def test_models_come_from_the_shipped_index() -> None:
    assert ("lepton_glyphs", "model") in offers(["%lepton train lepton_g"], {})[1]
    assert "resnet50" in texts("%lepton models resnet5")


def test_the_names_of_registries_are_offered_as_values() -> None:
    formats = ["onnx", "safetensors", "torch", "executorch", "all"]
    assert texts("%lepton export --format=") == formats
    assert texts("%lepton models --task=image-c") == ["image-classification"]


def test_data_offers_folders_and_tables_but_no_other_files(project: Path) -> None:
    found = texts("%lepton train m ", ds=ImageDataset(), n=3)
    assert found[0] == "ds"
    assert "photos/" in found
    assert "'my photos/'" in found
    assert "table.csv" in found
    assert "notes.txt" not in found
    assert ".hidden/" not in found
    assert texts("%lepton data photos/") == ["photos/cat/"]
    assert "photos/a.jpg" in texts("%lepton predict m photos/")


def test_a_name_with_spaces_goes_on_inside_its_quotes(project: Path) -> None:
    assert offers(["%lepton data 'my p"], {}) == ("'my p", [("'my photos/'", "path")])


def test_runs_come_newest_first_and_models_do_not_offer_paths(project: Path) -> None:
    assert texts("%lepton runs ")[:2] == ["digits-2", "pets-1"]
    assert texts("%lepton runs pe") == ["pets-1"]
    assert texts("%lepton runs ets") == ["pets-1"]
    found = texts("%lepton train ")
    assert "photos/" not in found
    assert "pets-1" in found
    assert texts("%lepton train ./ph") == ["./photos/"]


def test_variables_of_the_right_type_are_shown_as_variables(project: Path) -> None:
    _, found = offers(["%lepton train n"], {"net": LeptonModel(), "number": 3, "nest": Dataset()})
    assert ("net", "variable") in found
    assert "number" not in dict(found)
    assert "nest" not in dict(found)


def test_a_cell_completes_names_options_and_values_in_its_body(project: Path) -> None:
    assert texts("%%lepton train", "epo") == ["epochs = "]
    assert texts("%%lepton train", "model = 'x'", "mo") == []
    assert texts("%%lepton train --epochs=3", "epo") == []
    assert texts("%%lepton train", "learning-r") == ["learning_rate = "]
    assert texts("%%lepton train", "precision = ") == ['"auto"', '"fp32"', '"bf16"', '"fp16"']
    assert offers(["%%lepton train", 'precision = "b'], {}) == ("b", [("bf16", "value")])
    assert texts("%%lepton train", "epochs = ") == ["5"]
    assert texts("%%lepton train", "keep_best = f") == ["false"]
    assert '"photos/"' in texts("%%lepton train", "data = ")
    assert texts("%%lepton predict", 'inputs = ["photos/a') == ["photos/a.jpg"]
    assert texts("%%lepton ", "epo") == []


def test_last_word_knows_quotes_and_backslashes() -> None:
    assert last_word("a 'b c' d") == ("a 'b c' ", "d")
    assert last_word("a b\\ c") == ("a ", "b\\ c")
    assert last_word("a ") == ("a ", "")


@pytest.mark.parametrize(
    "text",
    [
        "%lepton train 'a' 'b",
        "%lepton xyzzy ",
        "%lepton train --bogus ",
        "%lepton train -- --",
        "%lepton doctor x ",
        "%lepton 'tr",
        "%lepton train \\",
        "%%lepton",
        "%lepton train /root/\x00",
        "%lepton train --=",
        "%lepton = ",
    ],
)
def test_the_matcher_never_raises(
    shell: Any, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from IPython.core.completer import provisionalcompleter

    with provisionalcompleter():
        list(shell.Completer.completions(text, len(text)))
    assert "Traceback" not in "".join(capsys.readouterr())


def test_completing_imports_no_framework(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from lepton_lab.magics.complete import offers\n"
        "for rest in ('', 'train r', 'train a ', 'data ', 'runs ', 'train a b --', 'predict ',\n"
        "             'export --format=', 'models --task='):\n"
        "    offers(['%lepton ' + rest], {})\n"
        f"print(sorted({HEAVY} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=dict(os.environ),
        check=True,
    )
    assert done.stdout.strip() == "[]"
