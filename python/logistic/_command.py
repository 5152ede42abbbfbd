"""The command `logistic`, as the wheel installs it."""

from __future__ import annotations

import signal
import sys

from . import _core


def main() -> int:
    """Run the command line with the words that were typed, and give the code to exit with."""
    # As in any program that is no interpreter, Ctrl-C ends it at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _core.command(["logistic", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
