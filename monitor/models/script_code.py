"""The code inside a TorchScript file: read without running it, and written anew.

TorchScript is a part of Python's grammar. The text in a file is parsed by Python's own parser,
everything that is not known is refused, and what torch gets to compile is text made from what
was parsed: comments, line continuations and odd brackets are gone by then.

torch runs some code as soon as it reads a file: default values, class-level values, methods
such as ``__setstate__``. None of these is let through; all other code runs first when the
network does, and is looked at again as torch understood it (:mod:`monitor.models.script`).
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from typing import NoReturn

from monitor.errors import MonitorError
from monitor.models.script_operators import ATEN, BUILT_IN, PRIM

MAX_TEXT = 4 * 2**20
_STATEMENTS = (
    *(ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.If, ast.While, ast.For),
    *(ast.Return, ast.Pass, ast.Break, ast.Continue, ast.Raise, ast.Assert),
)
_EXPRESSIONS = (
    *(ast.Name, ast.Attribute, ast.Call, ast.Constant, ast.List, ast.Tuple, ast.Subscript),
    *(ast.Slice, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.keyword),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context),
)
_CLASSES = "__torch__.torch.classes"
_HARMLESS = frozenset({"__len__", "__contains__"})  # of nn.Sequential and its like
_CLASS_VALUES = frozenset({"__parameters__", "__buffers__", "__annotations__"})


def rewritten(entries: dict[str, bytes], path: Path) -> dict[str, bytes]:
    """Give the entries of an archive with their code checked and written anew.

    Raises
    ------
    MonitorError
        If code does what a network has no need of.
    """
    code = {name: text for name, text in entries.items() if name.startswith("code/")}
    if sum(map(len, code.values())) > MAX_TEXT:
        raise MonitorError(f"model {path} holds too much code; refused")
    trees: dict[str, ast.Module] = {}
    for name, text in code.items():
        try:
            trees[name] = ast.parse(text.decode("ascii"))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise MonitorError(
                f"model {path} is not a readable TorchScript file: {name} is no TorchScript"
            ) from error
    functions = {
        node.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    check = _Check(path, functions)
    try:
        for tree in trees.values():
            check.file(tree)
        return entries | {name: ast.unparse(tree).encode() + b"\n" for name, tree in trees.items()}
    except RecursionError as error:
        raise MonitorError(f"model {path} holds code too deep to be read; refused") from error


class _Check:
    """Refuses what is not known; ``functions`` are those that the file itself defines."""

    def __init__(self, path: Path, functions: set[str]) -> None:
        self._path = path
        self._functions = functions

    def file(self, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                self._class(node)
            elif isinstance(node, ast.FunctionDef):
                self._function(node)
            else:
                self._refuse("statements outside of functions")

    def _class(self, node: ast.ClassDef) -> None:
        bases = [ast.unparse(base) for base in node.bases]
        if node.decorator_list or node.keywords or bases not in (["Module"], ["NamedTuple"]):
            self._refuse(f"a class {node.name} that is no module")
        for part in node.body:
            if isinstance(part, ast.FunctionDef):
                self._function(part)
            elif isinstance(part, ast.Assign):
                self._class_value(part)
            elif isinstance(part, ast.AnnAssign):
                self._no_calls(part.annotation)
                if part.value is not None:
                    self._literal(part.value)
            elif not isinstance(part, ast.Pass):
                self._refuse(f"statements in class {node.name}")

    def _class_value(self, node: ast.Assign) -> None:
        """Let through lists of names, and ``__annotations__["0"] = TYPE``."""
        (target,) = node.targets if len(node.targets) == 1 else (None,)
        if isinstance(target, ast.Subscript):
            self._no_calls(node.value)
            target = target.value
        else:
            self._literal(node.value)
        if not (isinstance(target, ast.Name) and target.id in _CLASS_VALUES):
            self._refuse(f"{ast.unparse(node)[:60]!r}")

    def _function(self, node: ast.FunctionDef) -> None:
        arguments = node.args
        if node.name.startswith("__") and node.name not in _HARMLESS:
            self._refuse(f"a function {node.name}, which can run when the file is read")
        if node.decorator_list:
            self._refuse(f"a function {node.name} with decorators")
        for value in (*arguments.defaults, *arguments.kw_defaults):
            if value is not None:
                self._literal(value)
        for argument in arguments.args + arguments.kwonlyargs:
            if argument.annotation is not None:
                self._no_calls(argument.annotation)
        if node.returns is not None:
            self._no_calls(node.returns)
        names = self._names_of_functions(node)
        for statement in node.body:
            for part in ast.walk(statement):
                if isinstance(part, ast.Call):
                    self._call(part, names)
                elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                    self._text(part.value)
                elif not isinstance(part, _STATEMENTS + _EXPRESSIONS):
                    self._refuse(f"{type(part).__name__} in function {node.name}")

    def _names_of_functions(self, node: ast.FunctionDef) -> set[str]:
        """Give what ``_0 = __torch__.torch.nn.functional.relu`` and the like name."""
        stored = Counter(argument.arg for argument in node.args.args)
        found: Counter[str] = Counter()
        for part in ast.walk(node):
            match part:
                case ast.Assign(
                    targets=[ast.Name(id=name)], value=ast.Attribute(attr=called) as value
                ):
                    words = ast.unparse(value)
                    ours = words.startswith("__torch__.") and not words.startswith(_CLASSES)
                    found[name] += ours and called in self._functions
                case ast.Name(id=name, ctx=ast.Store()):
                    stored[name] += 1
        for name in stored.keys() & BUILT_IN:
            self._refuse(f"a value of the name {name}")
        return {name for name in found if found[name] == stored[name]}

    def _text(self, text: str) -> None:
        if not all(char.isprintable() or char in "\n\t" for char in text):
            self._refuse("text with control characters")

    def _call(self, node: ast.Call, names: set[str]) -> None:
        """Let through operators that are listed, and functions of the file itself."""
        words = ast.unparse(node.func)
        match node.func:
            case ast.Name(id=name) if name in BUILT_IN or name in names:
                return
            case ast.Attribute(value=ast.Name(id="torch"), attr=name) if name in ATEN:
                return
            case ast.Attribute(
                value=ast.Attribute(value=ast.Name(id="ops"), attr="prim"), attr=name
            ) if name in PRIM:
                return
            case ast.Attribute(value=ast.Name(id="torch" | "ops")):
                pass
            case ast.Attribute(attr=name) if name in self._functions and not words.startswith(
                ("ops.", "torch.", _CLASSES)
            ):
                return
        self._refuse(f"a call of {words[:60]!r}")

    def _no_calls(self, node: ast.expr) -> None:
        if any(isinstance(part, ast.Call | ast.Lambda | ast.NamedExpr) for part in ast.walk(node)):
            self._refuse(f"{ast.unparse(node)[:60]!r} as a type")

    def _literal(self, node: ast.expr) -> None:
        try:
            ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError):
            self._refuse(
                f"{ast.unparse(node)[:60]!r} as a value that is worked out when the file is read"
            )

    def _refuse(self, what: str) -> NoReturn:
        raise MonitorError(
            f"model {self._path} holds code that no network needs: {what}; refused "
            "(torch.jit.freeze leaves out what is not used)"
        )
