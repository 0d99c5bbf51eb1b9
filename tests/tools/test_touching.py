"""What code would touch is told from its text, and nothing that hides is called harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnb.tools.touched import Touched
from chatnb.tools.touching import names_in, touches

PLAIN: list[tuple[str, dict[str, set[str]]]] = [
    ("x = 1", {"assigned": {"x"}}),
    ("x, (y, *z) = t", {"assigned": {"x", "y", "z"}}),
    ("x: int = 1", {"assigned": {"x"}}),
    ("x += 1", {"assigned": {"x"}, "changed": {"x"}}),
    ("for i in range(3): print(i)", {"assigned": {"i"}}),
    ("with lock as held: pass", {"assigned": {"held"}}),
    ("try:\n    pass\nexcept OSError as error:\n    pass", {"assigned": {"error"}, "deleted": {"error"}}),
    ("match p:\n    case {'a': a, **rest}: pass\n    case [b, *c]: pass", {"assigned": {"a", "rest", "b", "c"}}),
    ("def f():\n    inner = 1", {"assigned": {"f"}}),
    ("def f():\n    global g\n    g = 1", {"assigned": {"f", "g"}}),
    ("class A:\n    b = 1", {"assigned": {"A"}}),
    ("[y := x for x in rows]", {"assigned": {"y"}}),
    ("(lambda: (z := 1))", {}),
    ("def f(a=(b := 1)): pass", {"assigned": {"f", "b"}}),
    ("del df, rows[0]", {"deleted": {"df"}, "changed": {"rows"}}),
    ("df['a'] = 1", {"changed": {"df"}}),
    ("model.layers[0].w = 1", {"changed": {"model"}}),
    ("rows.append(1)", {"changed": {"rows"}}),
    ("setattr(model, 'w', 1)", {"changed": {"model"}}),
    ("import numpy as np", {"assigned": {"np"}, "imports": {"numpy"}}),
    ("import os.path", {"assigned": {"os"}, "imports": {"os.path"}}),
    ("from a.b import c as d", {"assigned": {"d"}, "imports": {"a.b"}}),
    ("open('a.csv')", {"reads": {"a.csv"}}),
    ("open('a.csv', 'w')", {"writes": {"a.csv"}}),
    ("open('a.csv', mode=m)", {"writes": {"a.csv"}}),
    ("open(name, *how)", {"writes": {"open(name, *how)"}}),
    ("pd.read_csv('a.csv')", {"reads": {"a.csv"}}),
    ("df.to_parquet('out/b.parquet')", {"writes": {"out/b.parquet"}}),
    ("from pathlib import Path\nPath('a.txt').write_text('x')", {"writes": {"a.txt"}}),
    ("import os\nos.remove('a')", {"writes": {"a"}}),
    ("import shutil as s\ns.rmtree('out')", {"writes": {"shutil", "s.rmtree"}}),
    ("plt.savefig('a.png')", {"writes": {"a.png"}}),
    ("import requests\nrequests.get(u)", {"network": {"requests", "requests.get"}}),
    ("pd.read_csv('https://example.org/a.csv')", {"network": {"https://example.org/a.csv"}}),
    ("f'https://{host}/x'", {"network": {"https://"}}),
    ("import subprocess\nsubprocess.run(c)", {"programs": {"subprocess", "subprocess.run"}}),
    ("!ls -l", {"programs": {"!ls -l"}}),
    ("files = !ls", {"assigned": {"files"}, "programs": {"!ls"}}),
    ("%%bash\nrm -rf x", {"programs": {"%%bash rm -rf x"}, "magics": {"%%bash"}}),
    ("%pip install evil", {"programs": {"%pip install evil"}, "magics": {"%pip"}}),
    ("%time x = f(1)", {"assigned": {"x"}, "calls": {"f"}, "magics": {"%time"}}),
    ("%%time\nopen('a', 'w')", {"writes": {"a"}, "magics": {"%%time"}}),
    ("%%timeit -n 3 import os\nos.system('x')", {"programs": {"os.system"}, "magics": {"%%timeit"}}),
    ("train(model)", {"calls": {"train"}}),
    ("@register\ndef f(): pass", {"calls": {"register"}}),
    ("class A:\n    def launch(self): pass\nlaunch()", {"calls": {"launch"}}),
    ("def f(): pass\nf = launch\nf()", {"calls": {"f"}}),
    ("open('a\x1b[2J.csv')", {"reads": {"a\\x1b[2J.csv"}}),
    ("print = launch\nprint(1)", {"assigned": {"print"}, "calls": {"print"}}),
]

HOSTILE = [
    "exec('x')",
    "eval(text)",
    "f = eval\nf('x')",
    "[eval][0]('x')",
    "{'a': exec}['a']('x')",
    "def f(run=exec): run('x')",
    "@exec\n@input\nclass X: pass",
    "\uff45\uff58\uff45\uff43('x')",
    "__import__('o' + 's')",
    "getattr(__builtins__, 'ex' + 'ec')('x')",
    "__builtins__['eval']('x')",
    "import builtins as b\nb.exec('x')",
    "from builtins import exec as e\ne('x')",
    "from os import *",
    "globals()['df'] = None",
    "vars()['df'] = None",
    "import os as o\nhelper = o\nhelper.system('x')",
    "import importlib\nimportlib.import_module(name)",
    "().__class__.__bases__[0].__subclasses__()",
    "(lambda: 0).__globals__",
    "getattr(f, '__globals__')",
    "setattr(f, '__code__', g)",
    "getattr(os, name)('x')",
    "import ctypes",
    "import pickle\npickle.loads(data)",
    "import sys\nsys.modules['os'].system('x')",
    "import types\ntypes.FunctionType(c, {})",
    "df.eval('@os.remove(1)')",
    "get_ipython().run_cell('x')",
    "ip = get_ipython()\nip.ex('x')",
    "%run evil.py",
    "%nobody_knows",
    "%%nobody_knows\nx",
    "class A:\n    exec('x')",
    "[exec(x) for x in y]",
    "lambda: exec('x')",
    "import threading",
    "import atexit",
    "exit()",
    "x = 1  # \u202e",
    "x\u200b = 1",
    "((((",
    "x = '\0'",
    "(" * 5_000 + ")" * 5_000,
    "-" * 100_000 + "1",
]


@pytest.mark.parametrize(("code", "expected"), PLAIN)
def test_what_a_piece_of_code_touches(code: str, expected: dict[str, set[str]]) -> None:
    touched = touches(code)

    for kind, texts in expected.items():
        assert set(getattr(touched, kind)) >= texts


@pytest.mark.parametrize("code", [code for code, _ in PLAIN[:14]])
def test_names_that_are_not_bound_in_the_notebook_are_not_named(code: str) -> None:
    expected = dict(PLAIN)[code]

    touched = touches(code)

    assert set(touched.assigned) == expected.get("assigned", set())
    assert touched.anything == ()


@pytest.mark.parametrize("code", HOSTILE)
def test_code_that_hides_what_it_does_may_do_anything(code: str) -> None:
    touched = touches(code)

    assert touched.anything


@pytest.mark.parametrize(
    ("code", "program"),
    [
        ("getattr(os, 'system')('ls')", "os.system"),
        ("import os as o\no.system('x')", "o.system"),
        ("from os import system as s\ns('x')", "os.system"),
        ("__import__('o' + 's').system('ls')", "__import__('o' + 's').system"),
        ("x.Popen('ls')", "x.Popen"),
    ],
)
def test_a_program_that_is_started_by_another_name_is_seen(code: str, program: str) -> None:
    touched = touches(code)

    assert program in touched.programs


def test_it_is_told_in_a_line_for_each_kind() -> None:
    touched = touches("import pandas as pd\ndf = pd.read_csv('a.csv')\nexec(x)")

    assert str(touched).splitlines() == [
        "may do anything: exec",
        "assigns: pd, df",
        "imports: pandas",
        "reads: a.csv",
    ]


def test_code_that_shows_nothing_is_not_called_harmless() -> None:
    text = str(touches("a + b"))

    assert text == "touches nothing that its text shows"


def test_much_of_a_kind_is_counted() -> None:
    text = str(touches("\n".join(f"x{i} = {i}" for i in range(30))))

    assert text.endswith("x19 and 10 more")


def test_the_names_of_magics_and_code_are_found() -> None:
    names = names_in("%matplotlib inline\ndf.plot(rows)")

    assert {"df", "rows"} <= names


def test_what_cannot_be_read_has_no_names() -> None:
    names = names_in("((")

    assert names == frozenset()


@given(st.text(max_size=200))
def test_any_text_is_judged(code: str) -> None:
    touched = touches(code)

    assert isinstance(touched, Touched)


PIECES = st.sampled_from([code for code, _ in PLAIN if not code.startswith("%%")] + ["exec('x')", "if a:\n    b = 1"])


@given(st.lists(PIECES, max_size=4), st.lists(PIECES, max_size=4))
def test_what_code_touches_it_touches_with_more_code_around_it(before: list[str], after: list[str]) -> None:
    code = "\n".join([*before, "exec(open('k', 'w'))", *after])

    touched = touches(code)

    assert "exec" in touched.anything
    assert "k" in touched.writes
