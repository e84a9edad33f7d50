"""From a bare Python to a running pythonbuild: make the virtual environment, then run the program in it.

The environment is made from requirements.txt (every file pinned by hash), is shared by all checkouts with the same
requirements, and lies in the cache folder.  Standard library only.
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
    # Last, so that the environment's packages win over others beside an installed pythonbuild.
    "import sys; sys.path.append(sys.argv.pop(1)); from pythonbuild.cli.main import main; "
    "from pythonbuild.program import Program; sys.exit(main(sys.argv[2:], Program.read(sys.argv[1])))"
)


def start(arguments: list[str], program: str = "") -> int:
    """Run pythonbuild with `arguments` (verb first); replaces this process, so it returns only for --help or an error.

    program: the name of the entry script, if one was started.
    """
    requirements = _requirements(arguments)
    typed = started(program)
    try:
        if _only_asks(arguments) or not (_environment(requirements) / "ready").exists():
            # A mistake is reported before anything is installed; --help needs nothing.
            from pythonbuild.cli.options import parse

            parse(typed, arguments or ["--help"])
        environment = virtual_environment(requirements)
    except PythonBuildError as problem:
        sys.stderr.write(f"{typed.name}: {problem.report()}\n")
        return problem.exit_status
    return _execute(environment, arguments, typed)


def _only_asks(arguments: list[str]) -> bool:
    """Does the command only print help or the version?"""
    return not arguments or bool({"-h", "--help", "--version"} & set(arguments))


def _requirements(arguments: list[str]) -> str:
    """Return the lock file of what a command needs: what is for clusters only, only where one is asked for."""
    verb, rest = "".join(arguments[:1]), arguments[1:]
    cluster = verb in ("scheduler", "worker") or (verb == "build-all" and any("://" in word for word in rest))
    return "requirements-cluster.txt" if cluster else "requirements.txt"


def virtual_environment(requirements: str) -> Path:
    """Return the virtual environment with what the lock file of that name (in the checkout) lists, made if it is not there.

    Raises MissingPrerequisite with the reason if it cannot be made.
    """
    environment = _environment(requirements)
    if not (environment / "ready").exists():
        _make(environment, checkout() / requirements)
    return environment


def _environment(requirements: str) -> Path:
    """Return where the environment of a lock file is, or will be.  Raises MissingPrerequisite if the user has no home."""
    identity = (checkout() / requirements).read_bytes() + sys.version.encode() + _python().encode()
    return home() / "venv" / hashlib.sha256(identity).hexdigest()[:16]


def _python() -> str:
    """Return the interpreter to make the environment with: from within another environment, the one behind it."""
    return os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)


def _python_in(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _execute(environment: Path, arguments: list[str], program: Program) -> NoReturn:
    python = _python_in(environment)
    # -I: neither the user's PYTHON* variables nor the working directory decide which modules are found.
    cache = f"pycache_prefix={home() / 'pyc'}"
    command = [str(python), "-I", "-X", cache, "-c", _RUN, str(code().parent), program.written(), *arguments]
    if os.name == "nt":
        # There is no exec: what is called so starts another process, and lets whoever waits for this one believe that it is done.
        sys.exit(subprocess.call(command))
    os.execv(python, command)


def _make(environment: Path, requirements: Path) -> None:
    wrong = doctor.findings(home(), home(), free_bytes=0)
    if wrong:
        raise MissingPrerequisite("this machine is not ready to build:\n" + "\n".join(f"- {line}" for line in wrong))
    environment.parent.mkdir(parents=True, exist_ok=True)
    # Another process may be making the same one: each works in a folder of its own name under a lock.
    with open(environment.parent / f"{environment.name}.lock", "w") as making:
        lock(making)
        if (environment / "ready").exists():
            return
        sys.stderr.write("pythonbuild: preparing its own virtual environment (once)\n")
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
    """Return the ways to make the environment, each a list of commands: by uv where there is one, as it is faster, then by pip.

    uv may know neither the certificates nor the index that this machine's pip is set up with.
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
    """Run commands until one fails; return the error that says which and why, None if none did."""
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            return _explain(command, done.stdout)
    return None


def _explain(command: list[str], output: str) -> MissingPrerequisite:
    said = "\n".join(f"    {line}" for line in output.strip().splitlines()[-12:])
    hint = "check the network, and pip's index settings if you use a mirror"
    if "ensurepip" in output:
        hint = "this Python cannot make virtual environments; on Debian: apt-get install python3-venv"
    failed = f"the virtual environment for pythonbuild could not be made. This failed:\n    {' '.join(command)}\n{said}"
    return MissingPrerequisite(failed, hint)
