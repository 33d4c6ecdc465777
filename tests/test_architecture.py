"""The import rules: what decides is pure, and every heavy package has its room."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# package -> places (path prefixes) that may import it
ROOMS = {
    "torch": ("monitor/models/", "monitor/stages/classify.py", "tools/"),
    "safetensors": ("monitor/models/",),
    "neurokit2": ("monitor/stages/detect/", "monitor/report/", "tools/"),
    "zmq": ("monitor/wire/", "tools/"),
    "wfdb": ("monitor/sources/", "monitor/score/", "tools/", "monitor/models/"),
    "rich": ("monitor/dashboard/", "monitor/commands/", "monitor/score/", "tools/"),
    "edfio": ("monitor/sources/",),
    "soundfile": ("monitor/sources/",),
    "pylsl": ("monitor/sources/",),
    "brainflow": ("monitor/sources/",),
    "prometheus_client": ("monitor/metrics/",),
    "starlette": ("monitor/web/",),
    "uvicorn": ("monitor/web/",),
    "sqlite3": ("monitor/journal/sqlite/",),
    "psycopg": ("monitor/journal/postgres/",),
    "pandas": (),
    "reportlab": ("monitor/pictures/", "monitor/report/"),
    "PIL": ("monitor/pictures/",),
    "matplotlib": ("tools/",),
    "fsspec": ("monitor/archive/",),
    "ray": ("monitor/archive/", "monitor/workers/cluster.py", "tools/"),
}
# what a pure module must not touch: sockets, files, clocks, threads, terminals
IMPURE = {
    "asyncio", "logging", "multiprocessing", "os", "pathlib", "random", "select", "shutil",
    "signal", "socket", "subprocess", "sys", "tempfile", "threading", "time", "zmq", "rich",
    "wfdb", "datetime", "psycopg", "sqlite3",
}  # fmt: skip
# every module of monitor/ is pure but these shells: files, and folders with a slash at the end
SHELLS = (
    "monitor/analysis.py",
    "monitor/annotate.py",
    "monitor/archive/",
    "monitor/cli.py",
    "monitor/commands/",
    "monitor/config.py",
    "monitor/dashboard/app.py",
    "monitor/dashboard/canvas.py",
    "monitor/dashboard/dashboard.py",
    "monitor/dashboard/terminal.py",
    "monitor/doctor/",
    "monitor/feeds/local.py",
    "monitor/feeds/pace.py",
    "monitor/feeds/remote.py",
    "monitor/feeds/run.py",
    "monitor/journal/journal.py",
    "monitor/journal/opening.py",
    "monitor/journal/place.py",
    "monitor/journal/postgres/",
    "monitor/journal/sqlite/",
    "monitor/journal/writer.py",
    "monitor/models/",
    "monitor/metrics/figures.py",
    "monitor/metrics/http.py",
    "monitor/pictures/alert_strips.py",
    "monitor/recording/export.py",
    "monitor/recording/files.py",
    "monitor/recording/header.py",
    "monitor/recording/recent.py",
    "monitor/recording/recorder.py",
    "monitor/recording/recover.py",
    "monitor/recording/retention.py",
    "monitor/recording/segment.py",
    "monitor/recording/stream.py",
    "monitor/recording/thread.py",
    "monitor/report/edits.py",
    "monitor/report/page.py",
    "monitor/report/recorded.py",
    "monitor/report/write.py",
    "monitor/score/record.py",
    "monitor/score/records.py",
    "monitor/service/process.py",
    "monitor/service/loop.py",
    "monitor/sinks/wfdb_annotations.py",
    "monitor/sources/brainflow_board.py",
    "monitor/sources/edf/",
    "monitor/sources/live.py",
    "monitor/sources/lsl_stream.py",
    "monitor/sources/named.py",
    "monitor/sources/records.py",
    "monitor/sources/simulator/scenario_file.py",
    "monitor/sources/simulator/source.py",
    "monitor/sources/simulator/wfdb_writer.py",
    "monitor/sources/text/source.py",
    "monitor/sources/text/times.py",
    "monitor/sources/wfdb/",
    "monitor/stopping.py",
    "monitor/text_file.py",
    "monitor/web/access.py",
    "monitor/web/child.py",
    "monitor/web/link.py",
    "monitor/web/live.py",
    "monitor/web/server.py",
    "monitor/web/station.py",
    "monitor/web/tokens.py",
    "monitor/wfdb_header.py",
    "monitor/wire/access.py",
    "monitor/wire/backlog.py",
    "monitor/wire/connections.py",
    "monitor/wire/endpoints.py",
    "monitor/wire/follow.py",
    "monitor/wire/keys.py",
    "monitor/wire/link.py",
    "monitor/wire/publisher.py",
    "monitor/wire/sockets.py",
    "monitor/wire/subscriber.py",
    "monitor/workers/__main__.py",
    "monitor/workers/cluster.py",
    "monitor/workers/crew.py",
    "monitor/workers/desk.py",
    "monitor/workers/front.py",
    "monitor/workers/start.py",
    "monitor/workers/worker.py",
)
# a layer may import from the layers named here, and from itself
LAYERS = {
    "monitor/archive/": {
        *("archive", "annotate", "summary", "sources", "models", "wfdb_header", "config", "errors"),
    },
    "monitor/models/": {"models", "messages", "errors"},
    "monitor/stages/": {"stages", "models", "ring", "messages", "config", "errors"},
    "monitor/sources/": {
        *("sources", "wfdb_header", "messages", "config", "strict_toml", "text_file", "errors"),
    },
    "monitor/sinks/": {"sinks", "messages", "config", "errors", "feeds"},
    "monitor/pictures/": {"pictures", "sinks", "messages", "errors"},
    "monitor/report/": {
        *("report", "pictures", "analysis", "score", "recording", "journal", "sinks", "sources"),
        *("wire", "messages", "config", "errors"),
    },
    "monitor/wire/": {
        *("wire", "log_lines", "messages", "config", "strict_toml", "text_file", "errors"),
    },
    "monitor/recording/": {
        *("recording", "sinks", "wire", "ring", "log_lines", "messages", "config", "errors"),
    },
    "monitor/metrics/": {
        *("metrics", "wire", "messages", "errors", "__version__", "http_address"),
    },
    "monitor/web/": {
        *("web", "dashboard", "ring", "wire", "messages", "errors", "http_address"),
        *("strict_toml", "text_file", "log_lines"),
    },
    "monitor/journal/": {"journal", "wire", "messages", "config", "errors"},
    "monitor/score/": {"score", "wfdb_header", "errors", "messages"},
    "monitor/dashboard/": {"dashboard", "ring", "messages", "errors", "feeds"},
    "monitor/feeds/": {
        *("feeds", "dashboard", "sinks", "wire", "sources", "pipeline", "messages", "config"),
        *("recording", "errors"),
    },
}


def modules():
    for folder in ("monitor", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path


def imports_of(path):
    """(module, at top level and outside TYPE_CHECKING) of every import in a file."""
    found = []

    def walk(node, top):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import):
                found.extend((alias.name, top) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.level == 0:
                found.append((child.module, top))
            inner = top and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            walk(child, inner)

    walk(ast.parse(path.read_text(encoding="utf-8")), True)
    return found


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=[name for name, _ in modules()])
def test_import_rules(name, path):
    for module, top in imports_of(path):
        package = module.split(".")[0]
        if package in ROOMS:
            rooms = ", ".join(ROOMS[package]) or "nobody"
            assert name.startswith(ROOMS[package] or ("-",)), (
                f"{name} must not import {package}: only {rooms} may"
            )
        if name.startswith("monitor/commands/") and top:
            assert package not in {"torch", "scipy", "wfdb", "neurokit2", "rich", "numpy", "zmq"}, (
                f"{name} imports {package} at its top: help would be slow"
            )
        if name.startswith("monitor/") and not name.startswith(SHELLS):
            assert package not in IMPURE, (
                f"{name} is to be pure, but imports {package}; if it is made for files, devices, "
                "sockets or clocks, add it to SHELLS in this file"
            )
        for prefix, allowed in LAYERS.items():
            if name.startswith(prefix) and package == "monitor" and "." in module:
                layer = module.split(".")[1]
                assert layer in allowed, (
                    f"{name} must not import monitor.{layer}: {prefix} knows only "
                    f"{', '.join(sorted(allowed))}"
                )
        assert not (package in {"tools", "tests"} and not name.startswith("tools/")), (
            f"{name} imports {package}, which is not installed"
        )
        assert package not in {"pickle", "dill", "joblib"}, f"{name} imports {package}"


def test_a_shell_is_needed_for_something():
    files = dict(modules())
    for shell in SHELLS:
        inside = [path for name, path in files.items() if name.startswith(shell)]
        packages = {module.split(".")[0] for path in inside for module, _ in imports_of(path)}
        assert packages & IMPURE, f"{shell} is pure: take it off the list"


@pytest.mark.slow
def test_no_import_circle():
    names = {name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path
             for name, path in modules()}  # fmt: skip
    uses = {
        name: {
            target
            for module, _ in imports_of(path)
            for target in [next((m for m in (module, module.rpartition(".")[0]) if m in names), "")]
            if target not in ("", name) and not name.startswith(target + ".")
        }
        for name, path in names.items()
    }
    done: set[str] = set()

    def visit(name, way):
        assert name not in way, "imports go in a circle: " + " -> ".join((*way, name))
        if name not in done:
            for other in sorted(uses[name]):
                visit(other, (*way, name))
            done.add(name)

    for name in names:
        visit(name, ())


def test_the_rules_see_through_functions(tmp_path):
    sample = tmp_path / "sample.py"
    sample.write_text("import torch\ndef f():\n    import wfdb\n", encoding="utf-8")
    assert imports_of(sample) == [("torch", True), ("wfdb", False)]


HEAVY = ("torch", "scipy", "wfdb", "neurokit2", "rich", "pandas", "zmq", "numpy")


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["replay", "--help"]])
def test_help_loads_nothing_heavy(argv):
    code = (
        "import sys\nfrom monitor.cli import main\n"
        f"try: main({argv!r})\nexcept SystemExit as stop: assert stop.code == 0\n"
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=600
    )
    assert done.returncode == 0, done.stderr


def test_every_command_has_an_example_in_its_help(capsys):
    from monitor.cli import COMMANDS, main

    for command in COMMANDS:
        with pytest.raises(SystemExit) as stop:
            main([command, "--help"])
        assert stop.value.code == 0
        example = capsys.readouterr().out.partition("example:\n")[2]
        assert example.startswith("  ecg-monitor " + command)
        assert "\n\n" not in example  # nothing comes after it
