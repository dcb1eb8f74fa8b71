"""One fine-tuning in two processes: the same weights in both, one file, and evaluation in shares."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

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


def torchrun(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=120
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
