"""Masks that are pictures or arrays in terms of the document's classes: one set of rules behind all readers."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.masks.classes import ClassTable, SegmentationClass
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Provenance
from latentseg_gui.document.wording import listed
from latentseg_gui.io.masks.looks import WHITES, MaskTraits, decide, look_of, sharpened
from latentseg_gui.io.masks.naming import KnownClasses
from latentseg_gui.io.masks.pictures import (
    RasterMask,
    Shape,
    array_of,
    check_archive,
    picture_of,
    whole_numbers,
)
from latentseg_gui.io.masks.values import (
    ImportContext,
    ImportedMask,
    MaskError,
    Numbers,
    Reading,
    counts_of,
)

_LARGEST_CLASS: Final = 254
_COLOURS: Final = 32
_SHARE: Final = 0.005
_MOST: Final = 0.8
_GIVEN = "labels"
_WHITE: Final = "White was taken as “not labelled”, because other masks number their classes."
_ALL_WHITE: Final = "It is white all over, and nothing says that white is an object; it is not labelled."


def read_picture(data: bytes, context: ImportContext, path: Path) -> tuple[Shape, ImportedMask | None]:
    """Read a picture of any format that images can have; ``path`` is for messages.

    Returns:
        The shape found, and the mask unless that shape is wrong.
    """
    shape, picture = picture_of(data, context.shape, path)
    return shape, None if picture is None else understood(picture, context)


def read_npy(data: bytes, context: ImportContext) -> tuple[Shape, ImportedMask | None]:
    """Read an array."""
    shape, picture = array_of(data, context.shape)
    return shape, None if picture is None else understood(picture, context)


def read_npz(data: bytes, context: ImportContext) -> tuple[Shape, ImportedMask | None]:
    """Read what `arrays_npz` writes; only an array of the image's shape must be there."""
    check_archive(data, context.shape)
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    name = _GIVEN if _GIVEN in arrays else _only(arrays, context.shape)
    labels = arrays[name]
    if labels.shape != context.shape:
        return labels.shape, None
    table = _table_of_arrays(arrays)
    whole, notes = whole_numbers(labels)
    if table is None:
        depth = 0 if labels.dtype == np.bool_ else whole.itemsize
        read = understood(RasterMask(whole, depth, notes=notes), context)
    elif int(whole.max(initial=0)) > UNLABELLED:
        read = from_numbers(whole.astype(np.uint32), {}, context)
    else:
        read = from_labels(whole.astype(np.uint8), table, context)
    return labels.shape, _with_more(read, arrays.get("instances"), arrays.get("provenance"))


def _only(arrays: dict[str, NDArray[Any]], shape: tuple[int, int]) -> str:
    """The only array that may be the mask."""
    fitting = [name for name, array in arrays.items() if array.shape == shape]
    flat = [name for name, array in arrays.items() if array.ndim == 2]
    names = fitting or flat
    if len(names) != 1:
        raise MaskError(
            f"It is not clear which of the arrays is the mask: {', '.join(arrays) or 'there are none'}.",
            action=f"Call the mask “{_GIVEN}”.",
        )
    return names[0]


def _table_of_arrays(arrays: dict[str, NDArray[Any]]) -> ClassTable | None:
    if "class_names" not in arrays:
        return None
    colours = [str(colour) for colour in arrays.get("class_colours", np.zeros(0)).reshape(-1)]
    return ClassTable.from_names([str(name) for name in arrays["class_names"].reshape(-1)], colours)


def _with_more(
    read: ImportedMask, instances: NDArray[Any] | None, provenance: NDArray[Any] | None
) -> ImportedMask:
    """With object numbers and provenance, as far as they fit; what does not is left out and said."""
    notes = list(read.notes)
    numbers, kinds = read.instances, read.provenance
    if instances is not None:
        whole = _fitting(instances, read, "object numbers", notes)
        if whole is not None:
            numbers = whole.astype(np.uint32) if whole.any() else None
    if provenance is not None:
        whole = _fitting(provenance, read, "provenance", notes)
        if whole is not None and int(whole.max(initial=0)) > max(Provenance):
            notes.append("The provenance has unknown values and was left out.")
        elif whole is not None:
            kinds = np.where(read.labels == UNLABELLED, np.uint8(0), whole.astype(np.uint8))
    return replace(read, instances=numbers, provenance=kinds, notes=tuple(notes))


def _fitting(
    array: NDArray[Any], read: ImportedMask, name: str, notes: list[str]
) -> NDArray[np.unsignedinteger[Any]] | None:
    if array.shape != read.labels.shape:
        notes.append(f"The {name} have another size than the labels and were left out.")
        return None
    try:
        whole, said = whole_numbers(array)
    except MaskError as error:
        notes.append(f"The {name} were left out: {error.what}")
        return None
    if said:
        notes.append(f"The {name} are not whole numbers and were left out.")
        return None
    return whole


