"""The wrappers of compilers: the one that scripts call, and the one that sccache calls."""

from __future__ import annotations

from pythonbuild.engines.sccache.environment import LAUNCHER

__all__ = ["call_text", "compiler_text"]

# The wrapper in PATH: only compilations go to sccache, not links and questions about the compiler.
_CALL = """#!/bin/sh
case "${{{launcher}:+ $* }}" in
*" -c "*)
    COMPILER_FOLDER=$PWD COMPILER_EPOCH=${{SOURCE_DATE_EPOCH-}} "${launcher}" {compiler} "$@"
    status=$?
    # Compilers end with 1 where the source is wrong; anything else is sccache's own trouble, and then it goes without.
    [ $status -gt 1 ] || exit $status
    ;;
esac
exec {command} "$@"
"""
_COMPILER = """#!/bin/sh
# {identity}
# sccache keeps these two variables back.
if [ -n "${{COMPILER_FOLDER-}}" ]; then
    export PWD="$COMPILER_FOLDER"
    [ -z "$COMPILER_EPOCH" ] || export SOURCE_DATE_EPOCH="$COMPILER_EPOCH"
fi
# sccache keys objects by the text that the preprocessor makes, and asks for it without names, lines and blanks, which debug information
# tells of: it gets them, with the folder and the source itself.
if [ "${{1-}} ${{3-}}" = "-x -E" ]; then
    language=$2
    shift 3
    case ${{1-}} in -P | -fminimize-whitespace) shift ;; esac
    for source in "$@"; do :; done
    echo "$PWD"
    cat -- "$source"
    exec {command} -x "$language" -E "$@"
fi
exec {command} "$@"
"""


def call_text(command: str, compiler: str) -> str:
    """Return the wrapper that scripts call.

    command: the compiler's command line; compiler: the path of the wrapper that sccache calls.
    """
    return _CALL.format(launcher=LAUNCHER, command=command, compiler=compiler)


def compiler_text(command: str, identity: str) -> str:
    """Return the wrapper that sccache calls as the compiler, and identifies it by.

    command: the compiler's command line; identity: what distinguishes the compiler from others with that command line.
    """
    return _COMPILER.format(command=command, identity=" ".join(identity.split()))
