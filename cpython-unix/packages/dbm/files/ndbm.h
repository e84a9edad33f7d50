/* The ndbm interface of POSIX. */
#ifndef NDBM_H
#define NDBM_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    char *dptr;
    int dsize;
} datum;

typedef struct dbm DBM;

/* dbm_store(): keep an existing entry and return 1, or overwrite it. */
#define DBM_INSERT 0
#define DBM_REPLACE 1

/* The database is the file with this name and ".db" appended.  Contents may have any size, keys some 8000 bytes. */
DBM *dbm_open(const char *name, int flags, mode_t mode);
void dbm_close(DBM *);
/* The results of these three are valid until the next call of the same kind: fetch, or firstkey and nextkey. */
datum dbm_fetch(DBM *, datum key);
datum dbm_firstkey(DBM *);
datum dbm_nextkey(DBM *);
int dbm_store(DBM *, datum key, datum content, int mode);
int dbm_delete(DBM *, datum key);
int dbm_error(DBM *);
int dbm_clearerr(DBM *);

#ifdef __cplusplus
}
#endif

#endif
