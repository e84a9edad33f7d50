/* glibc 2.27 has memfd_create(), 2.25 MADV_FREE. */
#include_next <sys/mman.h>
#ifndef GLIBC_COMPAT_SYS_MMAN_H
#define GLIBC_COMPAT_SYS_MMAN_H
#include <features.h>
#include <sys/syscall.h>

#if defined(__USE_GNU) && !__GLIBC_PREREQ(2, 27)
#include <linux/memfd.h>
extern long int syscall(long int number, ...);
static inline int
glibc_compat_memfd_create(const char *name, unsigned int flags)
{
    return (int)syscall(SYS_memfd_create, name, flags);
}
#define memfd_create glibc_compat_memfd_create
#endif

#ifdef __USE_MISC
#ifndef MADV_FREE
#define MADV_FREE 8
#endif
#endif
#endif
