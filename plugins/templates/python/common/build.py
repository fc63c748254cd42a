"""Builds build/{{name}}.wasm, the component without its manifest.

`palisade plugin build` runs this and packs plugin.toml into build/{{name}}.plugin.wasm.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
BUILD = PROJECT / "build"

#: The packages of the contract, each in a folder of its own below `wit`.
PACKAGES = ("types", "host", "plugin", "worlds")


def tool() -> str:
    """Finds componentize-py: in .venv, beside this Python, or on the path."""
    folders = [PROJECT / ".venv" / "bin", PROJECT / ".venv" / "Scripts", Path(sys.executable).parent]
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    found = shutil.which("componentize-py", path=path)
    if found is None:
        sys.exit("componentize-py is not installed; run: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt")
    return found


def stage_wit() -> Path:
    """Puts the WIT together as the tools want it: the project's own world, and the packages below `deps`."""
    staged = BUILD / "wit"
    shutil.rmtree(staged, ignore_errors=True)
    for package in PACKAGES:
        shutil.copytree(PROJECT / "wit" / package, staged / "deps" / package)
    shutil.copy(PROJECT / "world.wit", staged / "world.wit")
    return staged


def run(*arguments: str | Path) -> None:
    """Runs componentize-py for the project's world."""
    subprocess.run([tool(), "--quiet", "--wit-path", stage_wit(), "--world", "plugin", *arguments], check=True)


def bindings() -> Path:
    """Writes the Python modules of the contract, for editors and for the tests."""
    folder = BUILD / "bindings"
    shutil.rmtree(folder, ignore_errors=True)
    run("bindings", folder)
    return folder


def component() -> Path:
    """Builds the component.

    The platform links no WASI interface, so none may be imported: what would call one is replaced by a trap.
    """
    output = BUILD / "{{name}}.wasm"
    run("componentize", "--stub-wasi", "--python-path", PROJECT / "src", "--output", output, "plugin")
    return output


if __name__ == "__main__":
    try:
        bindings()
        built = component()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    print(f"{built}: {built.stat().st_size} bytes")
