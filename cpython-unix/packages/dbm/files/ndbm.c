/*
 * The ndbm interface over libdb2's B-tree.
 *
 * libdb2's own ndbm interface uses its hash tables.  They have room for 2047 overflow pages per doubling, which some ten
 * thousand values of a few kilobytes fill.  The B-tree has no such limit, and MIT Kerberos keeps its own database in a
 * B-tree.
 */
#include "db-int.h"
#include "btree.h"
#include "ndbm.h"

#include <string.h>

struct buffer {
    void *data;
    size_t size;
};

struct dbm {
    DB *db;
    int error;
    struct buffer key, content;
};

/* Copy a result: the next call changes the tree's own memory, and callers pass the keys that they got to dbm_delete(). */
static datum keep(DBM *dbm, struct buffer *buffer, const DBT *found)
{
    datum result = {NULL, 0};

    if (found->size > INT_MAX)
        goto failed;
    if (buffer->data == NULL || buffer->size < found->size) {
        size_t size = found->size < 256 ? 256 : found->size;
        void *data = realloc(buffer->data, size);

        if (data == NULL)
            goto failed;
        buffer->data = data;
        buffer->size = size;
    }
    memcpy(buffer->data, found->data, found->size);
    result.dptr = buffer->data;
    result.dsize = (int)found->size;
    return result;
failed:
    dbm->error = ENOMEM;
    return result;
}

static int failed(DBM *dbm)
{
    dbm->error = errno ? errno : EIO;
    return -1;
}

/* With pages of this size, a key may have some 8000 bytes; larger contents get pages of their own. */
static const BTREEINFO shape = {.psize = 16384, .cachesize = 1 << 20};

DBM *dbm_open(const char *name, int flags, mode_t mode)
{
    static const char suffix[] = ".db";
    size_t length = strlen(name);
    char *path = malloc(length + sizeof(suffix));
    DBM *dbm = calloc(1, sizeof(*dbm));

    if (path != NULL && dbm != NULL) {
        memcpy(path, name, length);
        memcpy(path + length, suffix, sizeof(suffix));
        /* Writing an entry requires reading its page. */
        if ((flags & O_ACCMODE) == O_WRONLY)
            flags = (flags & ~O_ACCMODE) | O_RDWR;
        dbm->db = __bt_open(path, flags, mode, &shape, 0);
    }
    free(path);
    if (dbm == NULL || dbm->db == NULL) {
        free(dbm);
        return NULL;
    }
    return dbm;
}

void dbm_close(DBM *dbm)
{
    dbm->db->close(dbm->db);
    free(dbm->key.data);
    free(dbm->content.data);
    free(dbm);
}

datum dbm_fetch(DBM *dbm, datum key)
{
    DBT wanted = {key.dptr, key.dsize}, found;
    datum none = {NULL, 0};

    switch (dbm->db->get(dbm->db, &wanted, &found, 0)) {
    case RET_SUCCESS:
        return keep(dbm, &dbm->content, &found);
    case RET_ERROR:
        failed(dbm);
    }
    return none;
}

static datum next(DBM *dbm, int which)
{
    DBT key, content;
    datum none = {NULL, 0};

    switch (dbm->db->seq(dbm->db, &key, &content, which)) {
    case RET_SUCCESS:
        return keep(dbm, &dbm->key, &key);
    case RET_ERROR:
        failed(dbm);
    }
    return none;
}

datum dbm_firstkey(DBM *dbm)
{
    return next(dbm, R_FIRST);
}

datum dbm_nextkey(DBM *dbm)
{
    return next(dbm, R_NEXT);
}

int dbm_store(DBM *dbm, datum key, datum content, int mode)
{
    DBT k = {key.dptr, key.dsize}, c = {content.dptr, content.dsize};
    const BTREE *tree = dbm->db->internal;
    int result;

    /* libdb2 stores a key that needs a page of its own where no search finds it. */
    if (k.size > tree->bt_ovflsize - NOVFLSIZE) {
        errno = EINVAL;
        return failed(dbm);
    }
    result = dbm->db->put(dbm->db, &k, &c, mode == DBM_INSERT ? R_NOOVERWRITE : 0);
    return result == RET_ERROR ? failed(dbm) : result;
}

int dbm_delete(DBM *dbm, datum key)
{
    DBT k = {key.dptr, key.dsize};

    switch (dbm->db->del(dbm->db, &k, 0)) {
    case RET_SUCCESS:
        return 0;
    case RET_ERROR:
        return failed(dbm);
    }
    return -1;
}

int dbm_error(DBM *dbm)
{
    return dbm->error;
}

int dbm_clearerr(DBM *dbm)
{
    dbm->error = 0;
    return 0;
}

/* The B-tree calls __dbpanic() if it cannot finish splitting its root; after that, nothing may touch the file. */
static int no_del(const DB *db, const DBT *key, u_int flags)
{
    return RET_ERROR;
}

static int no_get(const DB *db, const DBT *key, DBT *data, u_int flags)
{
    return RET_ERROR;
}

static int no_put(const DB *db, DBT *key, const DBT *data, u_int flags)
{
    return RET_ERROR;
}

static int no_seq(const DB *db, DBT *key, DBT *data, u_int flags)
{
    return RET_ERROR;
}

static int no_sync(const DB *db, u_int flags)
{
    return RET_ERROR;
}

void __dbpanic(DB *db)
{
    db->del = no_del;
    db->get = no_get;
    db->put = no_put;
    db->seq = no_seq;
    db->sync = no_sync;
}
