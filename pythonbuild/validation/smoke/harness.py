"""What all tests share: facts about the interpreter that runs them, and ways to start it again."""

import argparse
import functools
import locale
import os
import pathlib
import select
import shutil
import signal
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
import unittest

ARGUMENTS = argparse.Namespace(
    require_display=False, require_compilers="", without_static_library=False, emulated=False
)
PREFIX = pathlib.Path(sys.base_prefix)
SERIES = "%d.%d" % sys.version_info[:2]
FREETHREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
DEBUG = hasattr(sys, "gettotalrefcount")
LINUX = sys.platform.startswith("linux")
MUSL = "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "")
STATIC = LINUX and not sysconfig.get_config_var("Py_ENABLE_SHARED")
STDLIB = "python" + SERIES + ("t" if FREETHREADED else "")
PYTHON = str(PREFIX / "bin" / ("python" + SERIES))


def patience(seconds):
    """Return a timeout, which is longer under an emulator."""
    return seconds * (6 if ARGUMENTS.emulated else 1)


def needs_utf8_locale(test):
    """Decorate a test that uses C.UTF-8, which glibc reads from a file in the machine's own byte order."""

    @functools.wraps(test)
    def wrapper(self):
        if ARGUMENTS.emulated:
            before = locale.setlocale(locale.LC_CTYPE)
            try:
                locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
            except locale.Error:
                self.skipTest("emulated: this machine's locales are in another byte order")
            locale.setlocale(locale.LC_CTYPE, before)
        test(self)

    return wrapper


def not_emulated(reason):
    """Decorate a test of something that qemu-user cannot do, or does differently from the kernel."""

    def decorate(test):
        @functools.wraps(test)
        def wrapper(self):
            if ARGUMENTS.emulated:
                self.skipTest("emulated: " + reason)
            test(self)

        return wrapper

    return decorate


not_static = unittest.skipIf(STATIC, "a static interpreter loads no libraries")


def run(*command, **options):
    """Run a program that must succeed, and return its output."""
    options["timeout"] = patience(options.get("timeout", 120))
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        raise AssertionError("%s exited with %d:\n%s" % (command, done.returncode, text))
    return text


def clean_environment(**more):
    """Return the environment without variables that change where an interpreter finds its files."""
    bad = ("PYTHON", "SSL_CERT_", "LD_LIBRARY_PATH", "TCL_LIBRARY", "TK_LIBRARY", "TERMINFO", "PIP_", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(bad)}
    # Tests must not modify the tree.
    environment.update({"PYTHONDONTWRITEBYTECODE": "1", **more})
    return environment


def python(*arguments, executable=PYTHON, **options):
    options.setdefault("env", clean_environment())
    return run(executable, *arguments, **options).strip()


class InDirectory(unittest.TestCase):
    """A test with its own directory."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="smoke-")).resolve()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)


def talk(command, steps, environment=None, timeout=30):
    """Run a program in its own terminal; for each (prompt, keys), wait for the prompt, then type the keys."""
    import fcntl
    import pty
    import termios

    child, terminal = pty.fork()
    if child == 0:
        try:
            # Set the size before the program starts, because it would see a later change as a key press.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            os.execve(command[0], command, clean_environment(**{"TERM": "xterm", **(environment or {})}))
        finally:
            os._exit(127)
    seen = b""
    searched = 0
    deadline = time.monotonic() + patience(timeout)
    try:
        for prompt, keys in [*steps, (None, b"")]:
            while prompt is None or prompt not in seen[searched:]:
                if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
                    raise AssertionError("timed out waiting for %r; seen: %r" % (prompt, seen))
                try:
                    data = os.read(terminal, 4096)
                except OSError:
                    data = b""
                if not data:
                    if prompt is None:
                        break
                    raise AssertionError("ended before %r; seen: %r" % (prompt, seen))
                seen += data
            if prompt is not None:
                searched = seen.index(prompt, searched) + len(prompt)
                time.sleep(0.1)
                os.write(terminal, keys)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(child, 0)
        os.close(terminal)
    if status:
        raise AssertionError("ended with %d; seen: %r" % (status, seen))
    return seen
