"""Half of one run and half of the one it began from: ``python -m model.pretraining.average FIRST SECOND -o FILE``.

A run that goes on from finished weights gains on what it learns and loses on what it is not asked; the mean of both,
number by number, keeps most of the gain and gives back most of the loss (Wortsman et al. 2022, arXiv 2109.01903).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from torch import nn

from model.errors import ModelError
from model.networks.network import LatentExpertNetwork, build_latent_expert
from model.pretraining.start import digest_of
from model.weights import checkpoint


def averaged(first: nn.Module, second: nn.Module) -> LatentExpertNetwork:
    """A network whose every weight is the mean of two.

    Args:
        first: the network that went on.
        second: the one that it began from; of the same sizes.

    Raises:
        ModelError: they are not two latent-expert networks of the same sizes.
    """
    if type(first) is not LatentExpertNetwork or type(second) is not LatentExpertNetwork:
        raise ModelError(
            "Only latent-expert networks that were not fine-tuned can be averaged.",
            action="Choose other weights.",
        )
    if first.config != second.config:
        raise ModelError(
            "The two files hold networks of different sizes.",
            action="Name a run and the weights it began from.",
        )
    made = build_latent_expert(first.config)
    others = second.state_dict()
    halves = {name: (value.float() + others[name].float()) / 2 for name, value in first.state_dict().items()}
    made.load_state_dict(halves)
    return made


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 where it was refused."""
    parser = argparse.ArgumentParser(prog="python -m model.pretraining.average", description=__doc__)
    parser.add_argument("first", type=Path, help="weights of a run")
    parser.add_argument("second", type=Path, help="weights that it began from")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        (first, meta), (second, _) = checkpoint.load(options.first), checkpoint.load(options.second)
        provenance = {**meta.provenance, "averaged_with": digest_of(options.second)}
        checkpoint.save(options.output, averaged(first, second).half(), replace(meta, provenance=provenance))
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
