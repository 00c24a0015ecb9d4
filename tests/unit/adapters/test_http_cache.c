/*
 * test_http_cache.c - files of the cache where the disk is full, and what a killed process left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapters/common/http_cache.h"

static const uint8_t key[IDC_SHA256_BYTES] = { 1, 2, 3 };
static const IdcHttpResponse response = { .status = 200, .url = "http://a/", .content_type = "" };

static int
make_directory(void **state)
{
    char path[] = "/tmp/instant-cache-XXXXXX";

    *state = mkdtemp(path) != NULL ? strdup(path) : NULL;
    return *state != NULL ? 0 : -1;
}

static int
remove_directory(void **state)
{
    char name[256], hex[IDC_SHA256_HEX];

    idc_sha256_hex(key, hex);
    (void) snprintf(name, sizeof name, "%s/%s", (char *) *state, hex);
    (void) unlink(name);
    assert_int_equal(rmdir(*state), 0);
    free(*state);
    return 0;
}

static void
store(const char *directory, bool is_there)
{
    IdcHttpCache *cache = idc_http_cache_new(65536, directory);
    IdcHttpCacheEntry *entry;

    assert_non_null(cache);
    idc_http_cache_store(cache, key, &response, "body", 4);
    idc_http_cache_free(cache);
    entry = idc_http_cache_file_read(directory, key, 65536);
    assert_int_equal(entry != NULL, is_there);
    if (entry != NULL)
        idc_arena_free(entry->arena);
}

static int
count_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void
a_full_disk_costs_no_descriptor(void **state)
{
    struct rlimit before, none;
    int count = count_descriptors();

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
    (void) signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    for (int i = 0; i < 3; i++)
        store(*state, false);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(count_descriptors(), count);
    store(*state, true);
}

static bool
make_old(const char *directory, const char *file, int64_t age_s, char *path, size_t size)
{
    struct timespec times[2];
    int fd;

    (void) snprintf(path, size, "%s/%s", directory, file);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= age_s;
    times[1] = times[0];
    assert_int_equal(futimens(fd, times), 0);
    return close(fd) == 0;
}

static void
what_a_killed_process_left_is_removed(void **state)
{
    char hex[IDC_SHA256_HEX], unfinished[128], fresh[128], paths[3][256];

    idc_sha256_hex(key, hex);
    (void) snprintf(unfinished, sizeof unfinished, ".%s.1a2b", hex);
    (void) snprintf(fresh, sizeof fresh, ".%s.3c4d", hex);
    assert_true(make_old(*state, unfinished, 3600, paths[0], sizeof paths[0]));
    assert_true(make_old(*state, fresh, 1, paths[1], sizeof paths[1]));
    assert_true(make_old(*state, ".somebody-else", 3600, paths[2], sizeof paths[2]));
    store(*state, true);
    assert_int_not_equal(access(paths[0], F_OK), 0);
    assert_int_equal(unlink(paths[1]), 0);
    assert_int_equal(unlink(paths[2]), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_costs_no_descriptor, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(what_a_killed_process_left_is_removed, make_directory,
                                        remove_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
