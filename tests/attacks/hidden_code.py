"""Code that hides what it does: each piece makes a file called `owned`, or reads a secret, if it is run.

What is shown to the user before a yes stands beside it. None of it runs without one.
"""

from __future__ import annotations

HIDDEN_CODE: dict[str, tuple[str, str]] = {
    "getattr": ("getattr(__builtins__, 'op' + 'en')('owned', 'w').close()", "may do anything"),
    "getattr of a module": ("import os\ngetattr(os, 'sys' + 'tem')('touch owned')", "may do anything"),
    "eval": ("eval('op' 'en(\"owned\", \"w\").close()')", "may do anything: eval"),
    "exec of bytes": (
        "exec(bytes.fromhex('6f70656e28276f776e6564272c277727292e636c6f73652829'))",
        "may do anything: exec",
    ),
    "compile": (
        "f = compile('open(\"owned\", \"w\").close()', 'x', 'exec'); exec(f)",
        "may do anything: compile, exec",
    ),
    "importlib": ("import importlib\nimportlib.import_module('o' + 's').system('touch owned')", "may do anything"),
    "__import__": ("__import__('o' + 's').system('touch owned')", "may do anything: __import__"),
    "ctypes": ("import ctypes\nctypes.CDLL(None).creat(b'owned', 0o644)", "may do anything: ctypes"),
    "another name for a module": ("import os as math\nmath.system('touch owned')", "starts programs"),
    "another name for a function": ("from os import system as sum\nsum('touch owned')", "starts programs"),
    "all names of a module": ("from os import *\nsystem('touch owned')", "imports: os"),
    "a name for open": ("p = open\np('owned', 'w').close()", "may do anything"),
    "open in a list": ("[open][0]('owned', 'w').close()", "may do anything"),
    "open by a dictionary": (
        "vars(__builtins__)['op' + 'en']('owned', 'w').close()",
        "may do anything: vars, __builtins__",
    ),
    "a decorator": (
        "import os\n@lambda f: os.system('touch owned')\ndef harmless(): pass",
        "starts programs: os.system",
    ),
    "a decorator by its name alone": ('@exec\n@(lambda f: \'open("owned", "w").close()\')\ndef x(): pass', "exec"),
    "__del__": ("class A:\n    def __del__(self): open('owned', 'w').close()\nA(); None", "writes: owned"),
    "__init_subclass__": (
        "class A:\n    def __init_subclass__(cls): open('owned', 'w').close()\nclass B(A): pass",
        "writes: owned",
    ),
    "a metaclass": ("class A(metaclass=lambda *a: open('owned', 'w').close()): pass", "writes: owned"),
    "a default": ("def f(x=open('owned', 'w').close()): pass", "writes: owned"),
    "an annotation": ("def f(x: open('owned', 'w').close()): pass", "writes: owned"),
    "a format": ('f\'{open("owned", "w").close()}\'', "writes: owned"),
    "an operator": (
        "class A:\n    def __add__(self, _): open('owned', 'w').close()\nA() + 1",
        "writes: owned",
    ),
    "the subclasses of object": (
        (
            "c = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close'][0]\n"
            "c.__init__.__globals__['system']('touch owned')"
        ),
        "may do anything",
    ),
    "a pickle": ("import pickle\npickle.loads(b\"cos\\nsystem\\n(S'touch owned'\\ntR.\")", "may do anything: pickle"),
    "a module of modules": ("import sys\nsys.modules['o' + 's'].system('touch owned')", "may do anything: sys.modules"),
    "a module within a module": ("import pathlib\npathlib.os.system('touch owned')", "starts programs"),
    "a thread": (
        "import threading, os\nt = threading.Thread(target=os.system, args=('touch owned',)); t.start(); t.join()",
        "may do anything: threading",
    ),
    "a finalizer": (
        "import weakref\nclass A: pass\na = A(); weakref.finalize(a, lambda: open('owned', 'w').close()); del a",
        "writes: owned",
    ),
    "reduce": ("import functools\nfunctools.reduce(open, ['owned', 'w']).close()", "may do anything"),
    "map": ("list(map(open, ['owned'], ['w']))[0].close()", "may do anything"),
    "an attribute getter": (
        "import operator, os\noperator.attrgetter('system')(os)('touch owned')",
        "may do anything",
    ),
    "a shell": ("!touch owned", "starts programs: !touch owned"),
    "a cell magic": ("%%bash\ntouch owned", "starts programs: %%bash"),
    "a line magic in a line": ("x = %sx touch owned", "starts programs"),
    "IPython itself": ("get_ipython().system('touch owned')", "starts programs: !touch owned"),
    "a magic by its name": ("get_ipython().run_line_magic('s' + 'x', 'touch owned')", "may do anything"),
    "a query of pandas": (
        "import pandas as pd\npd.DataFrame({'a': [1]}).eval('@pd.io.common.os.system(\"touch owned\")')",
        "may do anything",
    ),
    "letters that are others": ("\uff4fpen('owned', 'w').close()", "writes: owned"),
    "a comment that turns the line around": (
        "x = 1 # \u202e)'w' ,'denwo'(nepo \u2066\nopen('owned', 'w').close()",
        "characters that do not show (U+202E, U+2066)",
    ),
    "a screen that is wiped": (
        "open('owned', 'w').close() #\x1b[2J\x1b[H\nx = 1",
        "characters that do not show (U+001B)",
    ),
    "a line far to the right": ("x = 1;" + " " * 500 + "open('owned', 'w').close()", "writes: owned"),
    "much harmless code before it": ("x = 1\n" * 5_000 + "open('owned', 'w').close()", "writes: owned"),
    "what is found at the end of the path": (
        "import os\nos.environ['x'] = '1'\nopen('owned', 'w').close()",
        "os.environ",
    ),
}
"""What is tried: the code, and a text that the user reads before it runs."""
