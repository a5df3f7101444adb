# SPDX-License-Identifier: BSD-3-Clause
"""Make the small pretrained network that Lepton Lab ships: ``lepton_glyphs``.

    python scripts/train_backbone.py              train, measure, write folder and card
    python scripts/train_backbone.py --evaluate   measure the folder again and rewrite the card

Training draws its own pictures (characters from matplotlib's fonts, fractals, textures; see
``scripts/backbone/``), needs no network and ten to fifteen minutes of one CPU core. The same
seed on the same machine and library versions gives the same weights.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch
from backbone.card import write_card
from backbone.measuring import compare, score_held_out
from backbone.training import Recipe, fit, read_config, write_config, write_folder

logger = logging.getLogger("train_backbone")
FOLDER = Path(__file__).parents[1] / "lepton_lab" / "catalog" / "builtin" / "lepton_glyphs"


def parse_arguments() -> argparse.Namespace:
    """The command line; ``--help`` prints the text on top of this file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder to write (%(default)s)")
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="steps (%(default)s)")
    parser.add_argument("--seed", type=int, default=Recipe.seed, help="seed (%(default)s)")
    parser.add_argument(
        "--evaluate", action="store_true", help="do not train: measure what OUTPUT holds"
    )
    return parser.parse_args()


def evaluate(folder: Path) -> None:
    """Measure the folder, keep the numbers in its config, and write its card."""
    config = read_config(folder)
    size = config["pretrained_cfg"]["input_size"][-1]
    config["held_out"] = score_held_out(folder, size, config["training"]["seed"])
    config["evaluation"] = compare(folder, size)
    write_config(folder, config)
    logger.info("wrote %s", write_card(folder))


def main() -> None:
    """Train unless told only to evaluate, then evaluate."""
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    if not arguments.evaluate:
        recipe = Recipe(steps=arguments.steps, seed=arguments.seed)
        write_folder(arguments.output, recipe, *fit(recipe))
    evaluate(arguments.output)


if __name__ == "__main__":
    main()
