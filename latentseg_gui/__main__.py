"""`python -m latentseg_gui`."""

from latentseg_gui.cli import run_process

if __name__ == "__main__":
    run_process()
