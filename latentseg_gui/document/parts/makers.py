"""Which objects were made by a click model of others: said when the object is accepted, and handed on to its parts."""

from __future__ import annotations

from typing import Any, Final

from latentseg_gui.document.parts.entries import Entries

_LONGEST: Final = 300


class Makers:
    """The title of the click model by object; nothing for objects of the model itself, or made by hand."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self.events = entries.events

    def of(self, image_id: str, number: int) -> str:
        """Who made an object; "" for the model itself or a hand."""
        return self._entries.get(image_id).makers.get(number, "")

    def of_image(self, image_id: str) -> dict[int, str]:
        """Who made the objects of an image, as far as it was a click model of others: title by number."""
        return dict(self._entries.get(image_id).makers)

    def set(self, image_id: str, number: int, title: str) -> None:
        """Say who made an object; "" for the model itself."""
        if title[:_LONGEST] != self.of(image_id, number):
            self._put(image_id, number, title)
            self.events.maker_changed.emit(image_id, number)

    def _put(self, image_id: str, number: int, title: str) -> None:
        makers = self._entries.get(image_id).makers
        makers.pop(number, None)
        if title:
            makers[number] = title[:_LONGEST]

    def as_settings(self) -> dict[str, dict[str, str]]:
        """Everything that is known, as a project keeps it: title by object, by image."""
        return {
            image_id: {str(number): title for number, title in entry.makers.items()}
            for image_id, entry in self._entries.by_id.items()
            if entry.makers
        }

    def take(self, settings: Any) -> None:
        """What a project has kept, "" where it was said to be nobody; what makes no sense in it is left out."""
        for image_id, makers in settings.items() if isinstance(settings, dict) else ():
            if image_id not in self._entries.by_id or not isinstance(makers, dict):
                continue
            for number, title in makers.items():
                if isinstance(title, str) and str(number).isdecimal() and len(str(number)) < 10:
                    self._put(image_id, int(number), title)
