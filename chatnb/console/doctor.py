"""`chatnb doctor`: each thing that can be wrong, and the next step."""

from __future__ import annotations

import argparse

from ..bench import Bench
from ..doctor import examine
from . import flags
from .hints import in_shell
from .opening import chat_here, configured


def run(parsed: argparse.Namespace) -> int:
    """Print what is found and return 1 if something is wrong."""
    config = configured(parsed)
    chat = chat_here(config)
    try:
        servers = Bench(config, chat, lambda: False).servers
        findings = chat.portal.call(examine(config.settings(), chat.catalog, servers))
    finally:
        chat.close()
    for finding in findings:
        mark = {"ok": "ok     ", "warning": "warning", "wrong": "wrong  "}[finding.verdict]
        print(f"{mark}  {finding.about}: {finding.found}")
        if finding.step:
            print(f"         {in_shell(finding.step, flags.COMMANDS)}")
    return int(any(finding.verdict == "wrong" for finding in findings))
