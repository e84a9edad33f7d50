/* glibc 2.27 has copy_file_range(), 2.34 close_range(). */
#include_next <unistd.h>
#ifndef GLIBC_COMPAT_UNISTD_H
#define GLIBC_COMPAT_UNISTD_H
#include <features.h>
#include <sys/syscall.h>

#if defined(__USE_GNU) && !__GLIBC_PREREQ(2, 27)
static inline ssize_t
glibc_compat_copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t length, unsigned int flags)
{
    return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, length, flags);
}
#define copy_file_range glibc_compat_copy_file_range
#endif

#if defined(__USE_GNU) && !__GLIBC_PREREQ(2, 34)
static inline int
glibc_compat_close_range(unsigned int first, unsigned int last, int flags)
{
    return (int)syscall(SYS_close_range, first, last, flags);
}
#define close_range glibc_compat_close_range
#endif
#endif
