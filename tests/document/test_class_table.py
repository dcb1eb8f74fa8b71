import pytest

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import MAX_CLASSES, ClassTable, SegmentationClass
from latentseg_gui.document.masks.palette import OKABE_ITO, hex_from_rgb, palette, rgb_from_hex
from tests.class_names import WORDS


def test_the_default_table_is_background_and_object():
    table = ClassTable.default()
    assert table.names == ("background", "object")
    assert table.colours[1] == OKABE_ITO[0]
    assert table.rgb.shape == (2, 3)


def test_all_colours_of_the_palette_differ_and_do_not_depend_on_the_count():
    colours = palette(MAX_CLASSES - 1)
    assert len({colour.upper() for colour in colours}) == len(colours)
    assert palette(20) == colours[:20]
    first = [rgb_from_hex(colour) for colour in colours[:24]]
    for index, one in enumerate(first):
        for other in first[:index]:
            assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) > 60


def test_hex_and_rgb_are_inverse():
    assert hex_from_rgb(rgb_from_hex("#12ABef")) == "#12ABEF"
    with pytest.raises(ValueError, match="not a colour"):
        rgb_from_hex("red")


def test_a_table_is_changed_by_making_another():
    table = ClassTable.default()
    longer = table.added("leaf").added("stem", "#112233")
    assert table.names == ("background", "object")
    assert longer.names == ("background", "object", "leaf", "stem")
    assert longer[2].colour not in (longer[1].colour, longer[0].colour)
    assert longer.moved(3, 1).names == ("background", "stem", "object", "leaf")
    assert longer.removed(1).names == ("background", "leaf", "stem")
    assert longer.replaced(1, is_locked=True).locked_ids == (1,)
    assert longer.id_of("leaf") == 2
    assert longer.id_of("root") is None


@pytest.mark.parametrize("name", WORDS)
def test_words_of_every_script_are_names(name):
    assert ClassTable.default().added(name).names[-1] == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "a\nb",
        "a\u2028b",
        "a\x00b",
        "a\uffffb",
        "\N{RIGHT-TO-LEFT OVERRIDE}abc",
        "\ud800",
        "x" * 201,
    ],
)
def test_unusable_names_are_refused(name):
    with pytest.raises(LatentsegError, match="name of a class"):
        ClassTable.default().added(name)


def test_a_name_is_taken_once_and_a_colour_must_be_one():
    with pytest.raises(LatentsegError, match="already"):
        ClassTable.default().added("object")
    with pytest.raises(LatentsegError, match="not a colour"):
        ClassTable.default().added("leaf", "#12345")


def test_the_background_stays_first_and_stays():
    table = ClassTable.default().added("leaf")
    for refused in (lambda: table.removed(0), lambda: table.moved(0, 1), lambda: table.moved(1, 0)):
        with pytest.raises(LatentsegError):
            refused()


def test_the_number_of_classes_is_limited():
    full = ClassTable(tuple(SegmentationClass(f"class {i}", "#000000") for i in range(MAX_CLASSES)))
    with pytest.raises(LatentsegError, match="between 1 and"):
        full.added("one more")
