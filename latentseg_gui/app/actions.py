"""The table of actions: one line each, from which menus, tool bar, key sheet and command palette are made."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from latentseg_gui.document.masks.tools import ToolName


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One thing the user can do.

    Attributes:
        name: stable name; controllers bind to it and the settings file stores changed keys under it.
        text: what menus show.
        keys: default shortcuts in Qt's portable text form; the first is shown, so Enter stands before Return.
        menu: the menu it stands in.
        icon: name of an icon, or empty.
        is_checkable: whether it is a switch.
        short: what the tool bar says, where ``text`` is too long for it.
        is_tool: whether it is one of the exclusive canvas tools, shown in the tool bar.
        is_separated: whether a separator stands before it in its menu.
    """

    name: str
    text: str
    keys: tuple[str, ...]
    menu: str
    icon: str = ""
    short: str = ""
    is_checkable: bool = False
    is_tool: bool = False
    is_separated: bool = False


def _spec(
    name: str,
    text: str,
    keys: str = "",
    *,
    menu: str,
    icon: str = "",
    short: str = "",
    check: bool = False,
    sep: bool = False,
) -> ActionSpec:
    parts = tuple(part for part in keys.split(" | ") if part)
    return ActionSpec(name, text, parts, menu, icon or name, short, is_checkable=check, is_separated=sep)


def _tool(tool: ToolName) -> ActionSpec:
    spec = tool.spec
    keys = (spec.key,)
    return ActionSpec(
        tool.action, spec.text, keys, TOOLS, spec.icon, spec.short, is_checkable=True, is_tool=True
    )


FILE, EDIT, OBJECTS, TOOLS = "File", "Edit", "Objects", "Tools"
VIEW, MODEL, HELP = "View", "Model", "Help"