def understood(picture: RasterMask, context: ImportContext) -> ImportedMask:
    """The mask that a picture means.

    Raises:
        MaskError: if it is a photograph, or nothing that could be a mask.
    """
    look = look_of(picture)
    reading = context.reading or decide([look])
    read = _meant(picture, look, reading, context)
    notes = [*picture.notes, *read.notes]
    labels, instances = read.labels, read.instances
    if picture.clear is not None:
        labels = np.where(picture.clear, np.uint8(UNLABELLED), labels)
        instances = None if instances is None else np.where(picture.clear, np.uint32(0), instances)
        notes.append("Transparent pixels are unlabelled.")
    return replace(read, labels=labels, instances=instances, notes=tuple(notes))


def _meant(picture: RasterMask, look: MaskTraits, reading: Reading, context: ImportContext) -> ImportedMask:
    values = picture.values
    if picture.colours is not None:
        return _from_any_colours(picture, picture.colours, context)
    if "class_of" in picture.about:
        return from_numbers(values.astype(np.uint32), picture.about, context)
    if picture.depth == 0:
        return _black_and_white(values > 0, context)
    table = _table_of(picture.about)
    if table is not None or picture.is_indexed:
        return _from_small(values, table, look, context)
    if look.is_picture:
        raise MaskError(
            "It is a grey picture of many shades, not a mask.",
            action="Choose the mask and not the image; save masks as black and white, or as class numbers.",
        )
    if look.is_soft or look.is_trimap:
        return _soft(picture, look, context)
    if reading.is_white_object and look.white and (look.white in WHITES or look.white == reading.lone):
        return _black_and_white(values > 0, context)
    return _from_plain(values, look, reading, context)


def _from_plain(
    values: NDArray[np.unsignedinteger[Any]], look: MaskTraits, reading: Reading, context: ImportContext
) -> ImportedMask:
    """Grey numbers: of classes or objects."""
    is_numbered = bool(look.small) and look.small[-1] > _LARGEST_CLASS
    if is_numbered or (reading.numbers is Numbers.OBJECTS and look.small):
        return from_numbers(values.astype(np.uint32), {}, context)
    if reading.lone == 1 and len(context.classes) == 1:
        return _black_and_white(values > 0, context)
    if reading.is_white_class and len(look.values) > 1:
        return _with_white_class(values, context)
    return _from_small(values, None, look, context)


def _from_small(
    values: NDArray[np.unsignedinteger[Any]],
    table: ClassTable | None,
    look: MaskTraits,
    context: ImportContext,
) -> ImportedMask:
    """Class numbers; white of any depth is no label."""
    if values.dtype != np.uint8:
        whites = np.isin(values, WHITES)
        if (values[~whites] > _LARGEST_CLASS).any():
            return from_numbers(values.astype(np.uint32), {}, context)
        values = np.where(whites, np.uint8(UNLABELLED), values.astype(np.uint8))
    read = from_labels(values.astype(np.uint8), table, context)
    if table is None and look.white == UNLABELLED:
        note = _WHITE if look.has_zero else _ALL_WHITE
        return replace(read, notes=(*read.notes, note))
    return read


def _black_and_white(area: NDArray[np.bool_], context: ImportContext) -> ImportedMask:
    names = KnownClasses(context)
    if not area.any():
        labels = np.full(area.shape, context.outside, np.uint8)
        return ImportedMask(labels, names.classes, None, None, ("There is no object in it.",))
    class_id = names.default_id()
    labels = np.where(area, np.uint8(class_id), np.uint8(context.outside))
    note = f"White pixels were taken as “{names.classes[class_id].name}”."
    return ImportedMask(labels, names.classes, None, None, (note,))


def _soft(picture: RasterMask, look: MaskTraits, context: ImportContext) -> ImportedMask:
    """Black and white with greys in between: edges that are cut at one half, or a zone that nobody knows."""
    full = next(white for white in WHITES if look.values[-1] <= white)
    read = _black_and_white(picture.values.astype(np.float64) >= full / 2, context)
    if look.is_trimap:
        grey = picture.values == look.values[0]
        labels = np.where(grey, np.uint8(UNLABELLED), read.labels)
        return replace(
            read, labels=labels, notes=(*read.notes, "Grey between black and white is unlabelled.")
        )
    count = int(np.count_nonzero((picture.values > 0) & (picture.values < full)))
    note = f"Soft edges ({count} grey pixels) were cut at one half."
    return replace(read, notes=(*read.notes, note))


def _with_white_class(values: NDArray[np.unsignedinteger[Any]], context: ImportContext) -> ImportedMask:
    """Greys that were chosen to be seen: white is one of them."""
    names, notes = KnownClasses(context), []
    known, inverse = np.unique(values, return_inverse=True)
    ids = [BACKGROUND if grey == 0 else names.class_id(f"grey {grey}") for grey in known.tolist()]
    notes.append(f"Every grey was taken as a class: {', '.join(map(str, known.tolist()))}.")
    labels = np.array(ids, np.uint8)[inverse.reshape(values.shape)]
    return ImportedMask(labels, names.classes, None, None, tuple(notes))


