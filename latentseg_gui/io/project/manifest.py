"""The manifest of a project: what `project.json` may hold, and how it is read without trusting it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import MAX_CLASSES, SMALLEST, ClassTable, SegmentationClass
from latentseg_gui.io.paths import real, shown

SCHEMA = 2
"""The version of the format that this program writes."""

MANIFEST = "project.json"

CURRENT = "current"
"""Among the settings: id of the image that was shown when the project was saved."""

MAKERS = "made_by"
"""Among the settings: which click model made which object (`document.makers`)."""

MARKS = "marked"
"""Among the settings: which objects are hidden or locked (`document.kept_marks`)."""

PROMPTS = "prompts"
"""Among the settings, and of an image in the journal: what was pointed at, not accepted yet (`kept_prompts`)."""

MAX_BYTES = 64 * 2**20
_MAX_SIDE = 2**31


def _with_ids(content: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 of schema 1, where the place of a class was its id, and labelled pixels were "vouched" for."""
    classes = [{**entry, "id": number} for number, entry in enumerate(content["classes"])]
    images = []
    for entry in content.get("images", []):
        mask = entry.get("mask")
        if mask is not None:
            rest = {key: value for key, value in mask.items() if key != "vouched"}
            entry = {**entry, "mask": {**rest, "labelled": mask.get("vouched")}}
        images.append(entry)
    return {**content, "classes": classes, "images": images}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _with_ids}
