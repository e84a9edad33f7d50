"""Test a tree in any location: what the interpreter finds from there, and which paths it reports."""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig
import unittest

from harness import (
    ARGUMENTS,
    DEBUG,
    FREETHREADED,
    LINUX,
    PREFIX,
    PYTHON,
    SERIES,
    STATIC,
    STDLIB,
    InDirectory,
    clean_environment,
    not_emulated,
    patience,
    python,
    run,
)

REPORT = (
    "import json, os, sys\n"
    "names = 'executable prefix base_prefix exec_prefix'.split()\n"
    "print(json.dumps(dict({name: getattr(sys, name) for name in names}, os=os.__file__)))"
)


class Relocation(InDirectory):
    def ask(self, executable, *arguments, argv0=None, **options):
        import json

        command = [argv0 if argv0 is not None else executable, *arguments, "-c", REPORT]
        options.setdefault("env", clean_environment())
        done = subprocess.run(command, executable=executable, capture_output=True, timeout=patience(60), **options)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return json.loads(done.stdout.decode())

    def check(self, answer, prefix=None):
        self.assertEqual(os.path.realpath(answer["base_prefix"]), str(PREFIX.resolve()))
        self.assertEqual(os.path.realpath(answer["prefix"]), os.path.realpath(prefix or PREFIX))
        self.assertEqual(os.path.realpath(answer["os"]), str((PREFIX / "lib" / STDLIB / "os.py").resolve()))
        self.assertTrue(os.access(answer["executable"], os.X_OK), answer)

    def test_normal(self):
        answer = self.ask(PYTHON)
        self.check(answer)
        self.assertEqual(answer["executable"], PYTHON)

    @not_emulated("the script that replaces the interpreter does not see its argv[0]")
    @unittest.skipUnless(LINUX and sys.version_info >= (3, 11), "Linux, 3.11 and newer")
    def test_strange_names(self):
        for name in ("", "nonsense", "/dev/null", "/nowhere/python", "python3", "-python", "./python"):
            with self.subTest(name):
                answer = self.ask(PYTHON, argv0=name, cwd="/", env=clean_environment(PATH="/usr/bin:/bin"))
                self.check(answer)
                self.assertEqual(os.path.realpath(answer["executable"]), os.path.realpath(PYTHON))

    @unittest.skipUnless(LINUX, "Linux only")
    def test_no_environment(self):
        self.check(self.ask(PYTHON, "-B", cwd="/", env={}))

    def test_by_the_path(self):
        path = clean_environment(PATH=str(PREFIX / "bin") + ":/usr/bin:/bin")
        self.check(self.ask(PYTHON, argv0="python" + SERIES, env=path))

    def test_link_from_elsewhere(self):
        link = self.directory / "bin" / "py"
        link.parent.mkdir()
        link.symlink_to(PYTHON)
        answer = self.ask(str(link))
        self.check(answer)
        self.assertEqual(answer["executable"], str(link))
        self.check(self.ask("bin/py", cwd=str(self.directory)))

    def test_isolated(self):
        self.check(self.ask(PYTHON, "-B", "-I", "-S", "-E"))

    @unittest.skipUnless(LINUX and sys.version_info >= (3, 11), "Linux, 3.11 and newer")
    def test_virtual_environment_through_a_link(self):
        link = self.directory / "bin" / ("python" + SERIES)
        link.parent.mkdir()
        link.symlink_to(PYTHON)
        environment = self.directory / "venv"
        python("-m", "venv", "--without-pip", environment, executable=str(link))
        self.check(self.ask(str(environment / "bin" / "python")), environment)
        if not ARGUMENTS.emulated:
            answer = self.ask(str(environment / "bin" / "python"), argv0="nonsense")
            self.check(answer, environment)

    def test_virtual_environment_of_copies(self):
        environment = self.directory / "venv"
        python("-m", "venv", "--copies", "--without-pip", environment)
        self.check(self.ask(str(environment / "bin" / "python")), environment)

    def test_nested_virtual_environment(self):
        first, second = self.directory / "first", self.directory / "second"
        python("-m", "venv", "--without-pip", first)
        python("-m", "venv", "--without-pip", second, executable=str(first / "bin" / "python"))
        self.check(self.ask(str(second / "bin" / "python")), second)

    @unittest.skipUnless(LINUX, "Linux only")
    def test_interpreter_needs_no_library(self):
        copy = self.directory / "python"
        shutil.copy(os.path.realpath(PYTHON), copy)
        self.assertEqual(run(copy, "-c", "print(1)", env=clean_environment(PYTHONHOME=str(PREFIX))).strip(), "1")

    @unittest.skipUnless(LINUX, "Linux only")
    def test_nothing_is_left_of_the_build(self):
        for name, value in sysconfig.get_paths().items():
            if sys.prefix == sys.base_prefix:
                with self.subTest(name):
                    self.assertIn(PREFIX, [pathlib.Path(value), *pathlib.Path(value).parents])
        for name, value in sysconfig.get_config_vars().items():
            if isinstance(value, str):
                with self.subTest(name):
                    self.assertNotRegex(value, r"(^|[\s='\"])(-[A-Z])?/install(/|$)")

    def test_sysconfig(self):
        values = sysconfig.get_config_vars()
        self.assertTrue((pathlib.Path(values["INCLUDEPY"]) / "Python.h").is_file())
        self.assertTrue(pathlib.Path(sysconfig.get_makefile_filename()).is_file())
        self.assertTrue(pathlib.Path(sysconfig.get_config_h_filename()).is_file())
        if LINUX:
            if not STATIC:
                self.assertTrue((pathlib.Path(values["LIBDIR"]) / values["LDLIBRARY"]).is_file())
            if not ARGUMENTS.without_static_library:
                self.assertTrue((pathlib.Path(values["LIBPL"]) / values["LIBRARY"]).is_file())
            for name, tool in (("CC", "cc"), ("CXX", "c++"), ("LDSHARED", "cc"), ("AR", "ar")):
                self.assertEqual(values[name].split()[0], tool)

    @unittest.skipUnless(LINUX, "Linux only")
    def test_python_config(self):
        for script in sorted((PREFIX / "bin").glob("python*-config")):
            with self.subTest(script.name):
                text = run(script, "--includes", cwd="/")
                include = [part[2:] for part in shlex.split(text) if part.startswith("-I")]
                self.assertTrue((pathlib.Path(include[0]) / "Python.h").is_file(), text)
                self.assertEqual(run(script, "--prefix", cwd="/").strip(), str(PREFIX))
                flags = run(script, "--ldflags", "--embed", cwd="/")
                directories = [part[2:] for part in shlex.split(flags) if part.startswith("-L")]
                self.assertTrue(all(os.path.isdir(part) for part in directories), flags)
                self.assertIn("-lpython" + SERIES, flags)
                self.assertNotIn("/install", flags.replace(str(PREFIX), ""))

    @unittest.skipUnless(LINUX, "Linux only")
    def test_pkg_config(self):
        files = sorted((PREFIX / "lib" / "pkgconfig").glob("python*.pc"))
        self.assertTrue(files)
        for file in files:
            if not file.exists() or "python" not in file.name:
                continue
            text = file.read_text()
            with self.subTest(file.name):
                self.assertTrue(any(line == "prefix=${pcfiledir}/../.." for line in text.splitlines()), text)
                self.assertNotIn("/install", text)

    @unittest.skipUnless(LINUX, "Linux only")
    def test_scripts(self):
        for name in ("pip3", "pip" + SERIES, "pydoc3", "idle3"):
            script = PREFIX / "bin" / name
            if name == "idle3" or not script.exists():
                self.assertTrue(name != "pip3", "pip3 is missing")
                continue
            with self.subTest(name):
                text = run(script, "--version" if "pip" in name else "sys", cwd="/", env=clean_environment(PAGER="cat"))
                self.assertTrue(text)
        link = self.directory / "pip"
        link.symlink_to(PREFIX / "bin" / "pip3")
        self.assertIn(str(PREFIX), run(link, "--version", cwd="/", env=clean_environment()))

    @unittest.skipUnless(LINUX, "Linux only")
    def test_libraries(self):
        lib = PREFIX / "lib"
        suffix = ("t" if FREETHREADED else "") + ("d" if DEBUG else "")
        if STATIC:
            self.assertEqual([path for path in PREFIX.rglob("*.so*")], [])
            return
        self.assertTrue((lib / ("libpython%s%s.so.1.0" % (SERIES, suffix))).is_file())
        self.assertTrue((lib / ("libpython%s%s.so" % (SERIES, suffix))).exists())
