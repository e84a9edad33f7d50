"""Does everything in a distribution work, from where it lies?  Run it by the interpreter in question: `python smoke.py`.

Nothing but the standard library is used, and nothing that the `install_only` archives leave out.  Arguments beyond
unittest's own: --require-display makes a missing display a failure, --require-compilers gcc,clang a missing compiler;
--emulated leaves out what qemu-user cannot do, and is patient.
"""

import argparse
import ctypes
import ctypes.util
import functools
import importlib
import locale
import os
import pathlib
import platform
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import unittest
import zipfile

sys.dont_write_bytecode = True

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

# For "localhost", valid until 2126; the key protects nothing.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBlDCCATugAwIBAgIULC96KF53lVsxK8gd+N26vKBY+MgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEyMTUyNFoYDzIxMjYxMDI4
MTIxNTI0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR+8k0dzaWTFbo6gAofYX115MR9za1SNzkuL7J699Zs6Otlxg0NguqT
y6AIVXV1HWPDRcpy0f14Rqq3hB5oxS+po2kwZzAdBgNVHQ4EFgQUvxLq45OUKpsZ
hgX+JmNTEeK8lV0wHwYDVR0jBBgwFoAUvxLq45OUKpsZhgX+JmNTEeK8lV0wDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
RwAwRAIgK55Ij+y9CtRf/Cn3Mzk0Td1oFjsRkTg3WIeBjNCF6boCIEntf/h1Yerl
3XI1tG32tVlWO6szCNnvDmh4qvBsuQkI
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgcS5CYQ+0zzOCgex6
OZmlsKTaHdsmSpcFXcQ3BqMEkQKhRANCAAR+8k0dzaWTFbo6gAofYX115MR9za1S
NzkuL7J699Zs6Otlxg0NguqTy6AIVXV1HWPDRcpy0f14Rqq3hB5oxS+p
-----END PRIVATE KEY-----
"""

# Names of the standard library that are for other platforms, or that this distribution leaves out.
ABSENT = {
    *"_android_support _apple_support _ios_support _aix_support _osx_support _scproxy _overlapped _winapi _winreg _wmi".split(),
    *"asyncio.windows_events msilib msvcrt nt ntpath winreg winsound _msi".split(),
    *"_gdbm nis ossaudiodev _testclinic _testclinic_limited xxlimited xxlimited_35 idlelib test".split(),
}
"""Importable or not: nobody minds."""


def patience(seconds):
    """How long to wait for what usually takes less than that."""
    return seconds * (6 if ARGUMENTS.emulated else 1)


def needs_utf8_locale(test):
    """A test that uses C.UTF-8, which glibc reads from a file of the machine's own byte order."""

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
    """A test of what qemu-user cannot do, or does otherwise than the kernel."""

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
    """The output of a program that has to end well."""
    options["timeout"] = patience(options.get("timeout", 120))
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        raise AssertionError("%s ended with %d:\n%s" % (command, done.returncode, text))
    return text


def clean_environment(**more):
    """The environment without what would help or hinder an interpreter to find its own things."""
    bad = ("PYTHON", "SSL_CERT_", "LD_LIBRARY_PATH", "TCL_LIBRARY", "TK_LIBRARY", "TERMINFO", "PIP_", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(bad)}
    # The tree that is looked at stays as it is.
    environment.update({"PYTHONDONTWRITEBYTECODE": "1", **more})
    return environment


def python(*arguments, executable=PYTHON, **options):
    options.setdefault("env", clean_environment())
    return run(executable, *arguments, **options).strip()


