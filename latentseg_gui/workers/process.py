"""One spawned child process with the pipe to it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from typing import Final

from latentseg_gui.workers.child import ChildSpec, JobAnswered, run_child
from latentseg_gui.workers.events import JobFailure
from latentseg_gui.workers.transport import Freed, Transport, UnreadableError, new_prefix

_MESSAGES_AT_ONCE: Final = 64


class ChildProcess:
    """A running child; made and used by one thread."""

    def __init__(self, spec: ChildSpec) -> None:
        context = multiprocessing.get_context("spawn")
        near, far = context.Pipe()
        prefix = new_prefix()
        try:
            self._process = context.Process(
                target=run_child, args=(far, spec, prefix), name=f"latentseg-{spec.name}", daemon=True
            )
            self._process.start()
        except BaseException:
            near.close()
            raise
        finally:
            far.close()
        self._transport = Transport(near, far_prefix=prefix)

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid

    @property
    def sources(self) -> list[Connection | int]:
        """What to wait for: the pipe and the end of the process."""
        return [self._transport.connection, self._process.sentinel]

    def send(self, message: object) -> None:
        """Send ``message``; where the pipe to the child fails, the child is ended, and `receive` will tell."""
        try:
            self._transport.send(message)
        except OSError:
            # It is dying already, or it would wait for ever for the rest of what it was to get.
            self._process.kill()

    def receive(self) -> tuple[list[object], bool]:
        """What the child has sent since, and whether it is still alive."""
        messages: list[object] = []
        try:
            while len(messages) < _MESSAGES_AT_ONCE and self._transport.connection.poll():
                message = self._received()
                if isinstance(message, Freed):
                    self._transport.release(message)
                else:
                    messages.append(message)
        except (EOFError, OSError):
            return messages, False
        is_alive = len(messages) == _MESSAGES_AT_ONCE or self._process.is_alive()
        return messages, is_alive

    def _received(self) -> object:
        """The next message; an answer that cannot be taken over is a failure of its job."""
        try:
            return self._transport.receive()
        except UnreadableError as error:
            return JobAnswered(
                -1 if error.job_id is None else error.job_id, None, JobFailure.from_exception(error, "")
            )

    def end(self) -> str:
        """Make sure that the process is gone; returns how it ended ("signal 9", "exit code 1")."""
        self._transport.discard_pending()
        self._transport.close()  # a healthy child ends itself on this
        self._process.join(0.2)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(0.3)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._transport.forget_unannounced()
        code = self._process.exitcode or 0
        self._process.close()
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def kill(pid: int) -> None:
    """End process ``pid`` at once; it may have ended by itself."""
    try:
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    except ProcessLookupError:
        return
