from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPixmap
from PySide6.QtWidgets import QComboBox, QListView, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from latentseg_gui.panels.files import EmptyStateWidget, FileEntry, FilesPanel, SampleImage
from latentseg_gui.panels.files.delegate import _paint_badge, elided_name, note_of
from latentseg_gui.panels.files.model import MAX_THUMBNAILS, FilesModel, FilesRole
from latentseg_gui.panels.files.view import FilesFilterBar
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.pixmaps import image_from_rgb

THUMBNAIL = np.zeros((12, 16, 3), dtype=np.uint8)


def entries(count: int) -> list[FileEntry]:
    statuses = ("new", "predicted", "corrected")
    return [FileEntry(f"id{i}", f"image {i:05}.png", statuses[i % 3]) for i in range(count)]


@pytest.fixture
def panel(qtbot: QtBot) -> FilesPanel:
    widget = FilesPanel()
    qtbot.addWidget(widget)
    widget.resize(260, 500)
    widget.set_entries(entries(9))
    widget.show()
    return widget


def view(panel: FilesPanel) -> QListView:
    found = panel.findChild(QListView)
    assert found is not None
    return found


def bar(panel: FilesPanel) -> FilesFilterBar:
    found = panel.findChild(FilesFilterBar)
    assert found is not None
    return found


def test_only_rows_in_view_ask_for_thumbnails_and_others_when_they_come(
    panel: FilesPanel, qtbot: QtBot
) -> None:
    asked: list[str] = []
    panel.thumbnail_requested.connect(asked.append)
    panel.set_entries(entries(10_000))
    qtbot.waitUntil(lambda: len(asked) > 0)
    qtbot.wait(80)
    assert asked[0] == "id0"
    assert len(asked) < 20
    assert len(asked) == len(set(asked))

    asked.clear()
    view(panel).scrollToBottom()
    qtbot.waitUntil(lambda: "id9999" in asked)
    assert "id5000" not in asked


def test_a_picture_that_came_is_not_asked_for_again(panel: FilesPanel, qtbot: QtBot) -> None:
    asked: list[str] = []
    panel.thumbnail_requested.connect(asked.append)
    qtbot.waitUntil(lambda: len(asked) > 0)
    for image_id in asked:
        panel.set_thumbnail(image_id, THUMBNAIL)
    count = len(asked)
    panel.resize(270, 510)
    qtbot.wait(80)
    assert len(asked) == count


def test_thumbnails_are_kept_to_a_bound() -> None:
    model = FilesModel()
    model.set_entries(entries(MAX_THUMBNAILS + 10))
    picture = image_from_rgb(THUMBNAIL)
    for i in range(MAX_THUMBNAILS + 10):
        model.set_thumbnail(f"id{i}", picture)
    assert not model.has_thumbnail("id0")
    assert model.has_thumbnail(f"id{MAX_THUMBNAILS + 9}")


def test_choosing_a_row_requests_it_and_setting_it_does_not(panel: FilesPanel, qtbot: QtBot) -> None:
    requested: list[str] = []
    panel.current_requested.connect(requested.append)
    panel.set_current("id3")
    assert requested == []
    assert view(panel).currentIndex().row() == 3

    qtbot.keyClick(view(panel), Qt.Key.Key_Down)
    assert requested == ["id4"]
    assert panel.current_id == "id4"


def test_search_and_filter_narrow_the_list_and_the_current_image_stays(panel: FilesPanel) -> None:
    panel.set_current("id3")
    bar(panel).search.setText("00003")
    assert panel.visible_ids == ("id3",)
    assert view(panel).currentIndex().row() == 0
    bar(panel).search.setText("")
    bar(panel).set_status("corrected")
    assert panel.visible_ids == ("id2", "id5", "id8")
    assert panel.current_id == "id3"


def test_most_unsure_first_puts_unknown_ones_last(panel: FilesPanel, qtbot: QtBot) -> None:
    bar(panel).set_sort_key("uncertainty")
    panel.set_uncertainty("id7", 0.9, "two experts disagree")
    panel.set_uncertainty("id2", 0.4)
    qtbot.waitUntil(lambda: panel.visible_ids[:2] == ("id7", "id2"))


def test_how_unsure_an_image_is_stands_in_its_row_and_why_in_its_tool_tip(panel: FilesPanel) -> None:
    entry = FileEntry("id", "cells.png", uncertainty=0.126, message="background or object? 26 % unsure")
    assert note_of(entry) == "13 % unsure"
    assert note_of(FileEntry("id", "cells.png", "error", uncertainty=0.2, message="It is damaged.")) == (
        "It is damaged."
    )
    panel.set_uncertainty("id7", 0.9, "two experts disagree")
    row = view(panel).model().index(7, 0)
    assert "two experts disagree" in row.data(Qt.ItemDataRole.ToolTipRole)


def test_neighbours_follow_the_order_shown(panel: FilesPanel) -> None:
    bar(panel).set_status("corrected")
    panel.set_current("id5")
    assert panel.neighbour(1) == "id8"
    assert panel.neighbour(-1) == "id2"
    panel.set_current("id8")
    assert panel.neighbour(1) is None


