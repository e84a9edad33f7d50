/* glibc 2.26 has preadv2() and pwritev2(). */
#include_next <sys/uio.h>
#ifndef GLIBC_COMPAT_SYS_UIO_H
#define GLIBC_COMPAT_SYS_UIO_H
#include <features.h>
#include <sys/syscall.h>

#if defined(__USE_GNU) && !__GLIBC_PREREQ(2, 26)
extern long int syscall(long int number, ...);

#ifndef RWF_HIPRI
#define RWF_HIPRI 0x00000001
#define RWF_DSYNC 0x00000002
#define RWF_SYNC 0x00000004
#define RWF_NOWAIT 0x00000008
#define RWF_APPEND 0x00000010
#endif

/* The kernel takes the offset in two halves.  If long has 64 bits, it reads only the first one. */
static inline ssize_t
glibc_compat_preadv2(int fd, const struct iovec *buffers, int count, off_t offset, int flags)
{
    return syscall(SYS_preadv2, fd, buffers, count, (long)offset, (long)((unsigned long long)offset >> 32), flags);
}
#define preadv2 glibc_compat_preadv2

static inline ssize_t
glibc_compat_pwritev2(int fd, const struct iovec *buffers, int count, off_t offset, int flags)
{
    return syscall(SYS_pwritev2, fd, buffers, count, (long)offset, (long)((unsigned long long)offset >> 32), flags);
}
#define pwritev2 glibc_compat_pwritev2
#endif
#endif
