"""A PostgreSQL server for tests, in a folder of its own, and one database for each test."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import pytest
from monitor_process import wait_for

SETTINGS = {  # a killed process loses nothing without fsync, only a power failure does
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "16MB",
    "max_connections": "30",
    "autovacuum": "off",
}


def programs():
    """Folder of the server's programs; None if it is not installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    there = shutil.which("initdb")
    return Path(there).parent if there else None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def alive(pid):
    """Tell whether a process is there, and not just waits to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class PostgresServer:
    """Runs until closed; it can be killed, stopped and started again."""

    def __init__(self, bin_folder):
        self._bin = bin_folder
        self.folder = Path(tempfile.mkdtemp(prefix="ecg-postgres-"))
        self._user = []
        if os.getuid() == 0:  # the server does not run as root
            entry = pwd.getpwnam("nobody")
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self._user = [
                "setpriv",
                f"--reuid={entry.pw_uid}",
                f"--regid={entry.pw_gid}",
                "--clear-groups",
                "--pdeathsig=QUIT",
            ]
        self.port = free_port()
        self._names = count()
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync")  # fmt: skip
        settings = {**SETTINGS, "port": self.port, "unix_socket_directories": self.folder}
        with (data / "postgresql.auto.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.start()

    def _run(self, program, *arguments):
        done = subprocess.run(
            [*self._user, str(self._bin / program), *map(str, arguments)],
            capture_output=True, text=True, check=False, timeout=120, cwd=self.folder,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self):
        """Start it; it ends with us, however we end."""
        ending = ["setpriv", "--pdeathsig", "QUIT"] if shutil.which("setpriv") else []
        with (self.folder / "log").open("ab") as log:
            self._popen = subprocess.Popen(
                [*(self._user or ending), str(self._bin / "postgres"), "-D", self.folder / "data"],
                stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        wait_for(self._answers, "the server")

    def _answers(self):
        import psycopg

        assert self._popen.poll() is None, (self.folder / "log").read_text()
        with contextlib.suppress(psycopg.Error):
            psycopg.connect(self.url("postgres")).close()
            return True
        return False

    def stop(self):
        self._popen.send_signal(signal.SIGQUIT)
        self._popen.wait()

    @property
    def pid(self):
        return self._popen.pid

    def kill(self):
        """Kill the server and every process of it, at once."""
        killed = self._signal(signal.SIGKILL)
        self._popen.wait()
        wait_for(lambda: not any(map(alive, killed)), "end of the server's processes")
        # where nobody reaps it, it would be taken for alive
        for lock in ("data/postmaster.pid", f".s.PGSQL.{self.port}.lock"):
            (self.folder / lock).unlink()

    @contextlib.contextmanager
    def frozen(self):
        """No process of the server does anything while this lasts."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number):
        parent = self.pid
        found = [parent]
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(path.parent.name))
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return found

    def url(self, name, port=None):
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{name}"

    def database(self, *options):
        """Make an empty database, and give its URL."""
        name = f"test{next(self._names)}"
        self.run(f"CREATE DATABASE {name} {' '.join(options)}")
        return self.url(name)

    def run(self, statement, name="postgres"):
        """Run a statement as the owner of everything; give the rows."""
        import psycopg

        with psycopg.connect(self.url(name), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def close(self):
        with contextlib.suppress(Exception):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def missing():
    """Why there can be no server here; empty if there can."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "needs the package psycopg: pip install 'ecg-monitor[postgres]'"
    if programs() is None:
        return "needs the PostgreSQL server (Debian: apt-get install postgresql)"
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        return "needs setpriv, to run the PostgreSQL server as another user than root"
    return ""


@pytest.fixture(scope="session")
def postgres():
    """A server; where it must be there, its absence is a failure."""
    if why := missing():
        if os.environ.get("ECG_MONITOR_REQUIRE_POSTGRES"):
            pytest.fail(f"ECG_MONITOR_REQUIRE_POSTGRES is set, but: {why}")
        pytest.skip(why)
    server = PostgresServer(programs())
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """Where a journal can be made: a file, and a database."""
    if request.param == "sqlite":
        return tmp_path / "j.db"
    return request.getfixturevalue("postgres").database()
