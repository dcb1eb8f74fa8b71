"""Opening, listing and showing images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from latentseg_gui.app.flows.base import Base
from latentseg_gui.controllers.images.display import DisplayController
from latentseg_gui.controllers.images.images import ImagesController
from latentseg_gui.controllers.images.levels import AdjustController
from latentseg_gui.controllers.images.pages import PagesController
from latentseg_gui.controllers.images.region_navigator import RegionNavigator
from latentseg_gui.controllers.images.thumbnails import ThumbnailController


@dataclass(frozen=True, slots=True)
class ImagesFlow:
    """The controllers that other flows speak to."""

    controller: ImagesController
    pages: PagesController
    display: DisplayController
    adjust: AdjustController
    navigator: RegionNavigator


def build(base: Base) -> ImagesFlow:
    """Makes the flow; it needs no other."""
    window, document, jobs, owner = base.window, base.document, base.jobs, base.owner
    controller = ImagesController(
        document, window.files, readers=jobs.files, dialogs=base.dialogs, errors=base.errors, parent=owner
    )
    pages = PagesController(document, window.pages, owner)
    ThumbnailController(document, window.files, thumbnails=jobs.thumbnails, parent=owner)
    display = DisplayController(document, window.canvas, window=window, parent=owner)
    adjust = AdjustController(document, window.canvas, window.levels, readers=jobs.files, parent=owner)
    navigator = RegionNavigator(document, window.canvas, controller, owner)
    images = ImagesFlow(controller, pages, display, adjust, navigator)
    _connect(base, images)
    return images


def _connect(base: Base, images: ImagesFlow) -> None:
    window, controller = base.window, images.controller
    base.on("open_images", controller.choose_images)
    base.on("open_folder", controller.choose_folder)
    base.on("previous_image", controller.previous)
    base.on("next_image", controller.next)
    base.on("previous_page", window.pages.previous)
    base.on("next_page", window.pages.next)
    base.on("fit", window.canvas.camera.zoom_to_fit)
    window.empty_state.open_images_requested.connect(controller.choose_images)
    window.empty_state.open_folder_requested.connect(controller.choose_folder)
    images.pages.show_requested.connect(controller.show)
    controller.opened.connect(base.preferences.remember)
    controller.removed.connect(base.history.forget_image)
    _connect_switches(base, images)


def _connect_switches(base: Base, images: ImagesFlow) -> None:
    window, canvas, options = base.window, base.window.canvas, base.window.options.display
    window.action["show_overlay"].setChecked(True)
    base.on_switch("show_overlay", canvas.visibility.set_overlay)
    base.on_switch("show_outlines", canvas.labels.set_outlines_only)
    base.on_switch("show_outlines", options.set_outlines)
    options.outlines_requested.connect(window.action["show_outlines"].setChecked)
    base.on_switch("show_uncertainty", images.display.set_uncertainty_visible)
    base.on_switch("show_uncertainty", options.set_uncertainty)
    options.uncertainty_requested.connect(window.action["show_uncertainty"].setChecked)
    for use in (options.set_opacity, canvas.labels.set_opacity):
        use(base.preferences.overlay_opacity)
    options.opacity_requested.connect(canvas.labels.set_opacity)
    options.opacity_requested.connect(partial(setattr, base.preferences, "overlay_opacity"))
    base.on_switch("show_objects", images.display.set_objects_visible)
