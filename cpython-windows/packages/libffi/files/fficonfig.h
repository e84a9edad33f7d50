/* The results of libffi's configure on Windows with Visual C++. */

#define HAVE_INTTYPES_H 1
#define HAVE_MEMCPY 1
#define HAVE_STDINT_H 1
#define HAVE_SYS_STAT_H 1
#define STDC_HEADERS 1

#define SIZEOF_DOUBLE 8
#define SIZEOF_LONG_DOUBLE 8
#ifdef _WIN64
#define SIZEOF_SIZE_T 8
#else
#define SIZEOF_SIZE_T 4
#endif

/* The linker's names of C functions start with an underscore. */
#ifdef _M_IX86
#define SYMBOL_UNDERSCORE 1
#endif

/* Windows has neither symbol visibility nor sections with unwind rules. */
#ifdef LIBFFI_ASM
#define FFI_HIDDEN(name)
#else
#define FFI_HIDDEN
#endif
