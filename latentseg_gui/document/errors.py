"""The one family of errors whose messages are written for the user."""


class LatentsegError(Exception):
    """Something that the user can be told.

    Args:
        what: one sentence: what went wrong, naming the file or object.
        action: one sentence: what the user can do about it.
        detail: technical text for the log and the "details" fold; may be empty.
    """

    def __init__(self, what: str, *, action: str = "", detail: str = "") -> None:
        super().__init__(what, action, detail)
        self.what = what
        self.action = action
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.what} {self.action}".strip()
