"""The built wheel, installed into an environment of its own, works from any folder."""

import json
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from monitor import __version__

ROOT = Path(__file__).resolve().parent.parent
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "monitor", "tools", "tests", "models")
GENERATED = shutil.ignore_patterns("__pycache__", "node_modules", "build", "*.egg-info")
TIMEOUT_S = 600

pytestmark = pytest.mark.slow


def run(*command, cwd):
    # no PYTHONPATH, which would show this checkout
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "HOME": str(cwd)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without network from a copy: a build leaves files in its folder."""
    source = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=GENERATED)
        else:
            shutil.copy(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("wheel")
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    run(sys.executable, "-I", "-m", "pip", "wheel", *offline, "-w", out, source, cwd=source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The scripts folder of an environment with the wheel, which sees our dependencies."""
    place = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-I", "-m", "venv", "--without-pip", place, cwd=place.parent)
    python = place / "bin" / "python"
    (packages,) = place.glob("lib/python*/site-packages")
    # a folder named in a .pth file comes after the environment's own, and its own .pth files,
    # such as that of an editable install, are not read
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-I", "-m", "pip", "--python", python, "--quiet")
    options = ("--no-deps", "--no-index", "--ignore-installed", "--no-warn-script-location")
    run(*pip, "install", *options, wheel, cwd=place)
    return python.parent


@pytest.fixture
def users_folder(tmp_path):
    """A folder that is empty but for a module with a name that a user may well choose."""
    (tmp_path / "models.py").write_text("raise ImportError('this is the module of the user')\n")
    return tmp_path


def test_the_wheel_installs_one_package_with_its_data(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "monitor",
        f"ecg_monitor-{__version__}.dist-info",
    }
    data = {
        path.relative_to(ROOT).as_posix()
        for pattern in (
            "py.typed",
            "models/*.pt",
            "report/web/*",
            "stages/detect/*.npz",
            "web/static/*",
            "wire/schemas/*.json",
        )
        for path in (ROOT / "monitor").glob(pattern)
    }
    assert len(data) > 15
    assert data <= set(names)
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "monitor").rglob("*.py")}
    assert modules <= set(names)


@pytest.mark.parametrize("as_module", [False, True], ids=["script", "python -m"])
def test_the_installed_command_ignores_the_users_modules(installed, users_folder, as_module):
    command = (installed / "python", "-m", "monitor") if as_module else (installed / "ecg-monitor",)
    where = run(
        *(installed / "python", "-c", "import monitor; print(monitor.__file__)"), cwd=users_folder
    )
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert run(*command, "--version", cwd=users_folder) == f"ecg-monitor {__version__}\n"
    assert "aami (default)" in run(*command, "models", cwd=users_folder)


def test_the_installed_command_analyses_a_record(installed, users_folder):
    command = installed / "ecg-monitor"
    run(command, "demo", "--scenario", "bigeminy", "--save", "patient", cwd=users_folder)
    run(command, "annotate", "patient", "--out", ".", cwd=users_folder)
    summary = json.loads((users_folder / "patient.summary.json").read_text())
    assert summary["beats"]["V"] > 20
    assert summary["model"] == "aami"
