"""Have Linux itself refuse a process all writing of files, whichever library tries.

Landlock, from Linux 5.13 on: https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import sys

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all architectures that came after them
_VERSION_ONLY = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38  # of prctl

_WRITE_FILE = 1 << 1
_CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))  # removing and making whatever kind of entry
_RENAME_ACROSS = 1 << 13  # from version 2 on; without it such renames are refused anyway
_TRUNCATE = 1 << 14  # from version 3 on
_TCP = 0b11  # binding and connecting, from version 4 on


def forbid_writing() -> bool:
    """Forbid this thread, for good, to write, make, rename or remove files, and to use TCP; tell whether that works here.

    What is open already stays writable, and `/dev/null` too. Threads and processes that it starts are bound as well;
    threads that run already are not.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_ONLY)
    if version < 1:
        return False
    files = _WRITE_FILE | _CHANGE_FOLDERS
    files |= _RENAME_ACROSS if version >= 2 else 0  # noqa: PLR2004 - see above
    files |= _TRUNCATE if version >= 3 else 0  # noqa: PLR2004
    handled = (ctypes.c_uint64 * 2)(files, _TCP if version >= 4 else 0)  # noqa: PLR2004
    ruleset = libc.syscall(_CREATE_RULESET, handled, ctypes.c_size_t(16 if version >= 4 else 8), 0)  # noqa: PLR2004
    if ruleset < 0:
        return False
    null = os.open(os.devnull, os.O_RDONLY)
    # struct landlock_path_beneath_attr, packed: the rights, then the descriptor
    rule = (_WRITE_FILE | (files & _TRUNCATE)).to_bytes(8, sys.byteorder) + null.to_bytes(4, sys.byteorder)
    libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    is_bound = libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    os.close(null)
    os.close(ruleset)
    return bool(is_bound)
