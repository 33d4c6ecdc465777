"""A TorchScript file from a stranger: what reaches beyond its tensors is refused, unrun.

Each attack is first shown to work on torch's own reader, where it does on the torch at hand:
the file it writes is there. Then the same bytes are refused, and the file is not there.
"""

import io
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from monitor.cli import main
from monitor.errors import MonitorError
from monitor.models.bundle import load_bundle
from monitor.models.model_file import FOLDER, read_model
from monitor.models.networks import CnnBiLstm

MANIFEST = 'name = "net"\nbefore_s = 0\nlength = 187\nflat_input = true\n'
CODE = "net/code/__torch__.py"
CALL = 'torch.save(signal, "STOLEN")'


class Thief(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(187, 5)

    def forward(self, signal: Tensor) -> Tensor:
        torch.save(signal, "STOLEN")
        return self.layer(signal)


Thief.__module__ = "__main__"  # for a short name of its code


@pytest.fixture(scope="module")
def thief() -> dict[str, bytes]:
    """The entries of a file that writes another."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(Thief()), buffer)
    with zipfile.ZipFile(buffer) as archive:
        entries = {"net/" + n.partition("/")[2]: archive.read(n) for n in archive.namelist()}
    assert CALL in entries[CODE].decode()
    return {name: part for name, part in entries.items() if not name.endswith(".debug_pkl")}


def written(path: Path, entries: list[tuple[str, bytes]]) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")  # of doubled names
        for name, part in entries:
            archive.writestr(name, part)
    path.with_suffix(".toml").write_text(MANIFEST)
    return path


def reaches(path: Path, stolen: Path) -> bool:
    """Whether torch itself lets the file write another."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.load(str(path))(torch.zeros(1, 187))
    there = stolen.exists()
    stolen.unlink(missing_ok=True)
    return there


def refused(path: Path, stolen: Path, *words: str) -> None:
    with pytest.raises(MonitorError) as caught:
        load_bundle(str(path))
    text = str(caught.value)
    assert "\n" not in text
    assert not stolen.exists()
    for word in words:
        assert word in text


FUNCTION = f"  def other(self: __torch__.Thief, signal: Tensor) -> NoneType:\n    {CALL}\n"
IN_CODE = {
    "plain": (CALL, CALL),
    "line continuation before the bracket": (CALL, CALL.replace("save(", "save\\\n(")),
    "comment before the bracket": (CALL, CALL.replace("torch.save(", "(torch.save # no\n    )(")),
    "function in brackets": (CALL, CALL.replace("torch.save(", "(torch.save)(")),
    "twice in brackets": (CALL, CALL.replace("torch.save(", "((torch).save)(")),
    "spaces": (CALL, CALL.replace("torch.save(", "torch . save (")),
    "form feed": (CALL, CALL.replace("torch.save(", "torch.\x0csave(")),
    "by another name space": (CALL, CALL.replace("torch.", "ops.aten.")),
    "by another name": (CALL, CALL.replace("torch.save(", "write = torch.save\n    write(")),
    "by the name of a built-in": (CALL, CALL.replace("torch.save(", "str = torch.save\n    str(")),
    "in another method": (CALL, f"_1 = (self).other(signal, )\n#{CALL}"),
    "as a default value": (
        f"signal: Tensor) -> Tensor:\n    {CALL}",
        "signal: Tensor, _0: Optional[Tensor]=DEFAULT) -> Tensor:".replace(
            "DEFAULT", 'torch.from_file("STOLEN", True, 4, dtype=6)'
        ),
    ),
    "in a hook": (
        "  __buffers__ = []\n",
        '  __buffers__ = []\n  __forward_pre_hooks__ = ["hook", ]\n',
    ),
}
LAST = {
    "in another method": FUNCTION + "    return None\n",
    "in a hook": FUNCTION.replace("other", "hook").replace(
        "signal: Tensor", "signal: Tuple[Tensor]"
    )
    + "    return None\n",
}


@pytest.mark.parametrize("attack", IN_CODE)
def test_code_that_writes_a_file_is_refused_and_never_run(
    attack, thief, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    stolen = tmp_path / "STOLEN"
    code = thief[CODE].decode()
    old, new = IN_CODE[attack]
    assert old in code
    code = code.replace(old, new)
    if attack == "in a hook":
        code = code.replace(CALL, "pass", 1)
    code += LAST.get(attack, "")
    path = written(tmp_path / "net.pt", list((thief | {CODE: code.encode()}).items()))
    assert reaches(path, stolen)
    refused(path, stolen, "refused")
    assert main(["models", str(path)]) == 0  # says what it is, and runs nothing
    assert "TorchScript" in capsys.readouterr().out
    assert not stolen.exists()


@pytest.mark.parametrize(
    ("attack", "word"),
    [
        ("Code", "no part of a TorchScript file"),
        ("PY", "no part of a TorchScript file"),
        ("doubled", "twice"),
        ("doubled in another case", "twice"),
        ("another folder", "no part of a TorchScript file"),
        ("no folder", "no part of a TorchScript file"),
        ("parent", "no part of a TorchScript file"),
    ],
)
def test_an_archive_that_two_readers_may_read_differently_is_refused(
    attack, word, thief, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    evil = thief[CODE]
    clean = evil.replace(CALL.encode(), b"pass")
    rest = [item for item in thief.items() if item[0] != CODE]
    entries, works = {
        "Code": ([*rest, (CODE.replace("/code/", "/Code/"), evil)], True),
        "PY": ([*rest, (CODE.replace(".py", ".PY"), evil)], True),
        "doubled": ([(CODE, clean), *rest, (CODE, evil)], False),
        "doubled in another case": (
            [*rest, (CODE, clean), (CODE.replace("torch", "TORCH"), evil)],
            False,
        ),
        "another folder": ([*thief.items(), ("other/code/__torch__.py", clean)], True),
        "no folder": ([*thief.items(), ("code", clean)], True),
        "parent": ([*thief.items(), ("net/../x.py", clean)], True),
    }[attack]
    path = written(tmp_path / "net.pt", entries)
    if works:
        assert reaches(path, tmp_path / "STOLEN")
    refused(path, tmp_path / "STOLEN", word)


METHOD = "  def f(self: __torch__.Thief, x: int) -> int:\n    {}\n    return x\n"
SHAPES = {
    "a method that runs at reading": METHOD.replace(" f(", " __setstate__(").format("pass"),
    "a function with a default that is worked out": METHOD.replace(
        "x: int", "x: int=torch.add(1, 2)"
    ).format("pass"),
    "another kind of class": "class Pair(Enum):\n  x : int = 3\n",
    "a pair with a default": "class P(NamedTuple):\n  x : int = torch.add(1, 2)\n",
    "an import": "import os\n",
    "a lambda": METHOD.format("y = lambda x: x"),
    "a value of a class": "  x : Final[int] = torch.add(1, 2)\n",
    "a task": METHOD.format("y = torch.fork(x)"),
    "printing": METHOD.format("print(x)"),
    "a class of torch": METHOD.format("y = __torch__.torch.classes.profiling.SourceRef(x)"),
    "no TorchScript": "  def f(\n",
}


@pytest.mark.parametrize("what", SHAPES)
def test_code_beside_that_of_a_network_is_refused(what, thief, tmp_path):
    code = thief[CODE].decode().replace(CALL, "pass") + SHAPES[what]
    path = written(tmp_path / "net.pt", list((thief | {CODE: code.encode()}).items()))
    refused(path, tmp_path / "STOLEN", what if what == "no TorchScript" else "refused")


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("signal.set_()", "set_"),
        ("signal + torch.rand_like(signal)", "rand_like"),
        ("torch.as_strided(signal, [1], [1], 4000)", "as_strided"),
        ("torch.empty([187])", "empty"),
    ],
)
def test_operators_that_are_not_on_the_list_are_refused(expression, word, thief, tmp_path):
    code = thief[CODE].decode().replace(CALL, f"_9 = {expression}")
    path = written(tmp_path / "net.pt", list((thief | {CODE: code.encode()}).items()))
    refused(path, tmp_path / "STOLEN", word, "refused")


def test_the_graph_that_torch_made_is_held_to_the_list_too(thief, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "net.pt", list(thief.items()))
    monkeypatch.setattr("monitor.models.script.rewritten", lambda entries, path: entries)
    refused(path, tmp_path / "STOLEN", "aten::save", "refused")


@pytest.mark.parametrize("cut", [4, 400, 10**6])
def test_a_tensor_whose_data_are_short_is_refused(cut, thief, tmp_path):
    (name, *_) = [n for n in thief if n.startswith("net/data/") and len(thief[n]) > 1000]
    clean = thief | {CODE: thief[CODE].replace(CALL.encode(), b"pass")}
    load_bundle(str(written(tmp_path / "net.pt", list(clean.items()))))
    short = clean | {name: clean[name][:-cut]}
    refused(written(tmp_path / "net.pt", list(short.items())), tmp_path / "STOLEN", "refused")


def test_a_tensor_that_reaches_beyond_its_data_is_refused(thief, tmp_path):
    clean = thief | {CODE: thief[CODE].replace(CALL.encode(), b"pass")}
    objects = clean["net/data.pkl"]
    row = b"\x4b\xbb"  # 187, of (5, 187)
    assert row in objects
    for other in (b"\x4b\xbc", b"\x4b\xff"):
        wide = clean | {"net/data.pkl": objects.replace(row, other)}
        refused(written(tmp_path / "net.pt", list(wide.items())), tmp_path / "STOLEN", "beyond")


@pytest.mark.parametrize(
    "word", [b"cposix\nsystem\n", b"cbuiltins\neval\n", b"c__torch__.torch.classes.x\nY\n"]
)
def test_objects_that_no_network_consists_of_are_refused(word, thief, tmp_path):
    clean = thief | {CODE: thief[CODE].replace(CALL.encode(), b"pass")}
    name = b"c__torch__\nThief\n"
    assert name in clean["net/data.pkl"]
    bad = clean | {"net/data.pkl": clean["net/data.pkl"].replace(name, word)}
    refused(written(tmp_path / "net.pt", list(bad.items())), tmp_path / "STOLEN", "refused")


class Usual(nn.Module):
    """Layers that a user's network may have, not frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(1, 8, 5, padding=2), nn.BatchNorm1d(8), nn.GELU(), nn.MaxPool1d(2),
            nn.Conv1d(8, 8, 3, padding="same"), nn.InstanceNorm1d(8), nn.LeakyReLU(),
            nn.AdaptiveAvgPool1d(16), nn.Dropout(0.5),
        )  # fmt: skip
        self.gru = nn.GRU(8, 8, batch_first=True)
        self.norm = nn.LayerNorm(8)
        self.last = nn.Linear(16 * 8, 5)

    def forward(self, signal: Tensor) -> Tensor:
        x = self.layers(signal.unsqueeze(1))
        steps, _ = self.gru(x.transpose(1, 2))
        scale = 0.0
        for k in range(2):
            scale += float(k)
        return self.last(self.norm(steps).flatten(1)) * scale


class Frozen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = CnnBiLstm(1, 0)

    def forward(self, signal: Tensor) -> Tensor:
        return self.net(signal[:, None], torch.zeros(signal.shape[0], 0))


@pytest.mark.parametrize("net", [Usual, Frozen])
@pytest.mark.parametrize("frozen", [False, True])
def test_usual_networks_pass_and_give_what_they_gave(net, frozen, tmp_path):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.script(net().eval())
        script = torch.jit.freeze(script) if frozen else script
        torch.jit.save(script, tmp_path / "net.pt")
    (tmp_path / "net.toml").write_text(MANIFEST)
    bundle = load_bundle(str(tmp_path / "net.pt"))
    signal = torch.randn(4, 187)
    with torch.inference_mode():
        wanted = torch.softmax(script(signal), 1)
    assert bundle.form == "TorchScript"
    assert torch.equal(bundle.probabilities(signal[:, None], torch.zeros(4, 0)), wanted)


@pytest.mark.parametrize("name", ["aami", "cnn", "kaggle5", "lstm", "normal-abnormal"])
def test_shipped_files_pass_as_if_a_stranger_had_sent_them(name, tmp_path):
    (tmp_path / "sent.pt").write_bytes((FOLDER / f"{name}.pt").read_bytes())
    sent, shipped = load_bundle(str(tmp_path / "sent.pt")), load_bundle(name)
    assert not read_model(str(tmp_path / "sent.pt")).shipped
    assert sent.form == shipped.form == "TorchScript"
    m = shipped.manifest
    signal, features = torch.randn(4, m.signal_rows, m.length), torch.randn(4, m.feature_count)
    assert torch.equal(
        sent.probabilities(signal, features), shipped.probabilities(signal, features)
    )
