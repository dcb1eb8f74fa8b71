"""The errors of the model library, written for the person who reads them."""


class ModelError(Exception):
    """Something went wrong that can be explained.

    Args:
        what: one sentence: what went wrong, naming the file or argument.
        action: one sentence: what to do about it; may be empty.
        detail: technical text for a log; may be empty.
    """

    def __init__(self, what: str, *, action: str = "", detail: str = "") -> None:
        super().__init__(what, action, detail)
        self.what = what
        self.action = action
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.what} {self.action}".strip()


class WeightsError(ModelError):
    """A file of weights that was refused; nothing was changed by the attempt.

    Args:
        differences: one line per way in which the tensors do not fit the network, if that was why.
    """

    def __init__(
        self, what: str, *, action: str = "", detail: str = "", differences: tuple[str, ...] = ()
    ) -> None:
        super().__init__(what, action=action, detail=detail or "\n".join(differences))
        self.differences = differences
