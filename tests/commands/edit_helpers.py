from pathlib import Path

import numpy as np

from latentseg_gui.document.document import Document
from latentseg_gui.document.types import ImageRecord

SHAPE = (40, 300)


def document_with(*shapes: tuple[int, int]) -> Document:
    document = Document()
    for index, shape in enumerate(shapes):
        pixels = np.zeros((*shape, 3), np.uint8)
        image_id = document.images.add_path(Path(f"{index}.png"))
        document.records.attach(ImageRecord(image_id, pixels, pixels))
    return document
