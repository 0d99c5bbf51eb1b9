"""`chatnb stop`: end the answers that are coming, in all kernels and consoles of this user."""

from __future__ import annotations

import argparse

from ..folders import data_folder
from ..printing import printable
from ..stopping import RUN, stop_all
from .opening import configured


def run(parsed: argparse.Namespace) -> int:
    """Stop them and say what each was about; that there is none is no failure."""
    stopped = stop_all(data_folder(configured(parsed).settings()) / RUN)
    for question in stopped:
        print(f"Stopped: {printable(question)}")
    if not stopped:
        print("No answer is coming.")
    return 0
