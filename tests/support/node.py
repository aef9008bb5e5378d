"""Modules of the page's engine, run in Node."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

ENGINE: Final = Path(__file__).parents[2] / "lightstyle" / "page" / "engine"
NODE: Final = shutil.which("node")

needs_node = pytest.mark.skipif(NODE is None, reason="needs Node")


def answer(body: str, given: Any = None, *, modules: tuple[str, ...] = ()) -> Any:
    """What a function of JavaScript returns, by way of JSON.

    Args:
        body: Its body, with ``given`` and the names that `modules` export.
        given: A value.
        modules: Modules of the engine, by their names without suffix; what they export
            is in an object of that name.
    """
    assert NODE is not None
    imports = "".join(
        f"import * as {name} from '{(ENGINE / f'{name}.js').as_uri()}';\n"
        for name in modules
    )
    script = (
        f"{imports}import {{ readFileSync }} from 'node:fs';\n"
        "const given = JSON.parse(readFileSync(0, 'utf8'));\n"
        f"const made = await (async () => {{ {body} }})();\n"
        "process.stdout.write(JSON.stringify(made));"
    )
    done = subprocess.run(
        [NODE, "--no-warnings", "--input-type=module", "-e", script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
