"""`python -m logistic` is the command `logistic`."""

import sys

from ._command import main

sys.exit(main())
