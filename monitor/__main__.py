"""``python -m monitor`` is ``ecg-monitor``."""

from monitor.cli import entry

if __name__ == "__main__":
    entry()
