"""`latentseg doctor`: what is there, what is missing, and what to type about it."""

from __future__ import annotations

import argparse
import ctypes
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.headless.window import WINDOW_ADVICE, is_window_installed
from latentseg_gui.io.storage import make_folder
from latentseg_gui.workers.program import is_bundled, own_command

SYSTEM_LIBRARIES: Final = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
"""What Qt loads on Linux, and the Debian package of each."""

PACKAGES: Final = ("torch", "numpy", "Pillow", "safetensors")
WINDOW_PACKAGES: Final = ("PySide6-Essentials", "pyqtgraph")
"""What the window needs besides: the extra "gui"."""
OWN_NAMES: Final = ("model", "assets", "latentseg_gui")
_NO_WINDOW: Final = f"the window is not installed, only the library and the subcommands: {WINDOW_ADVICE}"

Finding = tuple[bool, list[str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--device", default="auto", help="the device to try (default: auto)")
    parser.add_argument(
        "--window",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="try the window too: a sample is opened, clicked on and its mask exported (to FOLDER)",
    )
    parser.add_argument("--start-qt", action="store_true", help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Print the findings; 1 if something is missing."""
    if options.start_qt:
        return start_qt()
    checks: list[Callable[[], Finding]] = [
        check_python,
        check_packages,
        check_onnx,
        check_names,
        *((check_system_libraries, check_qt) if is_window_installed() else (no_window,)),
        partial(check_model, options.device),
    ]
    if options.window is not None:
        checks.append(partial(check_window, options.window))
    is_healthy = True
    for check in checks:
        is_fine, lines = check()
        is_healthy &= is_fine
        print("\n".join(lines))
    print("Everything is there." if is_healthy else "Something is missing: see the lines marked with !.")
    return 0 if is_healthy else 1


def check_python() -> Finding:
    """The interpreter and the system."""
    is_fine = sys.version_info >= (3, 11)
    line = f"Python {platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores"
    return is_fine, [_marked(is_fine, line if is_fine else f"{line}: 3.11 or newer is needed")]


def check_packages() -> Finding:
    """The Python packages that matter most, and of those of the window what is there."""
    lines, is_fine = [], True
    for name in (*PACKAGES, *(WINDOW_PACKAGES if is_window_installed() else ())):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            is_fine = False
            lines.append(_marked(False, f"{name} is not installed: {_advice(name)}"))
            continue
        is_broken = name == "PySide6-Essentials" and version.startswith("6.12.0")
        is_fine &= not is_broken
        advice = f": this version crashes; {_advice('PySide6-Essentials==6.11.3')}" if is_broken else ""
        lines.append(_marked(not is_broken, f"{name} {version}{advice}"))
    return is_fine, lines


def _advice(requirement: str) -> str:
    return "get latentseg anew, whole" if is_bundled() else f"pip install '{requirement}'"


def check_onnx() -> Finding:
    """Whether click models of others can be opened and networks exported; nothing is wrong if not."""
    what = "third-party click models and export to ONNX"
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        advice = "" if is_bundled() else '; pip install "latentseg[onnx]" adds them'
        return True, [_marked(True, f"{what}: not installed ({error}){advice}")]
    return True, [_marked(True, f"{what}: onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")]


def check_names() -> Finding:
    """Whether another package was installed over ours: its files would be mixed with those of the program."""
    owners = {} if is_bundled() else importlib.metadata.packages_distributions()
    lines = []
    for name in OWN_NAMES:
        others = sorted({each for each in owners.get(name, ()) if each.lower() != "latentseg"})
        if others:
            advice = 'give latentseg an environment of its own (pipx install "latentseg[gui]")'
            lines.append(_marked(False, f"{', '.join(others)} installs a package “{name}”, too: {advice}"))
    return not lines, lines or [_marked(True, "no other package has the names of the parts of latentseg")]


def no_window() -> Finding:
    """What is said where only the library is installed; nothing is wrong with that."""
    return True, [_marked(True, _NO_WINDOW)]


def check_system_libraries() -> Finding:
    """The shared libraries that Qt loads; elsewhere than on Linux they come with it."""
    if not sys.platform.startswith("linux"):
        return True, [_marked(True, "system libraries: none needed here")]
    missing = missing_libraries()
    if not missing:
        return True, [_marked(True, "system libraries: all that Qt needs")]
    return False, [
        _marked(False, f"system libraries missing: {', '.join(missing)}"),
        f"    {apt_line(missing)}",
    ]


def missing_libraries() -> list[str]:
    """The names out of `SYSTEM_LIBRARIES` that cannot be loaded."""
    return [name for name in SYSTEM_LIBRARIES if not _loads(name)]


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def apt_line(missing: list[str]) -> str:
    """What to type on Debian or Ubuntu."""
    packages = sorted({_package_of(name) for name in missing})
    return f"sudo apt-get install -y --no-install-recommends {' '.join(packages)}"


def _package_of(library: str) -> str:
    package = SYSTEM_LIBRARIES[library]
    if package == "libglib2.0-0" and _apt_knows("libglib2.0-0t64"):
        return "libglib2.0-0t64"
    return package


def _apt_knows(package: str) -> bool:
    if shutil.which("apt-cache") is None:
        return False
    answer = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False, timeout=30)
    return answer.returncode == 0


def check_qt() -> Finding:
    """Whether a window could open, tried in another process because Qt aborts where it cannot."""
    name, trouble = try_qt({})
    if name:
        return True, [_marked(True, f"Qt starts on the platform {name}")]
    hidden, _ = try_qt({"QT_QPA_PLATFORM": "offscreen"})
    lines = [_marked(False, f"no window can open: {trouble}")]
    if hidden:
        lines.append("    Qt works without a screen. Log in to a desktop, or forward one (ssh -X).")
    return False, lines


def try_qt(environment: dict[str, str]) -> tuple[str, str]:
    """Start Qt in another process: (name of the platform, "") or ("", why not)."""
    try:
        outcome = subprocess.run(
            own_command("doctor", "--start-qt"),
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", "Qt did not start within a minute"
    if outcome.returncode == 0:
        return outcome.stdout.strip(), ""
    lines = [line for line in outcome.stderr.splitlines() if line.strip()]
    return "", lines[0] if lines else f"Qt ended with code {outcome.returncode}"


def start_qt() -> int:
    """Start Qt in this process, which ends it where there is no screen, and print its platform."""
    from PySide6.QtGui import QGuiApplication

    print(QGuiApplication([]).platformName())
    return 0


def check_window(folder: str) -> Finding:
    """The first minute of a user, done by the program itself; the mask goes to ``folder``, "" for nowhere."""
    if not is_window_installed():
        return False, [_marked(False, _NO_WINDOW)]
    name, trouble = try_qt({})
    if not name:
        return False, [_marked(False, f"the window was not tried: {trouble}")]
    from latentseg_gui.app.rehearsal import rehearse

    lines: list[str] = []
    with TemporaryDirectory(prefix="latentseg-") as settings:
        target = Path(folder or settings)
        try:
            make_folder(target)
            lines.extend(_marked(True, line) for line in rehearse(target, Path(settings)))
        except (LatentsegError, OSError) as error:
            return False, [*lines, _marked(False, f"the window does not work: {error}")]
    return True, lines


def check_model(wanted: str) -> Finding:
    """Torch, the device and why, the number formats, and the weights that come inside."""
    try:
        from model.errors import ModelError
        from model.prediction.device import choose_device, measure_cpu_dtypes
        from model.weights.checkpoint import default_weights_path, load
    except ImportError as error:
        return False, [_marked(False, f"the model cannot be loaded: {error}")]
    lines, is_fine = [], True
    try:
        choice = choose_device(wanted)
        lines.append(_marked(True, f"device: {choice.name}. {choice.reason}"))
        lines.append(_marked(True, f"number format: {str(choice.dtype).removeprefix('torch.')}"))
    except ModelError as error:
        is_fine = False
        lines.append(_marked(False, str(error)))
    for dtype, seconds in measure_cpu_dtypes().items():
        name = str(dtype).removeprefix("torch.")
        lines.append(_marked(True, f"a convolution on the CPU in {name}: {seconds * 1000:.1f} ms"))
    try:
        path = default_weights_path()
        load(path)
        lines.append(_marked(True, f"weights: {path}"))
    except ModelError as error:
        is_fine = False
        lines.append(_marked(False, str(error)))
    return is_fine, lines


def _marked(is_fine: bool, line: str) -> str:
    return f"{'  ' if is_fine else '! '}{line}"
