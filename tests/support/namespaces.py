"""Machines with Ray, each in network and mount namespaces of its own.

They share no folder but the installed packages: what one writes, no other one sees.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import psutil

#: Environment variable by which the processes of a node are known.
_VARIABLE = "LIGHTSTYLE_TEST_NODE"


def problem() -> str:
    """Why there can be no namespaces here; empty if there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    name = f"ls{secrets.token_hex(3)}"
    try:
        _call("ip", "netns", "add", name)
        _call("ip", "netns", "delete", name)
        _call("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt")
    except (OSError, subprocess.CalledProcessError) as error:
        return f"needs network and mount namespaces: {error}"
    return ""


class Machines:
    """Two machines with a cable between them.

    Attributes:
        addresses: Their addresses.
    """

    addresses = ("10.77.0.1", "10.77.0.2")

    def __init__(self, temp: Path, hidden: Sequence[Path]) -> None:
        """Plug them together.

        Args:
            temp: Folder for Ray with a short name; each machine sees its own.
            hidden: Folders that they do not see.
        """
        self._temp, self._hidden = temp, [*hidden, temp]
        self._names = [f"ls{secrets.token_hex(3)}" for _ in self.addresses]
        self._marks = [secrets.token_hex(8) for _ in self.addresses]
        self._token = secrets.token_hex(32)
        first, second = self._names
        for name in self._names:
            _call("ip", "netns", "add", name)
        _call(
            *("ip", "link", "add", "cable", "netns", first, "type", "veth"),
            *("peer", "name", "cable", "netns", second),
        )
        for name, address in zip(self._names, self.addresses, strict=True):
            _call("ip", "-n", name, "address", "add", f"{address}/24", "dev", "cable")
            _call("ip", "-n", name, "link", "set", "cable", "up")
            _call("ip", "-n", name, "link", "set", "lo", "up")

    @property
    def environment(self) -> dict[str, str]:
        """Environment of everything that takes part in the cluster."""
        return {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self._token,
            "RAY_USAGE_STATS_ENABLED": "0",
        }

    def limit(self, rate: str) -> None:
        """Let the cable carry no more than a rate each way, such as ``100mbit``."""
        for name in self._names:
            words = ["tc", "-n", name, "qdisc", "replace", "dev", "cable", "root"]
            _call(*words, "tbf", "rate", rate, "burst", "256kb", "latency", "400ms")

    def start(self, number: int, *, apart: bool = True, cpus: int = 1) -> None:
        """Start Ray on a machine, the first of which is the head.

        Args:
            number: Which machine.
            apart: Whether it does not see the hidden folders.
            cpus: CPUs that it gives away.
        """
        head = f"{self.addresses[0]}:6379"
        role = ["--head", "--port", "6379", "--include-dashboard", "false"]
        role += ["--ray-client-server-port", "10001", "--temp-dir", str(self._temp)]
        words = [
            sys.executable,
            "-m",
            "ray.scripts.scripts",
            "start",
            "--num-cpus",
            str(cpus),
        ]
        words += ["--node-ip-address", self.addresses[number], "--disable-usage-stats"]
        words += ["--object-store-memory", "100000000"]
        words += ["--address", head] if number else role
        # Where nothing is hidden, Ray's folder is the one of whoever commands.
        mounts = [f"mount -t tmpfs none '{path}'" for path in self._hidden if apart]
        script = " && ".join([*mounts, 'exec "$@"'])
        subprocess.run(
            [
                *("ip", "netns", "exec", self._names[number]),
                *("unshare", "--mount", "sh", "-c", script, "sh", *words),
            ],
            env={
                **self.environment,
                _VARIABLE: self._marks[number],
                "LIGHTSTYLE_CACHE": str(self._temp / f"cache-{number}"),
            },
            cwd="/",
            check=True,
            stdout=DEVNULL,
            stderr=DEVNULL,
            timeout=120,
        )

    def command(self, *words: object) -> Popen[str]:
        """Start a command on the first machine, which sees all folders."""
        inside = ["ip", "netns", "exec", self._names[0]]
        return Popen(
            [*inside, *map(str, words)],
            text=True,
            env={**self.environment, "RAY_ADDRESS": f"{self.addresses[0]}:6379"},
            stdout=PIPE,
            stderr=PIPE,
        )

    def processes(self, number: int) -> list[psutil.Process]:
        """Processes of Ray on a machine."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(_VARIABLE) == self._marks[number]:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def kill(self, number: int) -> None:
        """End everything on a machine, as a lack of power does."""
        while left := self.processes(number):
            for process in left:
                process.kill()
            psutil.wait_procs(left, 5)

    def close(self) -> None:
        """Kill both, and remove them."""
        for number, name in enumerate(self._names):
            self.kill(number)
            _call("ip", "netns", "delete", name)


@contextmanager
def machines(temp: Path, hidden: Sequence[Path]) -> Iterator[Machines]:
    """Two machines for a while."""
    both = Machines(temp, hidden)
    try:
        yield both
    finally:
        both.close()


def _call(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
