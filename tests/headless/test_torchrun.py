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

LEARNER = """
    import sys, zlib
    from pathlib import Path
    import torch
    from model.training.finetune import FineTuneConfig, LabelledImage, finetune
    from model.training.distributed import group_of_torchrun
    from tests.tiny import disks, tiny_network

    class StepClock:
        seconds, ticks = 60.0, 0
        spent = property(lambda self: float(self.ticks))
        fraction = property(lambda self: min(1.0, self.ticks / self.seconds))

    torch.set_num_threads(1)
    with group_of_torchrun("cpu") as (processes, device):
        samples = [LabelledImage(*disks(seed)) for seed in range(4)]
        config = FineTuneConfig(num_classes=2, seconds=3.0, classes_kept=(None, None), device=device)
        job = finetune(tiny_network(seed=processes.rank), samples, config)
        job.clock = clock = StepClock()
        reports = []
        for progress in job:
            reports.append(progress)
            clock.ticks += 1 + processes.rank  # the clocks differ, and the first one's counts
        state = job.network.state_dict()
        mark = zlib.crc32(b"".join(value.numpy().tobytes() for _, value in sorted(state.items())))
        said = f"{mark} {reports[-1].step} {job.metric_after:.6f} {job.note}"
        Path(sys.argv[1], f"rank{processes.rank}").write_text(said)
"""


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
            config = FineTuneConfig(num_classes=2, seconds=3.0, classes_kept=(None, None), device=device)
            job = finetune(fresh(offer.name, processes.rank), samples, config)
            job.clock = clock = StepClock(3)
            for progress in job:
                clock.ticks += 1
            state = job.network.state_dict()
            mark = zlib.crc32(b"".join(value.numpy().tobytes() for _, value in sorted(state.items())))
            with Path(sys.argv[1], f"rank{processes.rank}").open("a") as file:
                file.write(f"{offer.name} {mark} {job.step} {job.metric_after:.6f}\\n")
"""


def torchrun(*arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=timeout
    )


def test_two_processes_take_the_same_steps_and_end_in_the_same_weights(tmp_path):
    """They start from different weights, so that it is seen that the first one's count."""
    script = tmp_path / "learner.py"
    script.write_text(textwrap.dedent(LEARNER))
    outcome = torchrun(script, tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    first, second = ((tmp_path / f"rank{rank}").read_text().split(" ", 3) for rank in range(2))
    assert first == second
    assert int(first[1]) > 10
    assert float(first[2]) > 0.6
    assert first[3] == ""


@pytest.mark.timeout(900)
def test_every_network_learns_in_two_processes_and_ends_in_the_same_weights(tmp_path):
    """They start from different weights here, too; a network that did not move would be told by its steps."""
    script = tmp_path / "every.py"
    script.write_text(textwrap.dedent(EVERY))
    outcome = torchrun(script, tmp_path, timeout=800)
    assert outcome.returncode == 0, outcome.stderr
    first, second = ((tmp_path / f"rank{rank}").read_text().splitlines() for rank in range(2))
    assert first == second
    assert [line.split()[0] for line in first] == [offer.name for offer in OFFERS]
    assert all(int(line.split()[2]) > 0 for line in first)


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
