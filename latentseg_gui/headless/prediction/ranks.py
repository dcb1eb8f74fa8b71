"""Several processes for one job, started by torchrun: who does what, and waiting for each other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from latentseg_gui.document.errors import LatentsegError

Value = TypeVar("Value")

_PATIENCE = timedelta(days=7)
"""A share may take long; a process that has died is noticed at once."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those of the job.

    Attributes:
        rank: its number, from 0; the first one does what is to be done once.
        count: how many there are.
        local_rank: its number on this machine, which is that of its GPU.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    def share(self, items: Sequence[Value]) -> list[Value]:
        """Every ``count``-th item, beginning with that of this process."""
        return list(items[self.rank :: self.count])

    def device(self, wanted: str) -> str:
        """The GPU of this process, where GPUs are numbered and none was named."""
        if self.count == 1 or wanted not in ("auto", "cuda"):
            return wanted
        from model.prediction.device import probe_cuda

        return f"cuda:{self.local_rank}" if not probe_cuda() else wanted

    def wait(self) -> None:
        """Go on when every process is here."""
        if self.count > 1:
            from torch import distributed

            distributed.barrier()

    def gathered(self, value: Value) -> list[Value]:
        """The values of all processes, in each of them; waits for them."""
        if self.count == 1:
            return [value]
        from torch import distributed

        values: list[Value | None] = [None] * self.count
        distributed.all_gather_object(values, value)
        return [each for each in values if each is not None]


@contextmanager
def joined_ranks() -> Iterator[Ranks]:
    """This process among those that torchrun has started; alone where it has not.

    Raises:
        LatentsegError: the environment names a share, but not where the other processes are.
    """
    try:
        rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        local_rank = int(os.environ.get("LOCAL_RANK", rank))
    except ValueError as error:
        raise LatentsegError(
            "RANK, WORLD_SIZE and LOCAL_RANK must be numbers.", action="Start it with torchrun."
        ) from error
    if count <= 1:
        yield Ranks()
        return
    from torch import distributed

    try:
        distributed.init_process_group("gloo", rank=rank, world_size=count, timeout=_PATIENCE)
    except (ValueError, RuntimeError) as error:
        raise LatentsegError(
            f"This process is number {rank} of {count}, but the others cannot be reached.",
            action="Start it with torchrun.",
            detail=repr(error),
        ) from error
    ranks = Ranks(rank, count, local_rank)
    try:
        yield ranks
        ranks.wait()  # the first process holds what the others need to part in peace
    finally:
        distributed.destroy_process_group()
