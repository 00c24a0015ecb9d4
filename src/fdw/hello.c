/*
 * hello.c - what a source process gets to know of its server.
 */
#include "fdw/process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relation/bucket.h"
#include <access/htup_details.h>
#include <access/reloptions.h>
#include <catalog/pg_user_mapping.h>
#include <miscadmin.h>
#include <storage/fd.h>
#include <utils/syscache.h>

/* In the data directory: what processes of ours share, and keep over restarts. */
#define FOLDER "instant_fdw"
#define DEFAULT_MEMORY_BYTES (INT64CONST(512) * 1024 * 1024)

Oid
fdw_mapping_find(Oid server, Oid user, List **options)
{
    HeapTuple tuple =
        SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(user), ObjectIdGetDatum(server));
    bool is_null;
    Datum datum;
    Oid found;

    if (!HeapTupleIsValid(tuple)) /* PUBLIC's */
        tuple = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
                                ObjectIdGetDatum(server));
    if (!HeapTupleIsValid(tuple))
        return InvalidOid;
    found = ((Form_pg_user_mapping) GETSTRUCT(tuple))->oid;
    datum = SysCacheGetAttr(USERMAPPINGUSERSERVER, tuple, Anum_pg_user_mapping_umoptions, &is_null);
    if (options != NULL)
        *options = is_null ? NIL : untransformRelOptions(datum);
    ReleaseSysCache(tuple);
    return found;
}

/* A folder that only the server's user can read; raises if it cannot be made. */
static void
make_folder(const char *path)
{
    if (MakePGDirectory(path) != 0 && errno != EEXIST)
        ereport(ERROR,
                (errcode_for_file_access(), errmsg("could not create directory \"%s\": %m", path)));
}

/* Answers are kept for each user mapping alone: what one may see another may not. */
static const char *
cache_directory(const FdwProcess *process)
{
    const char *path = psprintf("%s/" FOLDER "/cache.%u.%u.%u", DataDir, MyDatabaseId,
                                process->server, process->mapping);

    make_folder(FOLDER);
    make_folder(path);
    return path;
}

void
fdw_hello_write(const FdwProcess *process, const FdwServer *server,
                const IdcOptionSet *user_options, IdcText *bytes)
{
    int64 memory =
        idc_adapter_option_number(server->declaration, &server->options, "source_memory");
    IdcHello hello = {
        .version = IDC_MESSAGE_VERSION,
        .adapter = server->declaration->name,
        .server_name = server->name,
        .server_options = server->options,
        .user_options = *user_options,
        .credential_directory =
            process->credential_directory[0] != '\0' ? process->credential_directory : NULL,
        .cache_directory = cache_directory(process),
        .memory_bytes = memory > 0 ? memory : DEFAULT_MEMORY_BYTES,
        .may_use_local = superuser_arg(server->owner),
    };

    idc_hello_write(&hello, bytes);
}

/* A rate, or connections: those wait for each other even without max_connections, at the source's
 * own limit. */
static bool
has_shared_limit(const FdwServer *server)
{
    const char *rate = idc_adapter_option_text(server->declaration, &server->options, "rate_limit");

    if (rate != NULL && strtod(rate, NULL) > 0)
        return true;
    return idc_adapter_option_find(server->declaration, IDC_OPTION_SERVER, "max_connections") !=
           NULL;
}

int
fdw_shared_file_open(const FdwServer *server)
{
    char *path;
    int fd;

    if (!has_shared_limit(server))
        return -1;
    make_folder(FOLDER);
    path = psprintf(FOLDER "/shared.%u.%u", MyDatabaseId, server->oid);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && ftruncate(fd, IDC_SHARED_FILE_BYTES) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    ereport(ERROR, (errcode_for_file_access(), errmsg("could not open file \"%s\": %m", path)));
}
