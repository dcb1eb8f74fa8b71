"""`python -m latentseg_gui`, and where the bundle begins."""

import os
import sys

if __name__ == "__main__":
    if getattr(sys, "frozen", False):
        from multiprocessing import freeze_support

        freeze_support()  # a child process of the bundle begins here, too, and goes no further
    else:
        # What lies in the present folder is data, not parts of the program.
        here, root = (
            os.path.realpath(os.getcwd()),
            os.path.dirname(os.path.dirname(os.path.realpath(__file__))),
        )
        if sys.path and os.path.realpath(sys.path[0]) == here != root and not sys.flags.safe_path:
            del sys.path[0]

    from latentseg_gui.cli import run_process

    run_process()