class InDirectory(unittest.TestCase):
    """A test that has a directory of its own."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="smoke-")).resolve()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)


def talk(command, steps, environment=None, timeout=30):
    """Run a program at a terminal of its own: for each (prompt, keys) wait for the one and type the other."""
    import fcntl
    import pty
    import termios

    child, terminal = pty.fork()
    if child == 0:
        try:
            # Before the program starts: to it, a change would be a key that was pressed.
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
                    raise AssertionError("waited in vain for %r; seen: %r" % (prompt, seen))
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


# ---- Libraries inside ------------------------------------------------------------------------------------------------


class Modules(unittest.TestCase):
    def test_every_module_can_be_imported(self):
        names = sorted(getattr(sys, "stdlib_module_names", ()))
        self.assertGreater(len(names), 250)
        # Each group in a process of its own: some modules have side effects.
        skipped = ABSENT | {"antigravity", "this", "__main__", "tkinter", "turtle", "_tkinter", "turtledemo"}
        program = (
            "import importlib, sys, warnings; warnings.simplefilter('ignore')\n"
            "for name in sys.argv[1:]:\n"
            "    try: importlib.import_module(name)\n"
            "    except BaseException as error: print(name, type(error).__name__, error)\n"
        )
        self.assertEqual(python("-c", program, *[name for name in names if name not in skipped]), "")

    def test_accelerators_are_used(self):
        import bisect
        import datetime
        import decimal
        import heapq
        import json
        import pickle

        for thing in (bisect.bisect, heapq.heappush, pickle.Pickler, json.scanner.c_make_scanner):
            self.assertNotIsInstance(thing, type(lambda: 0))
        self.assertIsNotNone(json.encoder.c_make_encoder)
        self.assertTrue(decimal.HAVE_THREADS)
        for name in ("_datetime", "_decimal", "_elementtree", "_struct", "_zoneinfo", "_uuid", "_posixsubprocess"):
            importlib.import_module(name)
        self.assertEqual(datetime.date(2026, 1, 2).isoformat(), "2026-01-02")

    def test_standard_modules_are_in_the_interpreter(self):
        if sys.version_info < (3, 12):
            self.skipTest("3.11 and older build some of them apart")
        for name in "_ssl _hashlib _sqlite3 _lzma _bz2 zlib _ctypes _curses _curses_panel readline pyexpat _decimal _uuid".split():
            self.assertIn(name, sys.builtin_module_names)

    @not_static
    def test_dependencies_stay_hidden(self):
        if not LINUX:
            self.skipTest("ELF only")
        program = ctypes.CDLL(None)
        hidden = "SSL_read EVP_sha256 sqlite3_open deflate BZ2_bzCompress lzma_code XML_Parse ffi_call mpd_qadd initscr rl_prompt"
        for name in hidden.split():
            with self.subTest(name):
                self.assertFalse(hasattr(program, name))


class Compression(unittest.TestCase):
    DATA = b"".join(b"line %d of a text that can be compressed\n" % number for number in range(5000))

    def check(self, module, **options):
        packed = module.compress(self.DATA, **options)
        self.assertLess(len(packed), len(self.DATA) // 4)
        self.assertEqual(module.decompress(packed), self.DATA)

    def test_zlib(self):
        import zlib

        self.check(zlib)
        self.assertEqual(zlib.ZLIB_RUNTIME_VERSION, zlib.ZLIB_VERSION)
        self.assertEqual(zlib.crc32(b"123456789"), 0xCBF43926)

    def test_gzip(self):
        import gzip

        self.check(gzip)

    def test_bz2(self):
        import bz2

        self.check(bz2)

    def test_lzma(self):
        import lzma

        self.check(lzma)
        self.check(lzma, format=lzma.FORMAT_ALONE)
        packed = lzma.compress(self.DATA, check=lzma.CHECK_SHA256, preset=9 | lzma.PRESET_EXTREME)
        self.assertEqual(lzma.decompress(packed), self.DATA)

    @unittest.skipIf(sys.version_info < (3, 14), "since 3.14")
    def test_zstd(self):
        from compression import zstd

        self.check(zstd)
        # Workers are there only if the library was built for threads.
        packed = zstd.compress(self.DATA, options={zstd.CompressionParameter.nb_workers: 2})
        self.assertEqual(zstd.decompress(packed), self.DATA)

    def test_archives(self):
        import io
        import tarfile

        for mode in ("gz", "bz2", "xz"):
            file = io.BytesIO()
            with tarfile.open(fileobj=file, mode="w:" + mode) as archive:
                member = tarfile.TarInfo("text")
                member.size = len(self.DATA)
                archive.addfile(member, io.BytesIO(self.DATA))
            file.seek(0)
            with tarfile.open(fileobj=file) as archive:
                self.assertEqual(archive.extractfile("text").read(), self.DATA)


HASHES_OF_ABC = {
    "md5": "900150983cd24fb0d6963f7d28e17f72",
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha3_256": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
    "blake2s": "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982",
    "sm3": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    "ripemd160": "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
}


class Hashes(unittest.TestCase):
    def test_values(self):
        import hashlib

        for name in sorted(hashlib.algorithms_guaranteed | {"sha512_256", "sm3"}):
            with self.subTest(name):
                digest = hashlib.new(name, b"abc")
                if name in HASHES_OF_ABC:
                    self.assertEqual(digest.hexdigest(), HASHES_OF_ABC[name])
        self.assertEqual(hashlib.new("ripemd160", b"abc").hexdigest(), HASHES_OF_ABC["ripemd160"])

    def test_openssl_makes_them(self):
        import _hashlib
        import hashlib

        for name in ("sha256", "sha512", "sha3_256"):
            self.assertIn("_hashlib", type(getattr(hashlib, name)()).__module__)
        self.assertEqual(_hashlib.openssl_sha256(b"abc").hexdigest(), HASHES_OF_ABC["sha256"])
        self.assertEqual(hashlib.blake2b(b"abc", digest_size=16, key=b"k").digest_size, 16)

    def test_key_derivation(self):
        import hashlib

        self.assertEqual(hashlib.scrypt(b"", salt=b"", n=16, r=1, p=1, dklen=8).hex(), "77d6576238657b20")
        self.assertEqual(hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1, 8).hex(), "120fb6cffcf8b32c")


class Tls(InDirectory):
    def test_version(self):
        import ssl

        self.assertEqual(ssl.OPENSSL_VERSION_INFO[0], 3)
        self.assertTrue(ssl.HAS_TLSv1_3)
        self.assertTrue(ssl.HAS_ALPN)
        self.assertTrue(ssl.HAS_SNI)

    def shake_hands(self, version):
        import ssl

        file = self.directory / "cert.pem"
        file.write_text(CERTIFICATE)
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_context.load_cert_chain(str(file))
        server_context.set_alpn_protocols(["http/1.1"])
        client_context = ssl.create_default_context(cafile=str(file))
        client_context.set_alpn_protocols(["h2", "http/1.1"])
        client_context.maximum_version = version
        left, right = socket.socketpair()

        def serve():
            with server_context.wrap_socket(right, server_side=True) as server:
                server.sendall(server.recv(100).upper())

        thread = threading.Thread(target=serve)
        thread.start()
        with client_context.wrap_socket(left, server_hostname="localhost") as client:
            client.sendall(b"hello")
            self.assertEqual(client.recv(100), b"HELLO")
            self.assertEqual(client.selected_alpn_protocol(), "http/1.1")
            self.assertEqual(client.getpeercert()["subject"], ((("commonName", "localhost"),),))
            spoken = client.version()
        thread.join()
        return spoken

    def test_connection(self):
        import ssl

        self.assertEqual(self.shake_hands(ssl.TLSVersion.TLSv1_3), "TLSv1.3")
        self.assertEqual(self.shake_hands(ssl.TLSVersion.TLSv1_2), "TLSv1.2")

    def test_certificates_of_the_system_are_found(self):
        known = (
            "/etc/ssl/certs/ca-certificates.crt",
            "/etc/ssl/cert.pem",
            "/etc/pki/tls/cert.pem",
            "/etc/ssl/ca-bundle.pem",
        )
        if not any(os.path.exists(path) for path in known):
            self.skipTest("this system has none")
        program = (
            "import ssl; c = ssl.create_default_context(); p = ssl.get_default_verify_paths()\n"
            "print(c.cert_store_stats()['x509_ca'] > 0 or bool(p.capath))"
        )
        self.assertEqual(python("-c", program), "True")


class Sqlite(InDirectory):
    def setUp(self):
        super().setUp()
        import sqlite3

        self.db = sqlite3.connect(str(self.directory / "db"))
        self.addCleanup(self.db.close)

    def one(self, sql, *values):
        return self.db.execute(sql, values).fetchone()

    def test_full_text_search(self):
        for version in (3, 4, 5):
            self.db.execute("create virtual table t%d using fts%d(body)" % (version, version))
            self.db.execute("insert into t%d values ('the quick brown fox')" % version)
            self.assertEqual(self.one("select count(*) from t%d where t%d match 'quick'" % (version, version)), (1,))

    def test_json(self):
        self.assertEqual(self.one("""select json_extract('{"a": [1, 2]}', '$.a[1]')"""), (2,))

    def test_rtree_and_geopoly(self):
        self.db.execute("create virtual table r using rtree(id, x0, x1)")
        self.db.execute("insert into r values (1, 0, 2), (2, 5, 6)")
        self.assertEqual(self.one("select id from r where x0 > 4"), (2,))
        self.assertAlmostEqual(self.one("select geopoly_area('[[0,0],[2,0],[2,2],[0,2],[0,0]]')")[0], 4)

    def test_mathematics(self):
        self.assertAlmostEqual(self.one("select sqrt(2)")[0], 2**0.5)

    def test_extensions_can_be_loaded(self):
        import sqlite3

        self.db.enable_load_extension(True)
        with self.assertRaises(sqlite3.OperationalError):
            self.db.load_extension(str(self.directory / "none.so"))

    def test_threads_and_callbacks(self):
        import sqlite3

        self.assertIn(sqlite3.threadsafety, (1, 3))
        self.db.create_function("double", 1, lambda value: 2 * value)
        self.assertEqual(self.one("select double(21)"), (42,))
        copy = sqlite3.connect(":memory:")
        self.db.backup(copy)
        copy.close()
        if sys.version_info >= (3, 11):
            self.assertTrue(self.db.serialize() is not None)


class Databases(InDirectory):
    def test_dbm(self):
        import dbm.ndbm

        name = str(self.directory / "file")
        with dbm.ndbm.open(name, "c") as database:
            for number in range(500):
                database[str(number)] = b"x" * number
            del database["7"]
        with dbm.open(name) as database:
            self.assertEqual(dbm.whichdb(name), "dbm.ndbm")
            self.assertEqual(len(database.keys()), 499)
            self.assertEqual(database[b"499"], b"x" * 499)
            self.assertNotIn(b"7", database)


class ForeignFunctions(unittest.TestCase):
    @not_static
    def test_callback(self):
        libc = ctypes.CDLL(None)
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
        numbers = (ctypes.c_int * 6)(5, 3, 9, 1, 7, 2)
        libc.qsort(numbers, len(numbers), ctypes.sizeof(ctypes.c_int), kind(lambda a, b: a[0] - b[0]))
        self.assertEqual(list(numbers), [1, 2, 3, 5, 7, 9])

    @not_static
    def test_structure_by_value(self):
        class Result(ctypes.Structure):
            _fields_ = [("quot", ctypes.c_int), ("rem", ctypes.c_int)]

        libc = ctypes.CDLL(None)
        libc.div.restype = Result
        libc.div.argtypes = [ctypes.c_int, ctypes.c_int]
        result = libc.div(17, 5)
        self.assertEqual((result.quot, result.rem), (3, 2))

    def test_python_itself(self):
        if STATIC:
            self.assertIsNone(ctypes.pythonapi)
            return
        self.assertEqual(ctypes.pythonapi.PyLong_AsLong(ctypes.py_object(42)), 42)

    def test_closure_in_a_thread(self):
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
        seen = []
        function = kind(lambda value: seen.append(value) or value + 1)
        threads = [threading.Thread(target=function, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(seen), list(range(8)))


class Values(unittest.TestCase):
    def test_decimal(self):
        import _decimal
        import decimal

        self.assertIs(decimal.Decimal, _decimal.Decimal)
        self.assertRegex(decimal.__libmpdec_version__, r"^(2\.5|4)\.")
        with decimal.localcontext() as context:
            context.prec = 60
            self.assertEqual(str(decimal.Decimal(2).sqrt())[:40], "1.41421356237309504880168872420969807856")

    def test_expat(self):
        import pyexpat
        from xml.etree import ElementTree

        self.assertGreaterEqual(pyexpat.version_info, (2, 6, 0))
        root = ElementTree.fromstring(
            "<?xml version='1.0' encoding='iso-8859-1'?><a x='1'><b>caf\u00e9</b></a>".encode("latin-1")
        )
        self.assertEqual((root.get("x"), root.find("b").text), ("1", "caf\u00e9"))

    def test_uuid(self):
        import _uuid
        import uuid

        self.assertTrue(_uuid.has_uuid_generate_time_safe)
        first, second = uuid.uuid1(), uuid.uuid1()
        self.assertEqual(first.version, 1)
        self.assertNotEqual(first, second)
        self.assertEqual(uuid.uuid5(uuid.NAMESPACE_DNS, "python.org").hex, "886313e13b8a53729b900c9aee199e5d")

    @needs_utf8_locale
    def test_locale(self):
        self.assertIsInstance(locale.localeconv(), dict)
        program = (
            "import locale, sys; locale.setlocale(locale.LC_ALL, ''); print(sys.getfilesystemencoding(), chr(0xe9))"
        )
        self.assertEqual(python("-X", "utf8", "-c", program), "utf-8 \u00e9")
        # PEP 538 and 540: no locale at all is UTF-8.
        text = run(PYTHON, "-c", "import sys; print(sys.stdout.encoding)", env=clean_environment(LC_ALL="C")).strip()
        self.assertEqual(text.lower(), "utf-8")

    def test_zoneinfo(self):
        import datetime
        import zoneinfo

        try:
            zone = zoneinfo.ZoneInfo("Europe/Berlin")
        except zoneinfo.ZoneInfoNotFoundError:
            self.skipTest("this system has no time zones")
        moment = datetime.datetime(2026, 7, 1, 12, tzinfo=zone)
        self.assertEqual(moment.utcoffset(), datetime.timedelta(hours=2))

    def test_time(self):
        done = run(
            PYTHON,
            "-c",
            "import time; time.tzset(); print(time.tzname)",
            env=clean_environment(TZ="EST5EDT,M3.2.0,M11.1.0"),
        )
        self.assertIn("EST", done)


# ---- Terminal and window ---------------------------------------------------------------------------------------------


class Terminal(InDirectory):
    @needs_utf8_locale
    def test_curses(self):
        script = self.directory / "script.py"
        script.write_text(
            "import curses, curses.panel, os, sys\n"
            "curses.setupterm()\n"
            "assert curses.tigetnum('colors') >= 8, curses.tigetnum('colors')\n"
            "def main(screen):\n"
            "    curses.start_color()\n"
            "    window = curses.newwin(3, 20, 1, 1)\n"
            "    window.box(); window.addstr(1, 1, 'gr\u00fc\u00df dich')\n"
            "    panel = curses.panel.new_panel(window)\n"
            "    curses.panel.update_panels(); curses.doupdate()\n"
            "    key = window.getch() if False else screen.getch()\n"
            "    assert key == curses.KEY_UP, key\n"
            "curses.wrapper(main)\n"
            "print('finished')\n",
            encoding="utf-8",
        )
        for terminal in ("xterm-256color", "linux", "vt100"):
            with self.subTest(terminal):
                steps = [("\u00df dich".encode(), b"\x1b[A" if terminal == "linux" else b"\x1bOA")]
                language = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
                program = [PYTHON, str(script)]
                if terminal == "vt100":
                    script.write_text(
                        script.read_text(encoding="utf-8")
                        .replace(">= 8", ">= -1")
                        .replace("    curses.start_color()\n", ""),
                        encoding="utf-8",
                    )
                    steps = [("\u00df dich".encode(), b"\x1bOA")]
                seen = talk(program, steps, {**language, "TERM": terminal})
                self.assertIn(b"finished", seen)

    def test_curses_without_descriptions(self):
        """Some systems have no terminfo at all: the common terminals are built in."""
        program = "import curses; curses.setupterm('xterm-256color'); print(curses.tigetnum('colors'))"
        nowhere = str(self.directory)
        text = run(PYTHON, "-c", program, env=clean_environment(TERMINFO=nowhere, TERMINFO_DIRS=nowhere, HOME=nowhere))
        self.assertEqual(text.strip(), "256")

    def test_line_editing(self):
        import readline

        self.assertIn("libedit", readline.__doc__ or "")
        steps = [
            (b">>> ", b"print('first', 6 * 7)\r"),
            (b"first 42", b""),
            (b">>> ", b"pass\r"),
            # Arrow up twice, then a change at the end of the line that came back.
            (b">>> ", b"\x1b[A\x1b[A"),
            (b"6 * 7)", b"\x1b[D, 'again'\r"),
            (b"first 42 again", b""),
            (b">>> ", b"import readline; print('length', readline.get_current_history_length() > 2)\r"),
            (b"length True", b""),
            (b">>> ", b"raise SystemExit\r"),
        ]
        home = {"HOME": str(self.directory), "PYTHON_BASIC_REPL": "1"}
        talk([PYTHON], steps, home)

    def test_completion(self):
        steps = [
            (b">>> ", b"import rlcompleter, readline; readline.parse_and_bind('bind ^I rl_complete')\r"),
            (b">>> ", b"memoryvi\t"),
            # The editor moves back over what is there already and writes the rest.
            (b"ew(", b"\x15raise SystemExit\r"),
        ]
        talk([PYTHON], steps, {"HOME": str(self.directory), "PYTHON_BASIC_REPL": "1"})

    @unittest.skipIf(sys.version_info < (3, 13), "since 3.13")
    def test_new_prompt(self):
        steps = [
            (b">>> ", b"print('first', 6 * 7)\r"),
            (b"first 42", b""),
            (b">>> ", b"\x1bOA"),
            (b"7", b"\r"),
            (b"first 42", b""),
            (b">>> ", b"exit\r"),
        ]
        talk([PYTHON], steps, {"HOME": str(self.directory)})


class Window(unittest.TestCase):
    def test_tcl(self):
        import tkinter

        tcl = tkinter.Tcl()
        where = pathlib.Path(tcl.eval("info library")).resolve()
        self.assertIn(PREFIX.resolve(), where.parents)
        self.assertEqual(tcl.eval("clock format 0 -gmt 1 -format %Y"), "1970")
        self.assertEqual(tcl.eval("encoding convertto iso8859-15 A"), "A")

    def test_window(self):
        if not os.environ.get("DISPLAY"):
            if ARGUMENTS.require_display:
                self.fail("DISPLAY is not set")
            self.skipTest("DISPLAY is not set")
        import tkinter
        import tkinter.ttk

        root = tkinter.Tk()
        self.addCleanup(lambda: None)
        try:
            pressed = []
            button = tkinter.ttk.Button(root, text="gr\u00fc\u00df dich", command=lambda: pressed.append(1))
            button.pack()
            canvas = tkinter.Canvas(root, width=50, height=50)
            canvas.create_oval(5, 5, 45, 45, fill="red")
            canvas.pack()
            root.update()
            button.invoke()
            self.assertEqual(pressed, [1])
            self.assertGreater(button.winfo_width(), 10)
            self.assertIn(PREFIX.resolve(), pathlib.Path(root.eval("set tk_library")).resolve().parents)
        finally:
            root.destroy()


# ---- Processes, threads, the kernel ----------------------------------------------------------------------------------


def square(number):
    return number * number


class Concurrency(unittest.TestCase):
    def test_processes(self):
        import multiprocessing

        for method in multiprocessing.get_all_start_methods():
            with self.subTest(method), multiprocessing.get_context(method).Pool(2) as pool:
                self.assertEqual(pool.map(square, range(5)), [0, 1, 4, 9, 16])

    def test_shared_memory(self):
        from multiprocessing import shared_memory

        memory = shared_memory.SharedMemory(create=True, size=100)
        memory.buf[:5] = b"hello"
        memory.close()
        memory.unlink()

    def test_executors(self):
        import concurrent.futures

        for kind in (concurrent.futures.ThreadPoolExecutor, concurrent.futures.ProcessPoolExecutor):
            with kind(2) as executor:
                self.assertEqual(list(executor.map(square, range(5))), [0, 1, 4, 9, 16])

    def test_asyncio(self):
        import asyncio

        async def main():
            process = await asyncio.create_subprocess_exec(PYTHON, "-c", "print(6 * 7)", stdout=subprocess.PIPE)
            output, _ = await process.communicate()

            async def serve(reader, writer):
                writer.write((await reader.readline()).upper())
                writer.close()

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello\n")
            answer = await reader.readline()
            writer.close()
            server.close()
            return output.strip(), answer

        self.assertEqual(asyncio.run(main()), (b"42", b"HELLO\n"))

    def test_timeouts(self):
        lock = threading.Lock()
        lock.acquire()
        start = time.monotonic()
        self.assertFalse(lock.acquire(timeout=0.2))
        self.assertTrue(0.19 < time.monotonic() - start < 5)

    def test_stacks_of_threads(self):
        """C code that calls itself as often as CPython lets it."""
        program = (
            "import json, threading\n"
            "def work():\n"
            "    try: json.loads('[' * 9000 + ']' * 9000)\n"
            "    except RecursionError: pass\n"
            "thread = threading.Thread(target=work); thread.start(); thread.join(); print('alive')"
        )
        self.assertEqual(python("-c", program), "alive")

    def test_subinterpreters(self):
        if sys.version_info >= (3, 14):
            from concurrent import interpreters

            interpreter = interpreters.create()
            interpreter.exec("import json, datetime; assert json.loads('[1]') == [1]")
            interpreter.close()
            return
        name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
        interpreters = importlib.import_module(name)
        interpreter = interpreters.create()
        interpreters.run_string(interpreter, "assert 6 * 7 == 42")
        interpreters.destroy(interpreter)

    @unittest.skipUnless(FREETHREADED, "only without the GIL")
    def test_no_lock(self):
        self.assertFalse(sys._is_gil_enabled())


@unittest.skipUnless(LINUX, "Linux only")
class Kernel(InDirectory):
    """What today's Linux has and the C library that we compile for has not."""

    def since(self, *version):
        release = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
        if release < version:
            self.skipTest("the kernel is older than %d.%d" % version)

    def test_memfd(self):
        self.since(3, 17)
        fd = os.memfd_create("name", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(fd, b"hello")
        self.assertEqual(os.pread(fd, 5, 0), b"hello")
        os.close(fd)

    def test_getrandom(self):
        self.since(3, 17)
        self.assertEqual(len(os.getrandom(16, os.GRND_NONBLOCK)), 16)

    def test_copy_file_range(self):
        self.since(4, 5)
        with open(self.directory / "a", "w+b") as a, open(self.directory / "b", "w+b") as b:
            a.write(b"0123456789")
            a.flush()
            self.assertEqual(os.copy_file_range(a.fileno(), b.fileno(), 5, offset_src=2), 5)
            self.assertEqual(os.pread(b.fileno(), 10, 0), b"23456")

    def test_pidfd(self):
        self.since(5, 3)
        child = os.fork()
        if child == 0:
            time.sleep(30)
            os._exit(0)
        fd = os.pidfd_open(child)
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        self.assertTrue(select.select([fd], [], [], 10)[0])
        status = os.waitid(os.P_PIDFD, fd, os.WEXITED)
        self.assertEqual(status.si_status, signal.SIGKILL)
        os.close(fd)

    @unittest.skipIf(MUSL, "musl 1.2.2, which it has to run with, has no preadv2() and pwritev2()")
    @not_emulated("qemu-user has no preadv2() and pwritev2()")
    def test_vectors_with_flags(self):
        self.since(4, 7)
        fd = os.open(self.directory / "file", os.O_RDWR | os.O_CREAT)
        self.addCleanup(os.close, fd)
        self.assertEqual(os.pwritev(fd, [b"abc", b"def"], 1, os.RWF_DSYNC), 6)
        buffers = [bytearray(2), bytearray(4)]
        self.assertEqual(os.preadv(fd, buffers, 1, os.RWF_HIPRI), 6)
        self.assertEqual(buffers, [b"ab", b"cdef"])
        self.assertEqual(os.pwritev(fd, [b"end"], 0, os.RWF_APPEND), 3)

    def test_close_range(self):
        fds = [os.dup(0) for _ in range(5)]
        os.closerange(min(fds), max(fds) + 1)
        for fd in fds:
            with self.assertRaises(OSError):
                os.fstat(fd)

    @unittest.skipIf(sys.version_info < (3, 10), "since 3.10")
    def test_eventfd_and_splice(self):
        fd = os.eventfd(3, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.assertEqual(os.eventfd_read(fd), 3)
        os.close(fd)
        read, write = os.pipe()
        with open(self.directory / "file", "w+b") as file:
            file.write(b"0123456789")
            file.flush()
            self.assertEqual(os.splice(file.fileno(), write, 4, offset_src=3), 4)
            self.assertEqual(os.read(read, 10), b"3456")
        os.close(read)
        os.close(write)

    def test_names(self):
        """Functions and constants that depend on the headers it was compiled with."""
        wanted = {
            "os": "memfd_create getrandom copy_file_range pidfd_open eventfd splice posix_fallocate sendfile sched_setaffinity "
            "setxattr waitid pipe2 prlimit- getresuid P_PIDFD MFD_HUGETLB RWF_NOWAIT GRND_RANDOM SCHED_BATCH O_TMPFILE O_PATH SEEK_DATA",
            "socket": "AF_VSOCK AF_ALG AF_CAN AF_PACKET AF_NETLINK AF_TIPC AF_QIPCRTR SO_INCOMING_CPU TCP_FASTOPEN TCP_USER_TIMEOUT "
            "IPPROTO_MPTCP IPPROTO_UDPLITE CAN_RAW CAN_ISOTP CAN_J1939 CAN_BCM SO_REUSEPORT SO_DOMAIN SO_PROTOCOL SO_MARK "
            "VMADDR_CID_ANY TCP_NOTSENT_LOWAT TCP_QUICKACK TCP_CONGESTION IP_RECVTOS SOCK_CLOEXEC",
            "select": "EPOLLEXCLUSIVE EPOLLONESHOT epoll",
            "fcntl": "F_ADD_SEALS F_GET_SEALS F_SEAL_WRITE F_OFD_SETLK F_SETPIPE_SZ FICLONE-",
            "mmap": "MADV_HUGEPAGE MADV_FREE MADV_DONTDUMP MAP_POPULATE",
            "signal": "pidfd_send_signal pthread_kill sigtimedwait set_wakeup_fd",
            "resource": "RLIMIT_RTTIME RLIMIT_SIGPENDING prlimit RUSAGE_THREAD",
            "time": "CLOCK_BOOTTIME CLOCK_TAI clock_settime pthread_getcpuclockid",
        }
        if sys.version_info >= (3, 12):
            wanted["os"] += " unshare setns CLONE_NEWUSER CLONE_NEWCGROUP CLONE_NEWTIME" + (
                "" if MUSL else " PIDFD_NONBLOCK"
            )
        if sys.version_info >= (3, 11):
            wanted["os"] += " login_tty"
        if sys.version_info >= (3, 13):
            wanted["os"] += " timerfd_create TFD_TIMER_CANCEL_ON_SET posix_openpt grantpt ptsname"
        for module, names in wanted.items():
            there = importlib.import_module(module)
            for name in names.split():
                if not name.endswith("-"):
                    with self.subTest("%s.%s" % (module, name)):
                        self.assertTrue(hasattr(there, name))

    def test_monotonic_locks(self):
        self.assertEqual(time.get_clock_info("monotonic").implementation, "clock_gettime(CLOCK_MONOTONIC)")
        if sys.version_info >= (3, 11) and not FREETHREADED and not MUSL:
            self.assertEqual(sysconfig.get_config_var("HAVE_SEM_CLOCKWAIT"), 1)


# ---- A tree that lies anywhere ---------------------------------------------------------------------------------------

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

    @not_emulated("the script in the interpreter's place never learns its argv[0]")
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
        # As uname has it, which says nothing of 32-bit programs on 64-bit kernels.
        machine = {("x86_64", 4): "i686"}.get((platform.machine(), struct.calcsize("P")), platform.machine())
        hard_float = sysconfig.get_config_var("HOST_GNU_TYPE").endswith("hf")
        if machine.startswith("mips") or machine.startswith("arm") and not hard_float:
            self.skipTest("manylinux has nothing for this platform")
        if machine.startswith("arm") and ARGUMENTS.emulated:
            self.skipTest("emulated: pip looks for the float ABI in the interpreter's file, and finds a script")
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
            self.assertIsNotNone(shutil.which(name), "there is no " + name)
        found = [name for name in ("gcc", "clang") if shutil.which(name) and self.is_for_this_platform(name)]
        if not found:
            self.skipTest("there is neither gcc nor clang for this platform")
        return found

    @staticmethod
    def is_for_this_platform(compiler):
        """Does it make programs for the CPU and libc that this Python is for?  GNU triples: CPU-VENDOR-linux-LIBC."""
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
                # As setuptools does it: the flags that sysconfig knows, with CC in place of the compiler.
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


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--require-display", action="store_true")
    parser.add_argument("--require-compilers", default="")
    parser.add_argument("--emulated", action="store_true")
    parser.add_argument("--without-static-library", action="store_true", help="as in the install_only archive")
    _, rest = parser.parse_known_args(namespace=ARGUMENTS)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONHOME", "PYTHONPATH"):
        os.environ.pop(name, None)
    # Others' modules of the same names must not be found beside this file.
    result = unittest.main(module=__name__, argv=[sys.argv[0], *rest], exit=False).result
    for test, reason in result.skipped:
        print("skipped %s: %s" % (test.id().split(".", 1)[1], reason), file=sys.stderr)
    sys.exit(not (result.testsRun and result.wasSuccessful()))


if __name__ == "__main__":
    main()