def from_labels(labels: NDArray[np.uint8], theirs: ClassTable | None, context: ImportContext) -> ImportedMask:
    """Class ids of a file, in terms of the document's classes: by name if the file has names."""
    names = KnownClasses(context)
    if theirs is not None:
        names.expect(theirs.names[1:])
    nameless = []
    table = np.arange(256, dtype=np.uint8)
    for value in np.flatnonzero(counts_of(labels)).tolist():
        if value in (UNLABELLED, BACKGROUND):
            continue
        if theirs is not None and value < len(theirs):
            table[value] = names.class_id(theirs[value].name)
        else:
            before = len(names.classes)
            table[value] = names.numbered(value)
            nameless += [value] if len(names.classes) > before else []
    notes = []
    if nameless:
        numbers = listed([str(number) for number in nameless])
        notes.append(f"The file has no names for these class numbers: {numbers}.")
    return ImportedMask(table[labels], names.classes, None, None, tuple(notes))


def from_numbers(numbers: NDArray[np.uint32], about: dict[str, Any], context: ImportContext) -> ImportedMask:
    """Object numbers of a file; their classes if it tells them, else the default class."""
    names, notes = KnownClasses(context), []
    theirs = _table_of(about)
    class_of = about.get("class_of")
    known, inverse = np.unique(numbers, return_inverse=True)
    ids = np.full(len(known), context.outside, np.uint8)
    if isinstance(class_of, dict) and theirs is not None:
        names.expect(theirs.names[1:])
        for index, number in enumerate(known.tolist()):
            class_id = class_of.get(str(number))
            if isinstance(class_id, int) and 0 <= class_id < len(theirs):
                ids[index] = names.class_id(theirs[class_id].name)
            elif number:
                ids[index] = names.default_id()
    elif known.any():
        class_id = names.default_id()
        ids[:] = class_id
        name = names.classes[class_id].name
        notes.append(f"The file numbers objects but does not say what they are: all became “{name}”.")
    ids[known == 0] = context.outside
    if not context.is_outside_chosen:
        notes.append("The file does not tell background from unlabelled pixels.")
    labels = ids[inverse.reshape(numbers.shape)]
    return ImportedMask(labels, names.classes, numbers, None, tuple(notes))


def _from_any_colours(
    picture: RasterMask, colours: NDArray[np.uint8], context: ImportContext
) -> ImportedMask:
    """Colours as they were painted, also where the format has blurred them."""
    known = np.vstack([np.zeros((1, 3), np.uint8), context.classes.rgb[1:].astype(np.uint8)])
    clean = sharpened(picture.values, colours, known) if picture.is_lossy else None
    if clean is None:
        return _from_colours(picture.values, colours, context)
    read = _from_colours(*clean, context)
    return replace(read, notes=(*read.notes, "Colours that the file has blurred went to the nearest."))


def _from_colours(
    indices: NDArray[np.unsignedinteger[Any]], colours: NDArray[np.uint8], context: ImportContext
) -> ImportedMask:
    """Colours of the classes; few others are classes of their own, and black is the background."""
    names = KnownClasses(context)
    ours = list(enumerate(names.classes.rgb.tolist()))
    known = {tuple(colour): class_id for class_id, colour in reversed(ours)}
    known.setdefault((0, 0, 0), BACKGROUND)
    counts = np.bincount(indices.reshape(-1), minlength=len(colours))
    ids = np.array([known.get(tuple(colour), UNLABELLED) for colour in colours.tolist()], np.uint8)
    strange = np.flatnonzero(ids == UNLABELLED)
    new = strange if len(colours) <= _COLOURS else strange[counts[strange] >= _SHARE * indices.size]
    is_mask = counts[ids != UNLABELLED].sum() + counts[new].sum() >= _MOST * indices.size
    is_known = ((ids != UNLABELLED) & (ids != BACKGROUND) & (counts > 0)).any()
    # Classes that the masks before this one brought have no names of their own; this one may bring more.
    present = set(ids[counts > 0].tolist()) - {BACKGROUND, UNLABELLED}
    are_known = any(not names.classes[each].name.startswith("colour #") for each in present)
    if is_known and not are_known:
        new = new[counts[new] >= _SHARE * indices.size]
    if are_known or len(new) > _COLOURS or not is_mask:
        new = new[:0]
    for index in new.tolist():
        code = "#{:02x}{:02x}{:02x}".format(*colours[index].tolist())
        ids[index] = names.class_id(f"colour {code}", code)
    labels = ids[indices]
    return ImportedMask(labels, names.classes, None, None, _colour_notes(labels, len(new)))


def _colour_notes(labels: NDArray[np.uint8], count: int) -> tuple[str, ...]:
    lost = int(np.count_nonzero(labels == UNLABELLED))
    if lost == labels.size:
        raise MaskError(
            "It is a coloured picture without a single colour of the classes.",
            action="Give the classes the colours of the mask, or choose the mask and not the image.",
        )
    notes = [f"{count} colours that no class has became classes; rename or merge them."] if count else []
    notes += [f"{lost} pixels have a colour that no class has; they are unlabelled."] if lost else []
    return tuple(notes)


def _table_of(about: dict[str, Any]) -> ClassTable | None:
    entries = about.get("classes")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries) or not entries:
        return None
    return ClassTable(
        tuple(SegmentationClass(str(entry.get("name")), str(entry.get("colour"))) for entry in entries)
    )
