/* glibc 2.21 has this. */
#include_next <time.h>
#ifndef CLOCK_TAI
#define CLOCK_TAI 11
#endif
