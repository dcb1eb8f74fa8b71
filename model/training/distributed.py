"""Several processes that learn together (torchrun): gradients are averaged, and all agree on the time.

Alone, everything here does nothing. With others, every process takes the same steps: what decides
about them (the clock, the loss, held-out figures) is made equal first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from model.errors import ModelError
from model.training.clock import TrainingClock

Item = TypeVar("Item")


class GroupClock:
    """A clock whose `fraction` is that of the first process, as of the last time that all agreed.

    Before the first time it is the own one.
    """

    def __init__(self, own: TrainingClock) -> None:
        self.seconds = own.seconds
        self._own = own
        self._agreed: float | None = None

    @property
    def spent(self) -> float:
        """Seconds so far, of this process."""
        return self._own.spent

    @property
    def fraction(self) -> float:
        """Share of the budget that is spent, 0..1."""
        return self._own.fraction if self._agreed is None else self._agreed

    @property
    def own_fraction(self) -> float:
        """The same as this process has it."""
        return self._own.fraction

    def agree(self, fraction: float) -> None:
        """From now on it is ``fraction``."""
        self._agreed = fraction

    def hold(self) -> None:
        """Stop counting."""
        self._own.hold()

    def resume(self) -> None:
        """Count again."""
        self._own.resume()


class ProcessGroup:
    """The processes that take part; by default whatever `torch.distributed` was set up with."""

    def __init__(self) -> None:
        is_set_up = dist.is_available() and dist.is_initialized()
        self.rank = dist.get_rank() if is_set_up else 0
        self.size = dist.get_world_size() if is_set_up else 1

    def clock(self, clock: TrainingClock) -> TrainingClock:
        """``clock``, made one that all agree on."""
        return clock if self.size == 1 or isinstance(clock, GroupClock) else GroupClock(clock)

    def share(self, shares: Sequence[Sequence[Item]], everything: Sequence[Item]) -> list[Item]:
        """This process's share; everything, where some process would have nothing to do."""
        return list(shares[self.rank] if all(shares) else everything)

    def align(self, network: nn.Module) -> None:
        """Give all processes the weights of the first."""
        if self.size > 1:
            for value in network.state_dict().values():
                dist.broadcast(value, src=0)

    def agree(self, clock: TrainingClock, device: torch.device) -> None:
        """Let all have the time of the first process."""
        if self.size > 1 and isinstance(clock, GroupClock):
            now = torch.tensor([clock.own_fraction], device=device)
            dist.broadcast(now, src=0)
            clock.agree(float(now))

    def average(self, parameters: Sequence[nn.Parameter], loss: float, clock: TrainingClock) -> float:
        """Average the gradients over the processes, and agree on the time; returns the mean loss."""
        if self.size == 1:
            return loss
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        # Loss and time travel with the gradients: one exchange per step.
        time = clock.own_fraction if isinstance(clock, GroupClock) and self.rank == 0 else 0.0
        said = parts[0].new_tensor([loss, time * self.size])
        flat = torch.cat([part.reshape(-1) for part in parts] + [said])  # [parameters + 2]
        dist.all_reduce(flat)
        flat /= self.size
        sizes = [part.numel() for part in parts]
        *means, said = torch.split(flat, [*sizes, 2])
        for parameter, mean in zip(parameters, means, strict=True):
            parameter.grad = mean.view_as(parameter)
        if isinstance(clock, GroupClock):
            clock.agree(float(said[1]))
        return float(said[0])

    def total(self, values: Tensor, device: torch.device) -> Tensor:
        """The sum over the processes."""
        if self.size == 1:
            return values
        summed = values.to(device)
        dist.all_reduce(summed)
        return summed.to(values.device)


@contextmanager
def group_of_torchrun(device: str) -> Iterator[tuple[ProcessGroup, str]]:
    """Join the processes that torchrun started, for as long as the block lasts.

    Args:
        device: what the user asked for: "auto", "cpu", "cuda".

    Yields:
        The processes, and the device of this one. Without torchrun, a group of one.

    Raises:
        ModelError: torch cannot do it, or there are more processes than GPUs.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield ProcessGroup(), device
        return
    if not dist.is_available():
        raise ModelError(
            "This build of torch cannot work in several processes.", action="Run without torchrun."
        )
    is_on_gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    if is_on_gpu:
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if local >= torch.cuda.device_count():
            raise ModelError(
                f"There are more processes than the {torch.cuda.device_count()} GPUs of this machine.",
                action="Lower --nproc-per-node, or add --device cpu.",
            )
        device = f"cuda:{local}"
        torch.cuda.set_device(local)
    elif device == "auto":
        device = "cpu"
    dist.init_process_group("nccl" if is_on_gpu else "gloo")
    try:
        yield ProcessGroup(), device
        dist.barrier()  # the first process holds what the others need to part in peace
    finally:
        dist.destroy_process_group()
