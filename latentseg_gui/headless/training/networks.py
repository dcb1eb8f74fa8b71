"""`latentseg networks`: which networks can be trained and used, and what each is good for."""

from __future__ import annotations

import argparse
import json
from typing import Any

from latentseg_gui.headless.subcommand import model_errors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")


def run(options: argparse.Namespace) -> int:
    """Print the list."""
    with model_errors():
        rows = _rows()
    if options.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        print("\n".join(_lines(row)))
    print(
        "\nThose with an encoder can be built on the other one, too: --encoder pretrained, --encoder scratch."
    )
    print("Train one: latentseg finetune --network NAME ...; compare several: latentseg compare ...")
    return 0


def _rows() -> list[dict[str, Any]]:
    from model.weights.catalogue import OFFERS, parameters_of

    return [
        {
            "name": offer.name,
            "title": offer.title,
            "good_for": offer.summary,
            "limits": offer.limits,
            "parameters": parameters_of(offer),
            "pretrained": offer.is_pretrained,
            "encoder": offer.encoder,
            "begins": offer.begins,
            "trainable": offer.is_trainable,
            "shows": sorted(offer.capabilities),
        }
        for offer in OFFERS
    ]


def _lines(row: dict[str, Any]) -> list[str]:
    size = "" if row["parameters"] is None else f"{row['parameters']:,} parameters"
    facts = ", ".join(filter(None, (size, row["begins"] if row["trainable"] else "")))
    return [
        f"{row['name']:16} {row['title']}{f' ({facts})' if facts else ''}",
        f"{'':16} {row['good_for']} {row['limits']}",
    ]
