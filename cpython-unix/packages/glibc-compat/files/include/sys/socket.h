/* glibc 2.18 to 2.27 added these. */
#include_next <sys/socket.h>
#ifndef PF_VSOCK
#define PF_VSOCK 40
#endif
#ifndef AF_VSOCK
#define AF_VSOCK PF_VSOCK
#endif
#ifndef PF_QIPCRTR
#define PF_QIPCRTR 42
#endif
#ifndef AF_QIPCRTR
#define AF_QIPCRTR PF_QIPCRTR
#endif
#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif
#ifndef SOL_TIPC
#define SOL_TIPC 271
#endif
#ifndef SOL_RDS
#define SOL_RDS 276
#endif
#ifndef SOL_ALG
#define SOL_ALG 279
#endif
