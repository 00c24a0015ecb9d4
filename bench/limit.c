/*
 * limit.c - what no client of COPY can beat: receive the rows of a query and throw them away.
 *
 *     bench_limit URL SQL     prints one line of JSON: wall_s, client_cpu_s, peak_bytes, bytes
 *
 * The query runs as COPY (SQL) TO STDOUT (FORMAT binary), connecting included.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static double
seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static int
fail(PGconn *conn)
{
    fprintf(stderr, "bench_limit: %s", PQerrorMessage(conn));
    PQfinish(conn);
    return 1;
}

/* Bytes received, or -1. */
static long long
receive(PGconn *conn)
{
    long long bytes = 0;
    PGresult *last;
    char *row;
    int len, is_ok;

    while ((len = PQgetCopyData(conn, &row, 0)) > 0) {
        bytes += len;
        PQfreemem(row);
    }
    if (len != -1)
        return -1;
    last = PQgetResult(conn);
    is_ok = PQresultStatus(last) == PGRES_COMMAND_OK;
    PQclear(last);
    return is_ok ? bytes : -1;
}

int
main(int argc, char **argv)
{
    double started = seconds_now();
    struct rusage used;
    char sql[65536];
    PGconn *conn;
    PGresult *result;
    long long bytes;

    if (argc != 3 || snprintf(sql, sizeof sql, "COPY (%s) TO STDOUT (FORMAT binary)", argv[2]) >=
                         (int) sizeof sql) {
        fprintf(stderr, "usage: bench_limit URL SQL\n");
        return 2;
    }
    conn = PQconnectdb(argv[1]);
    if (PQstatus(conn) != CONNECTION_OK)
        return fail(conn);
    result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_COPY_OUT) {
        PQclear(result);
        return fail(conn);
    }
    PQclear(result);
    bytes = receive(conn);
    if (bytes < 0)
        return fail(conn);
    PQfinish(conn);
    getrusage(RUSAGE_SELF, &used);
    printf("{\"wall_s\": %.6f, \"client_cpu_s\": %.6f, \"peak_bytes\": %ld, \"bytes\": %lld}\n",
           seconds_now() - started,
           (double) (used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double) (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
           used.ru_maxrss * 1024L, bytes);
    return 0;
}
