"""`python -m batchctl`: the command line."""

from __future__ import annotations

from batchctl.cli import main

if __name__ == "__main__":
    main(prog_name="batchctl")
