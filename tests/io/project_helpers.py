"""Documents with images and work in them, for the tests of projects."""

import numpy as np
from PIL import Image

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, StrokeRecorder
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.brush import stroke_mask
from latentseg_gui.io.images.reading import read_image

SHAPE = (40, 60)


def photos(folder, count=2, shape=SHAPE):
    """Picture files in a folder; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        path = folder / f"photo {number} ü.png"
        pixels = np.random.default_rng(number).integers(0, 256, (*shape, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(path)
        paths.append(path)
    return paths


def document_of(paths):
    """A document whose images have been read."""
    document = Document()
    for path in paths:
        document.records.attach(read_image(path, image_id=document.images.add_path(path)))
    document.set_classes(document.classes.added("leaf"))
    return document


def paint(document, number, history=None, seed=None, instance=None):
    """One random stroke on image ``number``; the command."""
    image_id = document.images.ids[number]
    rng = np.random.default_rng(seed)
    shape = document.masks.shape(image_id)
    class_id = document.classes.ids[rng.integers(0, 3)]
    recorder = StrokeRecorder(document, image_id, Ink(class_id, instance=instance))
    start = rng.uniform(0, min(shape), 2)
    recorder.add(*stroke_mask(tuple(start), tuple(start + rng.uniform(-20, 20, 2)), 9, shape))
    command = recorder.finish()
    (history or History(document)).record(command)
    return command


def state(document):
    """Everything of a document that a project keeps, to be compared."""
    masks = {}
    for image_id in document.images.ids:
        if document.masks.shape(image_id) is None:
            masks[image_id] = None
        else:
            arrays = (
                document.masks.labels(image_id),
                document.masks.provenance(image_id),
                document.masks.instances(image_id),
            )
            masks[image_id] = tuple(array.tobytes() for array in arrays)
    return (
        masks,
        document.classes,
        tuple((document.images.path(key), document.images.frame(key)) for key in document.images.ids),
    )
