"""Tell what code would touch, as far as its text shows it: names, files, the network, other programs.

Nothing is run, and nothing is ever called harmless. What is merely mentioned counts, called or not, so that no alias hides
it; what could do anything is named as such; and what is called without being known is named too. So this informs
whoever decides; it holds nothing back.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection
from dataclasses import fields
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from ..context.guarded import one_line
from . import reach
from .bindings import bindings_of
from .touched import Touched

_LONGEST = 60  # characters of a piece of code that is quoted
_ADDRESS = re.compile(r"(?i)\s*[a-z][a-z0-9+.-]+://[^\s\"']{0,80}")
_SHELL = frozenset({"system", "getoutput", "getoutputs"})


def touches(code: str) -> Touched:
    r"""Return what code of a cell, with magics or without, would touch.

    Examples
    --------
    >>> print(touches("import pandas as pd\ndf = pd.read_csv('a.csv')\ndf['b'] = 1"))
    assigns: pd, df
    changes in place: df
    imports: pandas
    reads: a.csv
    >>> print(touches("__import__('o' + 's').system('ls')"))
    may do anything: __import__
    starts programs: __import__('o' + 's').system
    """
    found = _Found()
    found.read(code)
    return Touched(**{name: tuple(texts) for name, texts in found.kinds.items()})


def names_in(code: str) -> frozenset[str]:
    """Return the names that code mentions; none if it cannot be read."""
    try:
        return frozenset(node.id for node in ast.walk(_tree(code)) if isinstance(node, ast.Name))
    except _UNREADABLE:
        return frozenset()


_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def _tree(code: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an escape that is none warns; it is the code's own matter
        return ast.parse(TransformerManager().transform_cell(code))  # type: ignore[no-untyped-call]


class _Found:
    """Collects what is found in a piece of code, and in the code within it."""

    def __init__(self) -> None:
        self.kinds: dict[str, dict[str, None]] = {field.name: {} for field in fields(Touched)}
        self._modules: dict[str, str] = {}  # what names of imports stand for
        self._functions: set[str] = set()  # names that stand for nothing else than what is defined here

    def read(self, code: str) -> None:
        hidden = sorted({char for char in code if not char.isprintable() and char not in "\n\t\r"})
        if hidden:
            self.add("anything", f"characters that do not show ({', '.join(f'U+{ord(c):04X}' for c in hidden)})")
        try:
            tree = _tree(code)
        except _UNREADABLE as error:
            self.add("anything", f"it cannot be read ({type(error).__name__})")
            return
        nodes = sorted(ast.walk(tree), key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0)))
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
        bound = bindings_of(tree)
        for kind, name in bound.in_notebook:
            self.add(kind, name)
        self._functions = (self._functions | bound.functions) - bound.others
        bases = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
        called = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
        for node in nodes:
            match node:
                case ast.Attribute() | ast.Name(ctx=ast.Load()):
                    call = called.get(id(node))
                    self._mention(node, call, is_base=id(node) in bases or id(call) in bases)
                case ast.Constant(value=str() as text) if address := _ADDRESS.match(text):
                    self.add("network", address[0].strip())
            match node:
                case ast.Call():
                    self._call(node)
                case (
                    ast.Subscript(ctx=ast.Store() | ast.Del(), value=value)
                    | ast.Attribute(ctx=ast.Store() | ast.Del(), value=value)
                ):
                    self._change(value)
                case ast.AugAssign(target=ast.Name(id=name)):
                    self.add("changed", name)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    for decorator in node.decorator_list:
                        self._call(decorator)

    def add(self, kind: str, text: str) -> None:
        self.kinds[kind][one_line(text)] = None

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        source = "." * node.level + (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            module = f"{source}.{alias.name}" if source else alias.name
            self.add("imports", source or module)
            self._modules[alias.asname or (alias.name if source else alias.name.partition(".")[0])] = (
                module if alias.asname or source else module.partition(".")[0]
            )
            if alias.name == "*":
                self.add("anything", f"from {source} import * (it replaces names that do not show)")
            self._reach(module, module)

    def _mention(self, node: ast.expr, call: ast.Call | None, *, is_base: bool) -> None:
        """Judge a name or an attribute, called or not."""
        origin = self._origin(node)
        if origin.startswith("get_ipython"):
            self._ipython(node, call, is_base=is_base)
            return
        last = origin.rpartition(".")[2]
        if isinstance(node, ast.Attribute) and last.startswith("__") and last not in reach.PLAIN_DUNDERS:
            self.add("anything", _quoted(node))
        if self._reach(origin, _quoted(node)):
            return
        if isinstance(node, ast.Name) and not (is_base or call) and origin in reach.POWERFUL:
            self.add("anything", f"{node.id} (passed on, so what is done with it does not show)")
        if last in reach.PROGRAM_METHODS and isinstance(node, ast.Attribute):
            self.add("programs", _quoted(node))

    def _reach(self, origin: str, shown: str) -> bool:
        """Add what is known of a dotted name; tell whether anything is."""
        known = False
        for kind, prefixes in reach.KNOWN.items():
            if _is_among(origin, prefixes):
                self.add(kind, shown.removesuffix("."))
                known = True
        return known

    def _call(self, node: ast.expr) -> None:
        function = node.func if isinstance(node, ast.Call) else node
        arguments = node.args if isinstance(node, ast.Call) else []
        origin = self._origin(function)
        last = origin.rpartition(".")[2] if isinstance(function, ast.Attribute) else origin
        if origin in reach.BY_NAME:
            self._by_name(origin, arguments)
        elif isinstance(node, ast.Call) and origin in reach.OPENERS:
            self._open(node)
        elif isinstance(node, ast.Call) and (kind := reach.kind_of_method(last, has_arguments=bool(arguments))):
            self.add(kind, _path(node, function))
        elif isinstance(node, ast.Call) and origin in reach.FILES:
            self.add(reach.FILES[origin], _path(node, function))
        elif last in {"eval", "exec"} and arguments and isinstance(function, ast.Attribute):
            self.add("anything", _quoted(function))
        elif last in reach.CHANGING and isinstance(function, ast.Attribute):
            self._change(function.value)
        elif not self._is_told(origin, last):
            self.add("calls", _quoted(function))

    def _is_told(self, origin: str, last: str) -> bool:
        """Whether what a call does is told elsewhere, or is nothing."""
        if origin in self.kinds["assigned"] and origin not in self._functions:
            return False
        if origin in reach.PLAIN or origin in self._functions or last in reach.PROGRAM_METHODS:
            return True
        if any(origin.partition(".")[0] == each.partition(".")[0] for each in self._modules.values()) and _is_among(
            origin, reach.PLAIN_MODULES
        ):
            return True
        return origin.startswith("get_ipython") or any(_is_among(origin, names) for names in reach.KNOWN.values())

    def _by_name(self, function: str, arguments: list[ast.expr]) -> None:
        """Judge `getattr` and the like: with a name written out they are what a dot is."""
        match arguments:
            case [target, ast.Constant(value=str() as name), *_]:
                if function == "getattr":
                    self._mention(ast.Attribute(target, name, ast.Load()), None, is_base=False)
                else:
                    self._change(target)
                    if name.startswith("__"):
                        self.add("anything", f"{function} {name}")
            case _:
                self.add("anything", f"{function} of a name that does not show")

    def _open(self, node: ast.Call) -> None:
        mode = next((each.value for each in node.keywords if each.arg == "mode"), None)
        if mode is None and len(node.args) > 1:
            mode = node.args[1]
        is_known = mode is None or isinstance(mode, ast.Constant)
        letters = str(mode.value) if isinstance(mode, ast.Constant) else "r"
        if any(isinstance(each, ast.Starred) for each in node.args) or any(each.arg is None for each in node.keywords):
            is_known = False
        writes = not is_known or any(letter in letters for letter in "wax+")
        self.add("writes" if writes else "reads", _path(node, node.func))

    def _change(self, target: ast.expr) -> None:
        """Note whose object is changed: the name at the root of `a.b[0].c`."""
        root = target
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        self.add("changed", root.id if isinstance(root, ast.Name) else _quoted(target))

    def _ipython(self, node: ast.expr, call: ast.Call | None, *, is_base: bool) -> None:
        method = node.attr if isinstance(node, ast.Attribute) else ""
        texts = [each.value for each in call.args if isinstance(each, ast.Constant)] if call else []
        if method in _SHELL:
            self.add("programs", "!" + (str(texts[0])[:_LONGEST] if texts else _quoted(node)))
        elif method in {"run_line_magic", "run_cell_magic"} and texts:
            self._magic(str(texts[0]), "%%" if method == "run_cell_magic" else "%", [str(text) for text in texts[1:]])
        elif method or not is_base:
            self.add("anything", _quoted(node))

    def _magic(self, name: str, mark: str, texts: list[str]) -> None:
        self.add("magics", mark + name)
        if name in reach.MAGICS_OF_CODE and texts:
            code = texts[-1] if mark == "%%" else reach.without_options(texts[-1])
            self.read(code)
            if mark == "%%" and texts[0].strip():
                self.read(reach.without_options(texts[0]))  # what is set up first, or an option
        elif name in reach.MAGICS_OF_PROGRAMS:
            self.add("programs", f"{mark}{name} {' '.join(texts).strip()}"[:_LONGEST])
        elif name not in reach.PLAIN_MAGICS:
            self.add("anything", mark + name)

    def _origin(self, node: ast.expr) -> str:
        """Return the dotted name that an expression stands for, with the modules' own names; "" before a call."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name):
            names.append(self._modules.get(node.id, node.id))
        elif isinstance(node, ast.Call) and self._origin(node.func) == "get_ipython":
            names.append("get_ipython")
        else:
            names.append("")
        return ".".join(reversed(names))


def _is_among(origin: str, names: Collection[str]) -> bool:
    """Whether a dotted name, or what it belongs to, is among those."""
    parts = origin.split(".")
    return any(".".join(parts[:end]) in names for end in range(1, len(parts) + 1))


def _path(node: ast.Call, function: ast.expr) -> str:
    """Return the path that a call names, else the code of the call."""
    for each in (function.value if isinstance(function, ast.Attribute) else None, *node.args[:1], node):
        match each:
            case ast.Constant(value=str() as text):
                return _quoted(text)
            case ast.Call(args=[ast.Constant(value=str() as text), *_]) if each is not node:
                return _quoted(text)  # Path("a.txt").write_text(...)
    return _quoted(node)


def _quoted(node: Any) -> str:
    try:
        text = node if isinstance(node, str) else ast.unparse(node)
    except RecursionError:
        text = "a very deep expression"
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
