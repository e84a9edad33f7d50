/* glibc 2.36 has this header; Python uses only the constant from it. */
#ifndef GLIBC_COMPAT_SYS_PIDFD_H
#define GLIBC_COMPAT_SYS_PIDFD_H
#include <fcntl.h>
#define PIDFD_NONBLOCK O_NONBLOCK
#endif