"""How a manifest of an older schema becomes one of the next."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
MaskName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\.(png|tif)$")]
Side = Annotated[int, Field(ge=1, lt=_MAX_SIDE)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]

SHIPPED = "shipped"
"""What the weights that came with the program are called; they are in no project."""

CLICKS_ONLY = f"{SHIPPED} + clicks"
"""How versions are called, with a number, in which nothing but clicks has learned."""

_MAX_VERSIONS = 10_000


def knows_classes(version: str) -> bool:
    """Whether weights, by the name of their version, were taught any class."""
    return version != SHIPPED and not version.startswith(CLICKS_ONLY)


class ProjectError(LatentsegError):
    """A project that cannot be read or written."""


class NewerProjectError(ProjectError):
    """A project that a newer version of the program has written."""


class _Kept(BaseModel):
    """Keys that are not known (of a newer program) are kept and written again."""

    model_config = ConfigDict(extra="allow", strict=True)


class ClassEntry(_Kept):
    """One class; its id is the value of its pixels in the files of masks."""

    id: Annotated[int, Field(ge=0, lt=MAX_CLASSES)]
    name: Name
    colour: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
    is_locked: bool = False
    is_visible: bool = True
    is_thing: bool = True
    smallest: Annotated[int, Field(ge=0)] = SMALLEST


class MaskFiles(_Kept):
    """The files of one mask, in the folder "masks", named by their SHA-256; how many pixels are labelled."""

    labels: MaskName
    provenance: MaskName
    instances: MaskName | None = None
    labelled: Annotated[int, Field(ge=0)] | None = None


class ImageEntryModel(_Kept):
    """One image.

    Attributes:
        id: its id in the document.
        path: relative to the project, with "/"; absolute where there is no relative way.
        path_hex: the bytes of the path in hexadecimal digits, where they are no text.
        absolute: where it was when the project was saved, to find it when the project has moved.
        sha256: of the file; kept for images with masks only.
        size: of the file in bytes.
        mtime_ns: of the file; only to save hashing it again.
    """

    id: Name
    path: str | None = None
    path_hex: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2})*$")] | None = None
    absolute: str | None = None
    frame: Annotated[int, Field(ge=0)] = 0
    width: Side | None = None
    height: Side | None = None
    sha256: Digest | None = None
    size: Annotated[int, Field(ge=0)] | None = None
    mtime_ns: int | None = None
    mask: MaskFiles | None = None

    @property
    def shape(self) -> tuple[int, int] | None:
        """(rows, columns); None for an image that was never read."""
        return None if self.width is None or self.height is None else (self.height, self.width)


class EvenMixEntry(_Kept):
    """Mean IoU with the learned mix of experts and with an even one, on labels of so many images."""

    learned: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    even: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    images: Annotated[int, Field(ge=1)]


class WeightsVersion(_Kept):
    """One version of the weights; its file lies in the folder "weights", named by its SHA-256.

    Attributes:
        name: unique in the project.
        sha256: of the file.
        size: of the file in bytes.
        metric: mean IoU on held-out labelled pixels; None where it was never measured.
        validated_on: what the metric was measured on, in words.
        seconds: how long its fine-tuning took.
        images: how many images it was trained on; 0 for one that was opened from a file.
        made: when, as text.
        is_refit: whether it came from a live refit.
        network: title of the network that it is of; "" for the one that comes with the program.
        even_mix: what an even mix of its experts costs; None where it was not measured.
    """

    name: Name
    sha256: Digest
    size: Annotated[int, Field(ge=0)] = 0
    metric: Annotated[float, Field(allow_inf_nan=False)] | None = None
    validated_on: str = ""
    seconds: Amount = 0.0
    images: Annotated[int, Field(ge=0)] = 0
    made: str = ""
    is_refit: bool = False
    network: Annotated[str, StringConstraints(max_length=200)] = ""
    even_mix: EvenMixEntry | None = None


class WeightsList(_Kept):
    """The versions of the weights that a project lists, oldest first, and the name of the one in use."""

    versions: Annotated[list[WeightsVersion], Field(max_length=_MAX_VERSIONS)] = []
    in_use: Annotated[str, StringConstraints(max_length=200)] = SHIPPED

    @model_validator(mode="after")
    def _has_distinct_names(self) -> WeightsList:
        names = [SHIPPED, *(version.name for version in self.versions)]
        if len(set(names)) != len(names):
            raise ValueError("two versions of the weights have the same name")
        return self


class ProjectFile(_Kept):
    """The whole manifest.

    Attributes:
        format: what kind of file this is.
        schema_version: see `SCHEMA`.
        project: id of the project, for its lifetime.
        save: id of this save; the journal refers to it.
        holds: ids of the journals whose changes this save holds, in case they could not be removed.
        counter: how often it was saved.
        settings: whatever the window wants to find again.
        weights: the versions of the weights; None in a project that says nothing of them.
    """

    model_config = ConfigDict(extra="allow", strict=True, populate_by_name=True)

    format: Annotated[str, StringConstraints(pattern="^latentseg project$")] = "latentseg project"
    schema_version: Annotated[int, Field(alias="schema", ge=1)] = SCHEMA
    project: Name
    save: Name
    holds: list[str] = []
    counter: Annotated[int, Field(ge=0)] = 0
    classes: Annotated[list[ClassEntry], Field(min_length=1, max_length=MAX_CLASSES)]
    images: list[ImageEntryModel] = []
    settings: dict[str, Any] = {}
    weights: WeightsList | None = None

    def class_table(self) -> ClassTable:
        """The classes as the document has them."""
        return ClassTable(
            tuple(
                SegmentationClass(
                    entry.name,
                    entry.colour,
                    entry.is_locked,
                    entry.is_visible,
                    entry.is_thing,
                    entry.smallest,
                )
                for entry in self.classes
            ),
            tuple(entry.id for entry in self.classes),
        )

    def to_bytes(self) -> bytes:
        """The file: JSON in ASCII, so that no name can spoil it."""
        content = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode("ascii")


def parse(data: bytes, path: Path) -> tuple[ProjectFile, int]:
    """Read a manifest.

    Args:
        data: its bytes.
        path: for messages.

    Returns:
        The manifest in today's schema, and the schema it had.

    Raises:
        NewerProjectError: if a newer program has written it.
        ProjectError: if it is no manifest.
    """
    if len(data) > MAX_BYTES:
        raise _damaged(path, f"{len(data)} bytes")
    try:
        content = json.loads(data, parse_constant=_no_constants)
        schema = content["schema"]
        if type(schema) is not int or schema < 0:
            raise TypeError("no schema")
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise _damaged(path, repr(error)) from error
    if schema > SCHEMA:
        raise NewerProjectError(
            f"“{shown(path.parent.name)}” was saved by a newer version of latentseg.",
            action="Open it read-only and save a copy, or update latentseg.",
            detail=f"{shown(path)}: schema {schema}, this program knows {SCHEMA}",
        )
    return _validated(_migrated(content, schema, path), path), schema


def parse_newer(data: bytes, path: Path) -> ProjectFile:
    """As much of a newer project as can be understood, to be looked at only."""
    content = json.loads(data, parse_constant=_no_constants)
    return _validated({**content, "schema": SCHEMA}, path)


def inside(folder: Path, name: str) -> Path:
    """A path in the folder of a project that does not lead out of it by a link.

    Raises:
        ProjectError: if it does.
    """
    path = folder / name
    if not real(path).is_relative_to(real(folder)):
        raise ProjectError(
            f"“{name}” of the project “{shown(folder.name)}” is a link to another place.",
            action="Replace the link by what it leads to.",
        )
    return path


def path_fields(path: Path, folder: Path) -> dict[str, str | None]:
    """The fields of an image entry that say where the file is."""
    absolute = os.path.abspath(path)
    try:
        relative = Path(os.path.relpath(absolute, folder)).as_posix()
    except ValueError:  # another drive
        relative = Path(absolute).as_posix()
    if _is_text(absolute):
        return {"path": relative, "path_hex": None, "absolute": absolute}
    return {"path": None, "path_hex": os.fsencode(relative).hex(), "absolute": None}


def places(entry: ImageEntryModel, folder: Path) -> Iterator[Path]:
    """Where the file of an image should be, best guess first; never on another computer than the project."""
    return (Path(place) for place in place_names(entry, os.fspath(folder)))


def place_names(entry: ImageEntryModel, folder: str) -> Iterator[str]:
    """As `places`, as text: a project may have a hundred thousand images."""
    for name in _names(entry):
        if "\0" not in name and not _is_remote(name, folder):
            yield os.path.normpath(os.path.join(folder, name))


def has_place(entry: ImageEntryModel) -> bool:
    """Whether the project says at all where the file of an image is."""
    return any(_names(entry))


def is_remote(entry: ImageEntryModel, folder: Path) -> bool:
    """Whether the file of an image is on another computer than the project, by what the project says."""
    return any(_is_remote(name, os.fspath(folder)) for name in _names(entry))


def _names(entry: ImageEntryModel) -> Iterator[str]:
    if entry.path_hex is not None:
        yield os.fsdecode(bytes.fromhex(entry.path_hex))
    if entry.path is not None:
        yield entry.path
    if entry.absolute is not None and os.path.isabs(entry.absolute):  # not so if it is of another system
        yield entry.absolute


def _is_remote(name: str, folder: str) -> bool:
    """Whether a name is one of a network: asking for it alone would tell a server who we are."""
    if not name.replace("\\", "/").startswith("//"):
        return False
    share = PureWindowsPath(name).drive.casefold()
    return not share or share != PureWindowsPath(folder).drive.casefold()


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _no_constants(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _migrated(content: dict[str, Any], schema: int, path: Path) -> dict[str, Any]:
    for number in range(schema, SCHEMA):
        if number not in MIGRATIONS:
            raise _damaged(path, f"schema {number}")
        try:
            content = {**MIGRATIONS[number](content), "schema": number + 1}
        except (KeyError, TypeError, AttributeError) as error:
            raise _damaged(path, repr(error)) from error
    return content


def _validated(content: dict[str, Any], path: Path) -> ProjectFile:
    try:
        manifest = ProjectFile.model_validate(content)
        manifest.class_table()
    except (ValidationError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    except LatentsegError as error:
        raise _damaged(path, error.what) from error
    ids = [entry.id for entry in manifest.images]
    if len(set(ids)) != len(ids):
        raise _damaged(path, "two images have the same id")
    for entry in manifest.images:
        if entry.mask is not None and entry.shape is None:
            raise _damaged(path, f"the mask of {entry.id} has no size")
    return manifest


def _damaged(path: Path, detail: str) -> ProjectError:
    return ProjectError(
        f"“{shown(path.parent.name)}” cannot be opened: its file {MANIFEST} is damaged, or not the file of a project.",
        action="Nothing was changed. Restore the file from a backup, or start a new project with the images.",
        detail=f"{shown(path)}: {re.sub(r'[^ -~]+', ' ', detail)[:2000]}",
    )
