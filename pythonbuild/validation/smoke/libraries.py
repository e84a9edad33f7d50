"""Test the standard library's modules, and the libraries that are linked into them."""

import ctypes
import importlib
import locale
import os
import socket
import sys
import threading
import unittest

from harness import LINUX, PYTHON, STATIC, InDirectory, clean_environment, needs_utf8_locale, not_static, python, run

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

# Modules of the standard library that are for other platforms, or that this distribution omits.
ABSENT = {
    *"_android_support _apple_support _ios_support _aix_support _osx_support _scproxy _overlapped _winapi _winreg _wmi".split(),
    *"asyncio.windows_events msilib msvcrt nt ntpath winreg winsound _msi".split(),
    *"_gdbm nis ossaudiodev _testclinic _testclinic_limited xxlimited xxlimited_35 idlelib test".split(),
}
"""They may be importable or not."""


class Modules(unittest.TestCase):
    def test_every_module_can_be_imported(self):
        names = sorted(getattr(sys, "stdlib_module_names", ()))
        self.assertGreater(len(names), 250)
        # In a separate process, because some modules have side effects.
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
        from compression import zstd  # novm

        self.check(zstd)
        # Workers exist only if the library was built with threads.
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
        # PEP 538 and 540: the C locale uses UTF-8.
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
