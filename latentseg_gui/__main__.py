"""`python -m latentseg_gui`."""

import os
import sys

if __name__ == "__main__":
    # What lies in the present folder is data, not parts of the program.
    here, root = os.path.realpath(os.getcwd()), os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    if sys.path and os.path.realpath(sys.path[0]) == here != root and not sys.flags.safe_path:
        del sys.path[0]

    from latentseg_gui.cli import run_process

    run_process()
