"""What is inside of that which was dropped on the window or copied to the clipboard."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QMimeData, QUrl
from PySide6.QtGui import QImage

from latentseg_gui.document.errors import LatentsegError

_WEB = ("http", "https", "ftp", "data")


@dataclass(frozen=True, slots=True)
class Content:
    """Files of this computer, a picture, and addresses of what lies elsewhere; each may be missing."""

    paths: tuple[str, ...] = ()
    picture: QImage | None = None
    addresses: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that could be said anything about."""
        return not self.paths and not self.addresses and self.picture is None


def content_of(data: QMimeData | None) -> Content:
    """Looks into what was dropped or copied; text counts where it is the address of something on the web."""
    if data is None:
        return Content()
    urls = data.urls() if data.hasUrls() else [QUrl(data.text().strip())] if _is_address(data) else []
    image = data.imageData() if data.hasImage() else None
    return Content(
        tuple(url.toLocalFile() for url in urls if url.isLocalFile()),
        image if isinstance(image, QImage) and not image.isNull() else None,
        tuple(url.toDisplayString() for url in urls if not url.isLocalFile() and url.isValid()),
    )


def elsewhere(addresses: tuple[str, ...]) -> LatentsegError:
    """Why nothing is opened from there, and how it can be."""
    tr = QCoreApplication.translate
    first = addresses[0] if len(addresses[0]) <= 80 else addresses[0][:79] + "…"
    what = tr("dropped", "“{0}” is not a file of this computer, and nothing is loaded from elsewhere.")
    action = tr(
        "dropped", "Save the picture first and open the file; or copy the picture itself and paste it here."
    )
    return LatentsegError(what.format(first), action=action)


def _is_address(data: QMimeData) -> bool:
    text = data.text().strip() if data.hasText() else ""
    return " " not in text and "\n" not in text and QUrl(text).scheme().lower() in _WEB
