"""The arguments of the central station that runs beside a service. Pure."""

from __future__ import annotations


def reachable(endpoint: str) -> str:
    """Give an endpoint by which this machine reaches a socket that is bound to all addresses.

    >>> reachable("tcp://0.0.0.0:5556"), reachable("tcp://[::]:5556"), reachable("tcp://10.0.0.1:1")
    ('tcp://127.0.0.1:5556', 'tcp://[::1]:5556', 'tcp://10.0.0.1:1')
    """
    for everywhere, here in (
        ("tcp://0.0.0.0:", "tcp://127.0.0.1:"),
        ("tcp://[::]:", "tcp://[::1]:"),
    ):
        if endpoint.startswith(everywhere):
            return here + endpoint.removeprefix(everywhere)
    return endpoint


def station_arguments(output: str, control: str, options: dict[str, str]) -> list[str]:
    """Give the arguments of ``ecg-monitor web`` for a service; options that are empty are left out.

    >>> station_arguments("tcp://0.0.0.0:1", "tcp://127.0.0.1:2", {"--web": "80", "--web-cert": ""})
    ['--connect', 'tcp://127.0.0.1:1', '--control', 'tcp://127.0.0.1:2', '--web', '80']
    """
    words = ["--connect", reachable(output), "--control", reachable(control)]
    for name, value in options.items():
        words += [name, value] if value else []
    return words
