"""Test what users install and compile: pip, wheels, virtual environments, extension modules, embedding."""

import os
import platform
import shlex
import shutil
import struct
import sys
import sysconfig
import unittest
import zipfile

from harness import ARGUMENTS, LINUX, PREFIX, SERIES, InDirectory, clean_environment, not_static, python, run


class Packages(InDirectory):
    def wheel(self):
        path = self.directory / "tiny-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("tiny.py", "def main():\n    print('tiny works')\n")
            archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
            archive.writestr(
                "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            archive.writestr("tiny-1.0.dist-info/entry_points.txt", "[console_scripts]\ntiny = tiny:main\n")
            archive.writestr("tiny-1.0.dist-info/RECORD", "")
        return path

    def test_virtual_environment_with_pip(self):
        environment = self.directory / "venv"
        python("-m", "venv", environment, timeout=300)
        program = environment / "bin" / "python"
        python("-m", "pip", "install", "--no-index", "--disable-pip-version-check", self.wheel(), executable=program)
        self.assertEqual(run(environment / "bin" / "tiny", cwd="/").strip(), "tiny works")
        self.assertIn("tiny", python("-m", "pip", "list", "--disable-pip-version-check", executable=program))

    def test_pip(self):
        target = self.directory / "target"
        python("-m", "pip", "install", "--no-index", "--disable-pip-version-check", "--target", target, self.wheel())
        self.assertTrue((target / "tiny.py").is_file())

    def test_platform_tags(self):
        if not LINUX or platform.libc_ver()[0] != "glibc":
            self.skipTest("glibc only")
        # uname names the kernel's CPU, even to a 32-bit program on a 64-bit kernel.
        machine = {("x86_64", 4): "i686"}.get((platform.machine(), struct.calcsize("P")), platform.machine())
        hard_float = sysconfig.get_config_var("HOST_GNU_TYPE").endswith("hf")
        if machine.startswith("mips") or machine.startswith("arm") and not hard_float:
            self.skipTest("manylinux has nothing for this platform")
        if (machine.startswith("arm") or machine == "i686") and ARGUMENTS.emulated:
            self.skipTest("emulated: pip looks for the ABI in the interpreter's file, and finds a script")
        text = python("-m", "pip", "debug", "--verbose", "--disable-pip-version-check")
        self.assertRegex(text, r"manylinux(2014|_2_\d+)_" + machine)


EXTENSION = """\
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "tiny", NULL, -1, methods};
PyMODINIT_FUNC PyInit_tiny(void) {
    PyObject *self = PyModule_Create(&module);
#ifdef Py_GIL_DISABLED
    PyUnstable_Module_SetGIL(self, Py_MOD_GIL_NOT_USED);
#endif
    return self;
}
"""

EMBEDDING = """\
#include <Python.h>
int main(int count, char **arguments) {
    Py_Initialize();
    int failed = PyRun_SimpleString("import sys, json, ssl, sqlite3; print(sys.base_prefix)");
    return failed || Py_FinalizeEx() < 0;
}
"""


@unittest.skipUnless(LINUX, "Linux only")
class Compilers(InDirectory):
    def compilers(self):
        required = [name for name in ARGUMENTS.require_compilers.split(",") if name]
        for name in required:
            self.assertIsNotNone(shutil.which(name), name + " is missing")
        found = [name for name in ("gcc", "clang") if shutil.which(name) and self.is_for_this_platform(name)]
        if not found:
            self.skipTest("there is neither gcc nor clang for this platform")
        return found

    @staticmethod
    def is_for_this_platform(compiler):
        """Whether a compiler's target has this Python's CPU and libc.  GNU triples are CPU-VENDOR-linux-LIBC."""
        theirs, ours = run(compiler, "-dumpmachine").strip(), sysconfig.get_config_var("HOST_GNU_TYPE")
        return theirs.split("-")[0] == ours.split("-")[0] and ("musl" in theirs) == ("musl" in ours)

    @not_static
    def test_extension_module(self):
        source = self.directory / "tiny.c"
        source.write_text(EXTENSION)
        values = sysconfig.get_config_vars()
        for compiler in self.compilers():
            with self.subTest(compiler):
                target = self.directory / compiler / ("tiny" + values["EXT_SUFFIX"])
                target.parent.mkdir()
                # Like setuptools: use sysconfig's flags, and replace its compiler with CC.
                flags = shlex.split(values["CFLAGS"]) + shlex.split(values["CCSHARED"])
                link = shlex.split(values["LDSHARED"])[1:]
                run(
                    compiler, *flags, "-I" + sysconfig.get_path("include"), "-c", source, "-o", target.parent / "tiny.o"
                )
                run(compiler, *link, target.parent / "tiny.o", "-o", target)
                self.assertEqual(
                    python(
                        "-c", "import tiny; print(tiny.answer())", env=clean_environment(PYTHONPATH=str(target.parent))
                    ),
                    "42",
                )

    @not_static
    def test_embedding(self):
        source = self.directory / "main.c"
        source.write_text(EMBEDDING)
        config = next(iter(sorted((PREFIX / "bin").glob("python%s*-config" % SERIES))))
        includes = shlex.split(run(config, "--includes"))
        libraries = shlex.split(run(config, "--ldflags", "--embed"))
        for compiler in self.compilers():
            program = self.directory / compiler
            run(compiler, *includes, source, "-o", program, "-L" + str(PREFIX / "lib"), *libraries)
            lib = str(PREFIX / "lib")
            for path in ("/usr/bin:/bin", ""):
                with self.subTest(compiler=compiler, path=path):
                    text = run(
                        program, cwd="/", env={"LD_LIBRARY_PATH": lib, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
                    ).strip()
                    if sys.version_info >= (3, 11):
                        self.assertEqual(os.path.realpath(text), str(PREFIX.resolve()))
