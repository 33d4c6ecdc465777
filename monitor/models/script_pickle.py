"""The object part of a TorchScript file: read as a list of steps, nothing made of it.

torch reads these parts itself. Here is looked beforehand at what they would make: only
modules of the file, plain values and tensors; and that every tensor lies within its data,
for torch takes the file's word for that.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from monitor.errors import MonitorError

_ITEM_BYTES = {
    **{"FloatStorage": 4, "DoubleStorage": 8, "HalfStorage": 2, "BFloat16Storage": 2},
    **{"LongStorage": 8, "IntStorage": 4, "ShortStorage": 2, "CharStorage": 1},
    **{"ByteStorage": 1, "BoolStorage": 1},
}
_TENSOR = "torch._utils _rebuild_tensor_v2"
_LISTS = frozenset(
    f"torch.jit._pickle build_{kind}list" for kind in ("int", "double", "bool", "tensor")
)
_TAG = "torch.jit._pickle restore_type_tag"
_DICT = "collections OrderedDict"
_MARK = object()


@dataclass(frozen=True, slots=True)
class _Named:
    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    count: int


def check_objects(entries: dict[str, bytes], path: Path) -> None:
    """Look at ``data.pkl`` and ``constants.pkl``.

    Raises
    ------
    MonitorError
        If they would make anything but what a network consists of.
    """
    for name, folder in (("data.pkl", "data"), ("constants.pkl", "constants")):
        if name in entries:
            try:
                _Steps(entries, folder, path).run(entries[name])
            except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
                raise MonitorError(
                    f"model {path} is not a readable TorchScript file: {name} is damaged"
                ) from error


class _Steps:
    def __init__(self, entries: dict[str, bytes], folder: str, path: Path) -> None:
        self._entries = entries
        self._folder = folder
        self._path = path
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, content: bytes) -> None:
        for opcode, argument, _ in pickletools.genops(content):
            name = opcode.name
            if name in _PUSHED:
                self._stack.append(_PUSHED[name](argument))
            elif name in _STEPS:
                _STEPS[name](self, argument)
            elif name == "STOP":
                return
            elif name != "PROTO":
                self._refuse(f"a step {name}")

    def _to_mark(self) -> tuple[Any, ...]:
        place = len(self._stack) - 1 - self._stack[::-1].index(_MARK)
        items = tuple(self._stack[place + 1 :])
        del self._stack[place:]
        return items

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        ours = module.startswith("__torch__") and not module.startswith("__torch__.torch.classes")
        storage = module == "torch" and name in _ITEM_BYTES
        if not (ours or storage or argument in {_TENSOR, _TAG, _DICT, *_LISTS}):
            self._refuse(f"{module}.{name}")
        self._stack.append(_Named(name if storage else argument))

    def _last(self, count: int) -> None:
        if len(self._stack) < count:
            raise ValueError("too few values")
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        self._stack.append(items)

    def _tuple(self, _: Any) -> None:
        self._stack.append(self._to_mark())

    def _put(self, place: int) -> None:
        self._memo[place] = self._stack[-1]

    def _get(self, place: int) -> None:
        self._stack.append(self._memo[place])

    def _drop_to_mark(self, _: Any) -> None:
        self._to_mark()
        self._stack[-1]  # what they go into

    def _storage(self, _: Any) -> None:
        word, kind, key, place, count = self._stack.pop()
        data = self._entries[f"{self._folder}/{key}"]
        size = _ITEM_BYTES[kind.name]
        if (word, place) != ("storage", "cpu") or not _whole(count) or count * size != len(data):
            self._refuse("a tensor whose data have another size than it says")
        self._stack.append(_Storage(count))

    def _reduce(self, _: Any) -> None:
        values, called = self._stack.pop(), self._stack.pop()
        if not isinstance(called, _Named):
            self._refuse("a call of what is no name")
        if called.name == _TENSOR:
            self._tensor(*values[:4])
        elif called.name not in {_TAG, _DICT, *_LISTS}:
            self._refuse(f"a call of {called.name}")
        self._stack.append(None)

    def _tensor(self, storage: Any, offset: Any, sizes: Any, strides: Any) -> None:
        numbers = (offset, *sizes, *strides)
        if not isinstance(storage, _Storage) or len(sizes) != len(strides):
            self._refuse("a tensor without data")
        last = offset + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
        inside = 0 in sizes or last < storage.count
        if not all(map(_whole, numbers)) or not inside or offset > storage.count:
            self._refuse("a tensor that reaches beyond its data")

    def _new(self, _: Any) -> None:
        self._stack.pop()
        kind = self._stack.pop()
        if not (isinstance(kind, _Named) and kind.name.startswith("__torch__")):
            self._refuse("an object that is no module of the file")
        self._stack.append(None)

    def _build(self, _: Any) -> None:
        self._stack.pop()

    def _refuse(self, what: str) -> NoReturn:
        raise MonitorError(
            f"model {self._path} holds {what}, which no network needs; refused"
        ) from None


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_PUSHED: dict[str, Callable[[Any], Any]] = {
    "MARK": lambda _: _MARK,
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_TUPLE": lambda _: (),
    "EMPTY_LIST": lambda _: None,
    "EMPTY_DICT": lambda _: None,
    **dict.fromkeys(
        ("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), lambda value: value
    ),
}
_STEPS: dict[str, Callable[[_Steps, Any], None]] = {
    "GLOBAL": _Steps._global,
    "TUPLE": _Steps._tuple,
    "TUPLE1": lambda steps, _: steps._last(1),
    "TUPLE2": lambda steps, _: steps._last(2),
    "TUPLE3": lambda steps, _: steps._last(3),
    "BINPUT": _Steps._put,
    "LONG_BINPUT": _Steps._put,
    "BINGET": _Steps._get,
    "LONG_BINGET": _Steps._get,
    "APPENDS": _Steps._drop_to_mark,
    "SETITEMS": _Steps._drop_to_mark,
    "BINPERSID": _Steps._storage,
    "REDUCE": _Steps._reduce,
    "NEWOBJ": _Steps._new,
    "BUILD": _Steps._build,
}
