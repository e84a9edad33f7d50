/* glibc 2.30 has sem_clockwait(). */
#include_next <semaphore.h>
#ifndef GLIBC_COMPAT_SEMAPHORE_H
#define GLIBC_COMPAT_SEMAPHORE_H
#include <features.h>
#include <dlfcn.h>
#include <errno.h>
#include <time.h>

#if defined(__USE_GNU) && !__GLIBC_PREREQ(2, 30)
/* Older functions cannot wait on a clock other than the system's time, so this calls the function of the running
   glibc.  If that glibc is too old as well, it waits for the remaining time on the system's clock, as a Python does
   that was compiled for such a glibc. */
static inline int
glibc_compat_sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *deadline)
{
    typedef int (*sem_clockwait_type)(sem_t *, clockid_t, const struct timespec *);
    static sem_clockwait_type real;
    static int looked;
    sem_clockwait_type function;

    if (!__atomic_load_n(&looked, __ATOMIC_ACQUIRE)) {
        int saved_errno = errno;
        __atomic_store_n(&real, (sem_clockwait_type)dlsym(RTLD_DEFAULT, "sem_clockwait"), __ATOMIC_RELAXED);
        __atomic_store_n(&looked, 1, __ATOMIC_RELEASE);
        errno = saved_errno;
    }
    function = __atomic_load_n(&real, __ATOMIC_RELAXED);
    if (function != NULL) {
        return function(semaphore, clock, deadline);
    }

    struct timespec now, system, until;
    if (clock_gettime(clock, &now) != 0 || clock_gettime(CLOCK_REALTIME, &system) != 0) {
        return -1;
    }
    until.tv_sec = system.tv_sec + (deadline->tv_sec - now.tv_sec);
    until.tv_nsec = system.tv_nsec + (deadline->tv_nsec - now.tv_nsec);
    while (until.tv_nsec < 0) {
        until.tv_nsec += 1000000000;
        until.tv_sec -= 1;
    }
    while (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec += 1;
    }
    return sem_timedwait(semaphore, &until);
}
#define sem_clockwait glibc_compat_sem_clockwait
#endif
#endif
