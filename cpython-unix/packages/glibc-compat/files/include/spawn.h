/* glibc 2.26 knows the flag; an older one rejects it at run time. */
#include_next <spawn.h>
#ifdef __USE_GNU
#ifndef POSIX_SPAWN_SETSID
#define POSIX_SPAWN_SETSID 0x80
#endif
#endif
