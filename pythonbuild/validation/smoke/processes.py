"""Test processes, threads and kernel features."""

import importlib
import os
import platform
import select
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import unittest

from harness import FREETHREADED, LINUX, MUSL, PYTHON, InDirectory, not_emulated, python


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
        """C code can recurse as deeply as CPython allows, in a thread too."""
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
            from concurrent import interpreters  # novm

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
        self.assertFalse(sys._is_gil_enabled())  # novm


@unittest.skipUnless(LINUX, "Linux only")
class Kernel(InDirectory):
    """Features of today's Linux that the C library we compile for lacks."""

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
        """Look up functions and constants that depend on the headers CPython was compiled with."""
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
