/* expat's configuration for macOS, and for Linux with musl or glibc 2.17 or newer. */
#ifndef EXPAT_CONFIG_H
#define EXPAT_CONFIG_H 1

/* Both GCC and clang define __BYTE_ORDER__. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BYTEORDER 4321
#define WORDS_BIGENDIAN 1
#else
#define BYTEORDER 1234
#endif

/* The source of the hash's salt: the kernel's system call, otherwise its device.  glibc 2.17 has no getrandom(). */
#ifdef __APPLE__
#define HAVE_ARC4RANDOM_BUF 1
#else
#define HAVE_SYSCALL_GETRANDOM 1
#define XML_DEV_URANDOM 1
#endif

#define HAVE_FCNTL_H 1
#define HAVE_MMAP 1
#define HAVE_GETPAGESIZE 1
#define HAVE_STDINT_H 1
#define HAVE_STDLIB_H 1
#define HAVE_STRING_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_UNISTD_H 1
#define STDC_HEADERS 1

/* Features that CPython's pyexpat uses. */
#define XML_CONTEXT_BYTES 1024
#define XML_DTD 1
#define XML_GE 1
#define XML_NS 1

#endif
