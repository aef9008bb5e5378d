"""What a cluster on this machine needs besides Ray: a token, a folder and an end.

Ray's processes end with the one that started them, but for its agents, if that is
killed; and its folder of logs and sockets would stay. So a process of our own waits for
the end, and tidies up.
"""

import os
import secrets
import subprocess
import sys
import tempfile
from typing import Any, Final

#: Environment variable by which the processes of a cluster are known.
VARIABLE: Final = "LIGHTSTYLE_CLUSTER"

#: Longest path of a temporary folder below which the sockets of Ray can have names.
_LONGEST: Final = 32

#: Waits until its standard input is closed; then ends all processes that have a folder
#: in their environment, and removes it.
_GUARD: Final = f"""
import os, psutil, shutil, sys, time
sys.stdin.read()
folder = sys.argv[1]
def ours(process):
    try:
        return process.environ().get("{VARIABLE}") == folder
    except (psutil.Error, OSError):
        return False
end = time.monotonic() + 30
while time.monotonic() < end:
    left = [each for each in psutil.process_iter() if ours(each)]
    for each in left:
        try:
            each.kill()
        except psutil.Error:
            pass
    shutil.rmtree(folder, ignore_errors=True)
    if not left and not os.path.exists(folder):
        break
    time.sleep(0.1)
"""


class LocalCluster:
    """The surroundings of a local cluster, which end with this process.

    Attributes:
        options: What `ray.init` is told.
    """

    def __init__(self) -> None:
        """Make the folder, and start what removes it."""
        place = tempfile.gettempdir()
        short = "/tmp" if len(place) > _LONGEST and os.name != "nt" else None
        folder = tempfile.mkdtemp(prefix="lightstyle-", dir=short)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-c", _GUARD, folder],
            stdin=subprocess.PIPE,
            start_new_session=True,  # no Ctrl-C reaches it
        )
        os.environ[VARIABLE] = folder
        # Ray would keep a token at home, so that nobody else can give the cluster work.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        self.options: dict[str, Any] = {
            "include_dashboard": False,
            "_temp_dir": folder,
            # By default Ray is nicer to other programs than this one is.
            "_system_config": {"worker_niceness": 0},
        }

    def end(self) -> None:
        """End what is left of the cluster, and remove its folder."""
        del os.environ[VARIABLE]
        self._guard.communicate()
