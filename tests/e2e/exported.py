"""What the window writes, read again."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.person import Person


def exported_annotations(person: Person, target: Path) -> list[dict[str, object]]:
    """The annotations of the COCO file that the window writes."""
    person.choose("export_mask")
    dialog = person.session.export.output.dialog
    assert dialog is not None
    dialog.set_folder(target)
    dialog.set_formats(("coco",))
    person.wait_for(lambda: dialog._do.isEnabled(), 30, "it can be exported")
    dialog._do.click()
    person.wait_for(
        lambda: not person.session.export.is_busy and list(target.rglob("*.json")), what="written"
    )
    (file,) = target.rglob("*.json")
    content: list[dict[str, object]] = json.loads(file.read_text())["annotations"]
    return content
