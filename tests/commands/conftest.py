import pytest

from latentseg_gui.document.document import Document
from tests.commands.edit_helpers import SHAPE, document_with


@pytest.fixture
def document() -> Document:
    """Two images of 40 x 300 pixels, three classes besides the background."""
    document = document_with(SHAPE, SHAPE)
    document.set_classes(document.classes.added("leaf").added("stem"))
    return document
