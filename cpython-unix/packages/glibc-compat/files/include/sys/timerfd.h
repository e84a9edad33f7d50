/* glibc 2.34 has the flag. */
#include_next <sys/timerfd.h>
#ifndef TFD_TIMER_CANCEL_ON_SET
#define TFD_TIMER_CANCEL_ON_SET (1 << 1)
#endif
