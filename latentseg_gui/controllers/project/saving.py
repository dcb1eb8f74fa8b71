"""One save of a project, in whatever thread."""

from __future__ import annotations

import threading

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.project.saving import ProjectSession, Snapshot


class Saving:
    """Writes a snapshot when called, and remembers how that went.

    Args:
        target: the project that is written.
        snapshot: what is written.
        is_asked: whether the user asked for it, and so wants to hear of its success.
    """

    def __init__(self, target: ProjectSession, snapshot: Snapshot, *, is_asked: bool) -> None:
        self.target = target
        self.snapshot = snapshot
        self.is_asked = is_asked
        self.error: LatentsegError | None = None
        self._done = threading.Event()

    def __call__(self) -> Saving:
        """Write. Never raises: what went wrong is in ``error``."""
        try:
            self.target.write(self.snapshot)
        except LatentsegError as error:
            self.error = error
        except Exception as error:  # reported like any other failure: the work must stay marked as unsaved
            self.error = LatentsegError(
                f"The project could not be saved: {error}.",
                action="Save it in another folder.",
                detail=repr(error),
            )
        finally:
            self._done.set()
        return self

    def wait(self, seconds: float) -> bool:
        """Wait for it in this thread; whether it is over."""
        return self._done.wait(seconds)
