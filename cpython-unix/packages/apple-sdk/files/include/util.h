/* The functions in Darwin's <util.h> that open terminals; zig's headers lack the file.  See openpty(3). */
#ifndef _UTIL_H_
#define _UTIL_H_

#include <sys/types.h>
#include <sys/ioctl.h>
#include <termios.h>

int forkpty(int *, char *, struct termios *, struct winsize *);
int login_tty(int);
int openpty(int *, int *, char *, struct termios *, struct winsize *);

#endif