ACTIONS: tuple[ActionSpec, ...] = (
    _spec("open_images", "Open images...", "Ctrl+O", menu=FILE, icon="open", short="Open"),
    _spec("open_folder", "Open folder...", "Ctrl+Shift+O", menu=FILE, icon="folder", short="Folder"),
    _spec("open_samples", "Open sample images", menu=FILE, icon="image"),
    _spec("paste_image", "Paste image or objects", "Ctrl+V", menu=FILE),
    _spec("open_project", "Open project...", menu=FILE, icon="folder", sep=True),
    _spec("open_recent", "Open recent project...", menu=FILE, icon="folder"),
    _spec("save_project", "Save project", "Ctrl+S", menu=FILE, icon="save"),
    _spec("save_project_as", "Save project as...", "Ctrl+Shift+S", menu=FILE, icon="save"),
    _spec("import_mask", "Import masks from a file...", "Ctrl+I", menu=FILE, icon="open", sep=True),
    _spec("import_folder", "Import masks from a folder...", "Ctrl+Shift+I", menu=FILE, icon="folder"),
    _spec("export_mask", "Export masks...", "Ctrl+Shift+E", menu=FILE, icon="export", short="Export"),
    _spec("export_all", "Export all masks...", menu=FILE, icon="export"),
    _spec("save", "Save masks beside the images", menu=FILE, icon="save"),
    _spec("quit", "Quit", "Ctrl+Q", menu=FILE, sep=True),
    _spec("undo", "Undo", "Ctrl+Z", menu=EDIT),
    _spec("redo", "Redo", "Ctrl+Shift+Z | Ctrl+Y", menu=EDIT),
    _spec("accept", "Accept proposal", "Enter | Return", menu=EDIT, sep=True),
    _spec(
        "accept_next",
        "Accept, and go to the next image",
        "Shift+Enter | Shift+Return",
        menu=EDIT,
        icon="next",
    ),
    _spec("cancel", "Clear clicks", "Esc", menu=EDIT),
    _spec("drop_click", "Remove last click", "Backspace", menu=EDIT),
    _spec("next_meaning", "Another meaning of the click", "Q", menu=EDIT),
    _spec("next_drag", "Drag with the click tool: box, stroke or lasso", "Z", menu=EDIT),
    _spec("each_new", "Each click is a new object", "R", menu=EDIT, check=True),
    _spec(
        "accept_prediction",
        "Accept prediction as mask",
        "Ctrl+Shift+Enter | Ctrl+Shift+Return",
        menu=EDIT,
        sep=True,
    ),
    _spec("mark_reviewed", "Mark the whole image as reviewed", "Ctrl+Shift+A", menu=EDIT),
    _spec("clear_mask", "Clear the mask of this image", menu=EDIT),
    _spec("merge_objects", "Merge the chosen objects", "M", menu=OBJECTS, icon="merge"),
    _spec("delete_objects", "Delete the chosen objects", "Del", menu=OBJECTS, icon="trash"),
    _spec("overwrite_objects", "New objects overwrite others", "Shift+Y", menu=OBJECTS, check=True),
    _spec("keep_larger", "Cutting an object keeps its larger part only", menu=OBJECTS, check=True),
    _spec("copy_objects", "Copy the chosen objects", "Ctrl+C", menu=OBJECTS, icon="copy"),
    _spec("take_over_objects", "Copy objects from the previous image", "Ctrl+D", menu=OBJECTS, icon="layers"),
    _spec("follow_objects", "Track objects of the previous image", "Ctrl+Shift+D", menu=OBJECTS, icon="next"),
    _spec("hide_objects", "Hide the chosen objects, or show them", "Alt+H", menu=OBJECTS, icon="eye-off"),
    _spec("show_all_objects", "Show all hidden objects", menu=OBJECTS, icon="eye"),
    _spec("lock_objects", "Lock the chosen objects, or unlock them", "Alt+L", menu=OBJECTS, icon="lock"),
    _spec("fill_holes", "Fill holes", menu=OBJECTS, sep=True),
    _spec("remove_specks", "Remove specks", menu=OBJECTS),
    _spec("smooth", "Smooth outline", menu=OBJECTS),
    _spec("grow", "Grow by a pixel", "Ctrl++", menu=OBJECTS),
    _spec("shrink", "Shrink by a pixel", "Ctrl+-", menu=OBJECTS),
    _spec("follow_edges", "Snap the chosen objects to edges", "Ctrl+E", menu=OBJECTS, icon="outlines"),
    *(_tool(each) for each in ToolName),
    _spec("brush_smaller", "Smaller brush", "[", menu=TOOLS, sep=True),
    _spec("brush_larger", "Larger brush", "]", menu=TOOLS),
    _spec("swap_class", "Swap class", "X", menu=TOOLS),
    _spec("fit", "Fit to window", "Ctrl+F", menu=VIEW, icon="fit", short="Fit"),
    _spec("actual_size", "100 %", "Ctrl+0", menu=VIEW),
    _spec("show_overlay", "Overlay", "V", menu=VIEW, check=True, sep=True),
    _spec("show_prediction", "What the model predicts", "G", menu=VIEW, icon="predict", check=True),
    _spec("show_outlines", "Outlines only", "O", menu=VIEW, check=True),
    _spec("show_objects", "Colours by object, not by class", "Shift+O", menu=VIEW, icon="layers", check=True),
    _spec("show_names", "Numbers and names of objects", "Alt+N", menu=VIEW, icon="info", check=True),
    _spec("show_uncertainty", "Uncertainty", "U", menu=VIEW, check=True),
    _spec("show_attention", "Attention of the chosen expert", "H", menu=VIEW, check=True),
    _spec("show_territory", "Territory of the experts", "T", menu=VIEW, check=True),
    _spec("show_errors", "Where the model is wrong", "Shift+W", menu=VIEW, icon="errors", check=True),
    _spec("compare_mask", "Compare mask and prediction", "Shift+C", menu=VIEW, icon="compare", check=True),
    _spec("compare_earlier", "Compare with earlier weights", menu=VIEW, icon="compare", check=True),
    _spec("peek", "Raw image while held", "F2", menu=VIEW),
    _spec("previous_image", "Previous image", "A | PgUp", menu=VIEW, icon="previous", sep=True),
    _spec("next_image", "Next image", "D | PgDown", menu=VIEW, icon="next"),
    _spec("previous_page", "Previous page of the file", "Shift+PgUp", menu=VIEW, icon="previous"),
    _spec("next_page", "Next page of the file", "Shift+PgDown", menu=VIEW, icon="next"),
    _spec("previous_object", "Previous object of the list", ",", menu=VIEW, icon="previous"),
    _spec("next_object", "Next object of the list", ".", menu=VIEW, icon="next"),
    _spec("theme_system", "Theme: as the system", menu=VIEW, check=True, sep=True),
    _spec("theme_dark", "Theme: dark", menu=VIEW, check=True),
    _spec("theme_light", "Theme: light", menu=VIEW, check=True),
    _spec(
        "predict",
        "Predict this image",
        "Ctrl+Enter | Ctrl+Return",
        menu=MODEL,
        icon="predict",
        short="Predict",
    ),
    _spec("propose_all", "Propose all objects", "Ctrl+J", menu=MODEL, icon="search"),
    _spec("more_alike", "More like the chosen objects", "Ctrl+Shift+J", menu=MODEL, icon="copy"),
    _spec("predict_folder", "Predict all images, or a folder...", menu=MODEL, icon="folder"),
    _spec("predict_mirror", "Predict with the mirror image, too", menu=MODEL, check=True),
    _spec("predict_sizes", "Predict at three sizes", menu=MODEL, check=True),
    _spec("predict_edges", "Snap the prediction to edges", menu=MODEL, check=True),
    _spec("finetune", "Fine-tune", "Ctrl+T", menu=MODEL, icon="train"),
    _spec("live", "Live refit after each correction", "Ctrl+L", menu=MODEL, check=True),
    _spec("pause_training", "Pause fine-tuning", "Ctrl+Shift+T", menu=MODEL),
    _spec("learn_clicks", "Learn clicks from accepted objects", menu=MODEL, icon="click"),
    _spec("compare_networks", "Compare networks...", menu=MODEL, icon="compare"),
    _spec("next_uncertain_region", "Next uncertain region", "N", menu=MODEL, icon="next", sep=True),
    _spec("next_expert", "Next expert", "Tab", menu=MODEL, sep=True),
    _spec("previous_expert", "Previous expert", "Shift+Tab", menu=MODEL),
    _spec("knock_out", "Knock the chosen expert out, or put it back", "K", menu=MODEL),
    _spec("solo", "Solo the chosen expert, or put all back", "Shift+K", menu=MODEL),
    _spec("pin", "Pin or unpin the mix of the pixel under the cursor", "Shift+M", menu=MODEL),
    _spec("save_figures", "Save figures and maps of the experts...", menu=MODEL, icon="export"),
    _spec("open_weights", "Open weights...", menu=MODEL, icon="open", sep=True),
    _spec("save_weights", "Save weights as...", menu=MODEL, icon="save"),
    _spec("default_weights", "Back to the shipped weights", menu=MODEL),
    _spec("work_weights", "Begin with weights for use at work", menu=MODEL, check=True),
    _spec("open_click_model", "Open click model...", menu=MODEL, icon="click", sep=True),
    _spec("own_clicks", "Answer clicks with the model itself again", menu=MODEL, icon="click"),
    _spec("tour", "Tour in three steps", menu=HELP, icon="play"),
    _spec("shortcut_sheet", "Keys", "F1", menu=HELP),
    _spec("edit_shortcuts", "Change keys...", menu=HELP, icon="settings"),
    _spec("command_palette", "Command palette", "Ctrl+K | Ctrl+Shift+P", menu=HELP),
    _spec("messages", "Messages", menu=HELP, icon="info"),
    _spec("about", "About latentseg", menu=HELP, sep=True),
)


def spec(name: str) -> ActionSpec:
    """The action called ``name``.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]


def translated(text: str) -> str:
    """``text`` in the user's language."""
    return QCoreApplication.translate("actions", text)


_BY_NAME = {each.name: each for each in ACTIONS}


def conflicting_keys(keys_by_name: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Keys that more than one action claims, with the names of those actions."""
    owners: dict[str, list[str]] = {}
    for name, keys in keys_by_name.items():
        for key in keys:
            owners.setdefault(key, []).append(name)
    return {key: names for key, names in owners.items() if len(names) > 1}
