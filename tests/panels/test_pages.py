"""The bar that goes through the pages of a file."""

import pytest

from latentseg_gui.panels.files.pages import PageBar


@pytest.mark.parametrize("count", [2**31 - 1, 2**31, 2**32, 50_000_000])
def test_whatever_number_of_pages_a_file_claims_the_bar_shows_one(qtbot, count):
    bar = PageBar()
    qtbot.addWidget(bar)
    bar.set_pages(count - 1, count)
    asked = []
    bar.page_requested.connect(asked.append)
    bar.previous()
    assert asked == [bar.slider.maximum() - 1]
    bar.set_pages(0, 0)
    assert (bar.slider.value(), bar.slider.maximum(), bar.isHidden()) == (0, 0, True)
