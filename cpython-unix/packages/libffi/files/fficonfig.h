/* The results of libffi's configure on Linux and macOS, with any GCC or clang of this century. */

#define HAVE_ALLOCA_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_MEMCPY 1
#define HAVE_MKOSTEMP 1
#define HAVE_STDINT_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_UNISTD_H 1
#define STDC_HEADERS 1
/* glibc 2.17 has no memfd_create(); closures need it only on CPUs without static trampolines. */

#define SIZEOF_DOUBLE __SIZEOF_DOUBLE__
#define SIZEOF_LONG_DOUBLE __SIZEOF_LONG_DOUBLE__
#define SIZEOF_SIZE_T __SIZEOF_SIZE_T__
#if __SIZEOF_LONG_DOUBLE__ > __SIZEOF_DOUBLE__
#define HAVE_LONG_DOUBLE 1
#endif
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define WORDS_BIGENDIAN 1
#endif

/* Unwind tables: the assemblers support the directives, and the tables may be read-only. */
#define HAVE_AS_CFI_PSEUDO_OP 1
#define HAVE_RO_EH_FRAME 1
#define EH_FRAME_FLAGS "a"
#if defined(__x86_64__) && !defined(__APPLE__)
#define HAVE_AS_X86_64_UNWIND_SECTION_TYPE 1
#endif
#if defined(__x86_64__) || defined(__i386__)
#define HAVE_AS_X86_PCREL 1
#endif
#ifdef __s390x__
#define HAVE_AS_S390_ZARCH 1
#endif

/* Closures without memory that is both writable and executable, on the CPUs for which libffi has them.  On macOS for ARM, a page
   of code is mapped again beside a page of data. */
#ifdef __APPLE__
#ifdef __aarch64__
#define FFI_EXEC_TRAMPOLINE_TABLE 1
#else
#define FFI_MMAP_EXEC_WRIT 1
#endif
#elif defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || defined(__arm__) || defined(__loongarch__) \
    || defined(__s390x__) || defined(__powerpc__)
#define FFI_EXEC_STATIC_TRAMP 1
#endif

#define HAVE_HIDDEN_VISIBILITY_ATTRIBUTE 1
#if defined(LIBFFI_ASM) && defined(__APPLE__)
#define FFI_HIDDEN(name) .private_extern name
#elif defined(LIBFFI_ASM)
#define FFI_HIDDEN(name) .hidden name
#else
#define FFI_HIDDEN __attribute__((visibility("hidden")))
#endif
