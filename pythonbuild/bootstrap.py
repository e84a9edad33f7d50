"""Start pythonbuild with a bare Python: create its virtual environment, then run the program in it.

The environment is in the cache folder.  It contains the packages of requirements.txt, where each file is pinned by hash, and all
checkouts with the same requirements share it.  This module uses the standard library only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn, Optional

from pythonbuild.errors import MissingPrerequisite, PythonBuildError
from pythonbuild.home import checkout, code, home
from pythonbuild.host import doctor
from pythonbuild.locks import lock
from pythonbuild.program import Program, started

__all__ = ["start", "virtual_environment"]

_RUN = (
    # The last entry of sys.path, because packages beside an installed pythonbuild must not hide those of the environment.
    "import sys; sys.path.append(sys.argv.pop(1)); from pythonbuild.cli.main import main; "
    "from pythonbuild.program import Program; sys.exit(main(sys.argv[2:], Program.read(sys.argv[1])))"
)


def start(arguments: list[str], program: str = "") -> int:
    """Replace this process by pythonbuild with `arguments`, the verb first.  Return an exit status after --help or an error.

    program: the name of the entry script, "" for the module or the installed command.
    """
    requirements = _requirements(arguments)
    typed = started(program)
    try:
        if _only_asks(arguments) or not (_environment(requirements) / "ready").exists():
            # Report a mistake before anything is installed.  --help needs no environment.
            from pythonbuild.cli.options import parse

            parse(typed, arguments or ["--help"])
        environment = virtual_environment(requirements)
    except PythonBuildError as problem:
        sys.stderr.write(f"{typed.name}: {problem.report()}\n")
        return problem.exit_status
    return _execute(environment, arguments, typed)


def _only_asks(arguments: list[str]) -> bool:
    """Return whether the command only prints help or the version."""
    return not arguments or bool({"-h", "--help", "--version"} & set(arguments))


def _requirements(arguments: list[str]) -> str:
    """Return the name of the lock file for a command.  Only commands that use a cluster get the packages for clusters."""
    verb, rest = "".join(arguments[:1]), arguments[1:]
    cluster = verb in ("scheduler", "worker") or (verb == "build-all" and any("://" in word for word in rest))
    return "requirements-cluster.txt" if cluster else "requirements.txt"


def virtual_environment(requirements: str) -> Path:
    """Return the virtual environment with the packages of a lock file, and create it if necessary.

    requirements: the lock file's name in the checkout.  Raises MissingPrerequisite if the environment cannot be created.
    """
    environment = _environment(requirements)
    if not (environment / "ready").exists():
        _make(environment, checkout() / requirements)
    return environment


def _environment(requirements: str) -> Path:
    """Return the folder of a lock file's environment, which may not exist.  Raises MissingPrerequisite if the user has no home."""
    identity = (checkout() / requirements).read_bytes() + sys.version.encode() + _python().encode()
    return home() / "venv" / hashlib.sha256(identity).hexdigest()[:16]


def _python() -> str:
    """Return the interpreter that creates the environment: the base interpreter if this one belongs to an environment."""
    return os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)


def _python_in(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _execute(environment: Path, arguments: list[str], program: Program) -> NoReturn:
    python = _python_in(environment)
    # -I: neither PYTHON* variables nor the working directory affect which modules are imported.
    cache = f"pycache_prefix={home() / 'pyc'}"
    command = [str(python), "-I", "-X", cache, "-c", _RUN, str(code().parent), program.written(), *arguments]
    if os.name == "nt":
        # On Windows, os.execv starts a second process and ends this one, so a caller that waits for this one would continue.
        sys.exit(subprocess.call(command))
    os.execv(python, command)


def _make(environment: Path, requirements: Path) -> None:
    wrong = doctor.findings(home(), home(), free_bytes=0)
    if wrong:
        raise MissingPrerequisite("this machine is not ready to build:\n" + "\n".join(f"- {line}" for line in wrong))
    environment.parent.mkdir(parents=True, exist_ok=True)
    # Another process may be creating the same environment.
    with open(environment.parent / f"{environment.name}.lock", "w") as making:
        lock(making)
        if (environment / "ready").exists():
            return
        sys.stderr.write("pythonbuild: creating its virtual environment (once)\n")
        for commands in _ways(environment, requirements):
            shutil.rmtree(environment, ignore_errors=True)
            problem = _run(commands)
            if problem is None:
                (environment / "ready").touch()
                return
        shutil.rmtree(environment, ignore_errors=True)
        assert problem is not None
        raise problem


def _ways(environment: Path, requirements: Path) -> list[list[list[str]]]:
    """Return the ways to create the environment, each a list of commands: with uv if it is installed, then with pip.

    uv is faster, but it ignores pip's settings, so it may lack the certificates or the index that this machine needs.
    """
    python = str(_python_in(environment))
    pip = [python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    ways = [
        [
            [_python(), "-m", "venv", str(environment)],
            [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(requirements)],
        ]
    ]
    uv = shutil.which("uv")
    if uv:
        install = [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", str(requirements)]
        ways.insert(0, [[uv, "venv", "--quiet", "--seed", "--python", _python(), str(environment)], install])
    return ways


def _run(commands: list[list[str]]) -> Optional[MissingPrerequisite]:
    """Run commands until one fails.  Return an error with that command and its output, or None if all succeed."""
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            return _explain(command, done.stdout)
    return None


def _explain(command: list[str], output: str) -> MissingPrerequisite:
    last_lines = "\n".join(f"    {line}" for line in output.strip().splitlines()[-12:])
    hint = "check the network, and pip's index settings if you use a mirror"
    if "ensurepip" in output:
        hint = "this Python cannot make virtual environments; on Debian: apt-get install python3-venv"
    failed = f"the virtual environment for pythonbuild could not be made. This command failed:\n    {' '.join(command)}\n{last_lines}"
    return MissingPrerequisite(failed, hint)
