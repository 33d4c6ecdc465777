"""The zeromq package of Node.js, for tests of programs in that language."""

import os
import shutil
import subprocess

import pytest

NODE_PACKAGE = "zeromq@6.8.0"


@pytest.fixture(scope="session")
def node_folder(pytestconfig):
    """A folder in which the zeromq package of Node.js is installed, kept between runs."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("needs node and npm")
    folder = pytestconfig.cache.mkdir("node-" + NODE_PACKAGE.replace("@", "-"))
    if not (folder / "node_modules" / "zeromq" / "package.json").exists():
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, NODE_PACKAGE]
        try:
            subprocess.run(install, capture_output=True, text=True, timeout=200, check=True)
        except subprocess.SubprocessError as error:  # failed, or the network is too slow
            reason = f"npm install {NODE_PACKAGE} failed: {error} {str(error.stderr)[-200:]}"
            if os.environ.get("ECG_MONITOR_REQUIRE_DATA"):
                pytest.fail(reason)
            pytest.skip(reason)
    return folder
