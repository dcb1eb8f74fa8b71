"""What a controller told its listeners."""

from __future__ import annotations

from latentseg_gui.document.errors import LatentsegError


class Told:
    """Hears what the user is told."""

    def __init__(self) -> None:
        self.errors: list[LatentsegError] = []
        self.sentences: list[str] = []

    def report(self, error: LatentsegError) -> None:
        self.errors.append(error)

    def inform(self, sentence: str) -> None:
        self.sentences.append(sentence)
