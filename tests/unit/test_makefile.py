"""Reading modules from CPython's build files."""

from __future__ import annotations

import pytest

from pythonbuild.distribution.makefile import BuiltinEntry, SetupLine, expand, inittab, setup_lines, variables

MAKEFILE = """\
# LIBS= no
MODSHARED_NAMES=    _dbm \\
\t\t_tkinter
LIBS=\t\t-lpthread -ldl
SYSLIBS=\t$(LIBM) $(LIBC)
LIBM=\t\t-lm
prefix:=\t/x
target: LIBS
\tLIBS=recipe
"""


def test_variables_of_a_makefile() -> None:
    values = variables(MAKEFILE)
    assert values == {
        "MODSHARED_NAMES": "_dbm _tkinter",
        "LIBS": "-lpthread -ldl",
        "SYSLIBS": "$(LIBM) $(LIBC)",
        "LIBM": "-lm",
        "prefix": "/x",
    }
    assert expand("$(SYSLIBS) ${LIBS}", values).split() == ["-lm", "-lpthread", "-ldl"]


def test_a_variable_that_refers_to_itself_is_an_error() -> None:
    with pytest.raises(ValueError, match="refer to each other"):
        expand("$(A)", {"A": "x $(B)", "B": "$(A)"})


def test_modules_of_a_setup_file() -> None:
    text = """\
DESTLIB=$(LIBDEST)
*static*
# comment
array arraymodule.c  # an array
_sha2 sha2module.c -I$(srcdir)/x \\
   Modules/_hacl/libHacl_Hash_SHA2.a
*disabled*
nis nismodule.c
*shared*
_dbm _dbmmodule.c -lndbm
"""
    assert setup_lines(text) == (
        SetupLine("array", ("arraymodule.c",)),
        SetupLine("_sha2", ("sha2module.c", "-I$(srcdir)/x", "Modules/_hacl/libHacl_Hash_SHA2.a")),
        SetupLine("_dbm", ("_dbmmodule.c", "-lndbm")),
    )


def test_the_table_of_built_in_modules() -> None:
    config = """
extern PyObject* PyInit_array(void);
struct _inittab _PyImport_Inittab[] = {
    {"array", PyInit_array},
    /* These entries are here for sys.builtin_module_names */
    {"builtins", NULL},
    /* Sentinel */
    {0, 0}
};
"""
    assert inittab(config) == (BuiltinEntry("array", "PyInit_array"), BuiltinEntry("builtins", "NULL"))
