"""Run the console with `python -m chatnb`."""

import sys

from .console import main

sys.exit(main())
