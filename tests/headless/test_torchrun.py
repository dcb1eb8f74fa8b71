"""One fine-tuning in two processes: the same weights in both, one file, and evaluation in shares."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from model.weights.catalogue import OFFERS
from model.weights.checkpoint import load

EVERY = """
    import sys, zlib
    from pathlib import Path
    import torch
    from model.training.finetune import FineTuneConfig, LabelledImage, finetune
    from model.training.distributed import group_of_torchrun
    from model.weights.catalogue import OFFERS, start_of
    from model.zoo.objects import network_of
    from model.zoo.presets import DENSE_KINDS
    from tests.model.finetuning import StepClock
    from tests.model.zoo.tiny_networks import TINY
    from tests.tiny import disks, tiny_network

    kinds = {kind.name: kind for kind in DENSE_KINDS}

    def fresh(name, seed):
        torch.manual_seed(seed)
        if name in kinds:
            return network_of(kinds[name], 2, TINY[name])
        return tiny_network(seed=seed) if name == "latent-expert" else start_of(name, None, seed=seed).network

    torch.set_num_threads(1)
    with group_of_torchrun("cpu") as (processes, device):
        samples = [LabelledImage(*disks(seed)) for seed in range(4)]
        for offer in OFFERS:
            steps = 60 if offer.name == "latent-expert" else 3
            config = FineTuneConfig(num_classes=2, seconds=3.0, classes_kept=(None, None), device=device)
            job = finetune(fresh(offer.name, processes.rank), samples, config)
            job.clock = clock = StepClock(steps)
            for progress in job:
                clock.ticks += 1 + processes.rank  # the clocks differ, and the first one's counts
            state = job.network.state_dict()
            mark = zlib.crc32(b"".join(value.numpy().tobytes() for _, value in sorted(state.items())))
            with Path(sys.argv[1], f"rank{processes.rank}").open("a") as file:
                file.write(f"{offer.name} {mark} {job.step} {job.metric_after:.6f} {job.note}\\n")
"""


def torchrun(*arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=timeout
    )


@pytest.mark.timeout(900)
def test_every_network_learns_in_two_processes_and_ends_in_the_same_weights(tmp_path):
    """They start from different weights; a network that did not move would be told by its steps."""
    script = tmp_path / "every.py"
    script.write_text(textwrap.dedent(EVERY))
    outcome = torchrun(script, tmp_path, timeout=800)
    assert outcome.returncode == 0, outcome.stderr
    first, second = ((tmp_path / f"rank{rank}").read_text().splitlines() for rank in range(2))
    assert first == second
    ends = {name: end for name, *end in (line.split(" ", 4) for line in first)}
    assert list(ends) == [offer.name for offer in OFFERS]
    assert all(int(step) > 0 for _, step, _, _ in ends.values())
    _, step, metric, note = ends["latent-expert"]
    assert int(step) > 10
    assert float(metric) > 0.6
    assert note == ""


def test_the_command_line_in_two_processes_writes_one_file_and_evaluates_in_shares(
    folders, weights, tmp_path
):
    images, masks = folders
    tuned, figures = tmp_path / "tuned.safetensors", tmp_path / "figures.json"
    common = ("--images", images, "--masks", masks, "--device", "cpu")
    outcome = torchrun(
        *("-m", "latentseg_gui.cli", "finetune", *common),
        *("--seconds", 2, "--weights", weights, "-o", tuned),
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.count("weights written") == 1
    _, meta = load(tuned)
    assert meta.provenance["fine_tuning"][-1]["optimiser"] == "adamw"
    assert meta.provenance["fine_tuning"][-1]["images"] == 3
    outcome = torchrun("-m", "latentseg_gui.cli", "evaluate", *common, "--weights", tuned, "--json", figures)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.count("pixel accuracy") == 1
    assert json.loads(figures.read_text())["labelled_pixels"] == 3 * 48 * 64