def test_an_error_is_shown_in_the_row_until_the_status_changes(panel: FilesPanel) -> None:
    panel.set_error("id1", "The file is cut short.")
    index = view(panel).model().index(1, 0)
    assert "cut short" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert "error" in index.data(Qt.ItemDataRole.AccessibleTextRole)
    panel.set_status("id1", "predicted")
    assert index.data(FilesRole.ENTRY) == FileEntry("id1", "image 00001.png", "predicted")


def test_delete_asks_for_removal_and_removes_nothing_itself(panel: FilesPanel, qtbot: QtBot) -> None:
    panel.set_current("id1")
    with qtbot.waitSignal(panel.remove_requested) as caught:
        qtbot.keyClick(view(panel), Qt.Key.Key_Delete)
    assert caught.args == ["id1"]
    assert len(panel.visible_ids) == 9
    panel.remove_entry("id1")
    assert "id1" not in panel.visible_ids
    assert panel.current_id is None


def test_late_answers_for_images_that_are_gone_are_dropped(panel: FilesPanel) -> None:
    panel.remove_entry("id1")
    panel.set_thumbnail("id1", THUMBNAIL)
    panel.set_status("id1", "predicted")
    panel.set_error("nobody", "sentence")
    assert len(panel.visible_ids) == 8


@pytest.fixture
def empty(qtbot: QtBot) -> EmptyStateWidget:
    widget = EmptyStateWidget()
    qtbot.addWidget(widget)
    widget.set_samples([SampleImage("cat", "A cat", THUMBNAIL), SampleImage("sky", "A sky", THUMBNAIL)])
    widget.resize(600, 400)
    widget.show()
    return widget


def test_what_was_used_before_is_one_press_away(empty: EmptyStateWidget, qtbot: QtBot) -> None:
    empty.set_recent([("/data/night shift", "night shift"), ("/data/photos", "photos")])
    empty.set_recent([("/data/photos", "photos")])
    buttons = [each for each in empty.findChildren(QPushButton) if each.text() in ("night shift", "photos")]
    with qtbot.waitSignal(empty.recent_requested) as caught:
        buttons[-1].click()
    assert caught.args == ["/data/photos"]
    assert buttons[-1].accessibleName() == "Go on with photos"
    empty.set_recent([])
    assert not buttons[-1].isVisible()


def test_a_sample_opens_by_keyboard(empty: EmptyStateWidget, qtbot: QtBot) -> None:
    tile = next(each for each in empty.findChildren(QToolButton) if each.text() == "A sky")
    tile.setFocus()
    with qtbot.waitSignal(empty.sample_requested) as caught:
        qtbot.keyClick(tile, Qt.Key.Key_Space)
    assert caught.args == ["sky"]


def test_the_buttons_ask_for_images_and_folders(empty: EmptyStateWidget, qtbot: QtBot) -> None:
    images, folder, *_ = empty.findChildren(QPushButton)
    with qtbot.waitSignals([empty.open_images_requested, empty.open_folder_requested]):
        images.click()
        folder.click()


def test_samples_are_replaced_not_piled_up(empty: EmptyStateWidget, qtbot: QtBot) -> None:
    for _ in range(5):
        empty.set_samples([SampleImage("cat", "A cat", THUMBNAIL)])
    qtbot.wait(10)
    assert len(empty.findChildren(QToolButton)) == 1


def test_an_icon_without_room_is_empty_and_no_warning(qtbot: QtBot) -> None:
    assert icon("close").pixmap(0, 0).isNull()


def test_filter_and_order_are_readable_in_a_narrow_panel(panel: FilesPanel, qtbot: QtBot) -> None:
    first, second = panel.findChildren(QComboBox)
    panel.show()
    for width, is_stacked in ((400, False), (190, True)):
        panel.resize(width, 400)
        qtbot.waitUntil(lambda is_stacked=is_stacked: (first.x() == second.x()) == is_stacked)
        room = second.width() - 34
        assert room >= second.fontMetrics().horizontalAdvance("Unsure first")


def test_names_that_do_not_fit_still_differ(qtbot: QtBot) -> None:
    metrics = QFontMetrics(QListView().font())
    names = [f"data_train_fire_truck_{number:03}.jpg" for number in range(12)]
    width = metrics.horizontalAdvance("data_train_x")
    shown = [elided_name(name, metrics, width) for name in names]
    assert len(set(shown)) == 12
    assert all(metrics.horizontalAdvance(each) <= width for each in shown)
    assert elided_name("a.jpg", metrics, width) == "a.jpg"


def test_a_badge_stays_inside_its_row(qtbot: QtBot) -> None:
    page = QPixmap(200, 60)
    painter = QPainter(page)
    metrics = painter.fontMetrics()
    words = metrics.horizontalAdvance("56 % unsure")
    for room in (words + 40, words + 10):
        row = QRect(10, 5, room, 50)
        badge = _paint_badge(painter, row, "56 % unsure", metrics, QColor("#336699"))
        assert row.contains(badge)
        assert badge.width() > words
    painter.end()
