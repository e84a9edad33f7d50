/* glibc 2.36 and later have these. */
#include_next <sched.h>
#ifdef __USE_GNU
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#endif
