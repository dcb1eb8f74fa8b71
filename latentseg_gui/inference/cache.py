"""A store with a budget in bytes: what was not used for longest goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ByteCache(Generic[Key, Value]):
    """Least-recently-used store.

    Args:
        max_bytes: budget; the newest entry stays even if it alone exceeds it.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._nbytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Key) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[Key]:
        """What is there, the least recently used first; may be changed meanwhile."""
        return iter(list(self._entries))

    @property
    def nbytes(self) -> int:
        """Bytes of all entries, as given to `put`."""
        return self._nbytes

    def get(self, key: Key) -> Value | None:
        """The entry of ``key``, now the most recently used; None if there is none."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key][0]

    def put(self, key: Key, value: Value, nbytes: int) -> None:
        """Store ``value`` and drop what exceeds the budget."""
        self.drop(key)
        self._entries[key] = value, nbytes
        self._nbytes += nbytes
        while self._nbytes > self.max_bytes and len(self._entries) > 1:
            self.drop(next(iter(self._entries)))

    def drop(self, key: Key) -> None:
        """Forget ``key`` if it is there."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._nbytes -= entry[1]

    def drop_where(self, condition: Callable[[Key], bool]) -> None:
        """Forget all keys for which ``condition`` holds."""
        for key in [key for key in self._entries if condition(key)]:
            self.drop(key)
