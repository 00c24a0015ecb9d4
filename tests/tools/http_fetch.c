/*
 * http_fetch.c - the HTTP client of the adapters as a command, for tests/http.
 *
 *   http_fetch [-o SERVER_OPTION=VALUE] [-u USER_OPTION=VALUE] [-X METHOD] [-d BODY] [-H 'NAME:
 * VALUE']
 *              [-k IDEMPOTENCY_KEY] [-i] [-P] [-q] [-t CONTENT_TYPE] [-a STATUS] [-C
 * CACHE_DIRECTORY]
 *              [-L] [-c CANCEL_AFTER_MS] [-T CALL_TIMEOUT_MS] [-s PAUSE_BETWEEN_READS_MS]
 *              [-j THREADS] [-n ROUNDS] [-l READ_AT_MOST_BYTES] URL…
 *
 * -L: the server's owner is no superuser; -i: idempotent; -P: public; -q: no SHA-256. Each thread
 * opens all URLs at once and reads them one by one. Prints a JSON object a line: of each URL, and
 * of each thread.
 *
 * Names come from $HTTP_FETCH_HOSTS ("name=address …") before the system is asked; the address
 * "dead" answers after ten seconds. With $HTTP_FETCH_FAIL=N the Nth allocation fails (of the
 * client's own and of what it calls; not in builds with sanitizers, which have allocators of their
 * own).
 */
#include <dlfcn.h>
#include <getopt.h>
#include <inttypes.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/common/declare_http.h"
#include "adapters/common/http.h"
#include "adapters/common/http_sha256.h"

enum { MAX_GIVEN = 64, SHOWN_BYTES = 4000 };

static const IdcAdapterOption options[] = {
    IDC_HTTP_OPTIONS //
    { .name = "base_url", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_URL },
    { .name = NULL },
};

static const IdcDeclaration declaration = { .name = "fetch", .options = options };

typedef struct Fetch {
    IdcOptionPair server[MAX_GIVEN], user[MAX_GIVEN];
    size_t server_count, user_count;
    IdcHttpHeader headers[MAX_GIVEN];
    const char *types[MAX_GIVEN];
    size_t type_count;
    int accepted[MAX_GIVEN];
    size_t accepted_count;
    IdcHttpRequest request;
    const char *cache_directory;
    bool is_unprivileged, is_quiet;
    int cancel_ms, timeout_ms, pause_ms, threads, rounds;
    int64_t read_at_most;
    char **urls;
    int url_count;
    IdcHttpClient *client;
    pthread_mutex_t print;
} Fetch;

/* ---- a resolver of our own ---- */

typedef int Resolve(const char *name, const char *service, const struct addrinfo *hints,
                    struct addrinfo **found);

static bool
find_host(const char *name, char *address, size_t size)
{
    const char *hosts = getenv("HTTP_FETCH_HOSTS");
    size_t len = strlen(name);

    for (; hosts != NULL && *hosts != '\0'; hosts += strspn(hosts, " ")) {
        size_t part = strcspn(hosts, " ");

        if (part > len + 1 && strncmp(hosts, name, len) == 0 && hosts[len] == '=' &&
            part - len - 1 < size) {
            memcpy(address, hosts + len + 1, part - len - 1);
            address[part - len - 1] = '\0';
            return true;
        }
        hosts += part;
    }
    return false;
}

/* libcurl, a shared library, calls the program's instead of libc's. */
__attribute__((visibility("default"))) int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **found)
{
    Resolve *real = (Resolve *) dlsym(RTLD_NEXT, "getaddrinfo");
    char address[64];

    if (name == NULL || !find_host(name, address, sizeof address))
        return real(name, service, hints, found);
    if (strcmp(address, "dead") == 0) {
        sleep(10);
        return EAI_AGAIN;
    }
    return real(address, service, hints, found);
}

/* ---- memory that runs out ---- */

static _Thread_local bool is_armed; /* in calls of the client */
static atomic_long left_to_fail = -1;

#ifndef __SANITIZE_ADDRESS__
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static bool
is_failing(void)
{
    return is_armed && atomic_load(&left_to_fail) >= 0 && atomic_fetch_sub(&left_to_fail, 1) == 0;
}

__attribute__((visibility("default"))) void *
malloc(size_t size)
{
    return is_failing() ? NULL : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *
calloc(size_t count, size_t size)
{
    return is_failing() ? NULL : __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *
realloc(void *memory, size_t size)
{
    return is_failing() ? NULL : __libc_realloc(memory, size);
}
#endif

/* ---- output ---- */

static const char *const status_names[] = {
    "ok",           "no_memory",         "bad_value",      "bad_config",
    "not_found",    "connection_failed", "bad_credential", "source_failed",
    "query_failed", "timeout",           "canceled",       "io_failed",
    "misuse",       "unsupported",
};

static void
print_line(Fetch *fetch, IdcText *line)
{
    pthread_mutex_lock(&fetch->print);
    puts(idc_text_string(line));
    fflush(stdout);
    pthread_mutex_unlock(&fetch->print);
    idc_text_done(line);
}

static void
append_member(IdcText *line, const char *name, const char *value)
{
    idc_text_append_format(line, "%s\"%s\": ", line->len > 1 ? ", " : "", name);
    idc_text_append_json(line, value, strlen(value));
}

static void
append_count(IdcText *line, const char *name, int64_t value)
{
    idc_text_append_format(line, "%s\"%s\": %" PRId64, line->len > 1 ? ", " : "", name, value);
}

static void
append_error(IdcText *line, const IdcError *err)
{
    append_member(line, "error", status_names[err->status]);
    append_member(line, "sqlstate", err->sqlstate);
    append_member(line, "message", err->message);
    append_member(line, "hint", err->hint);
}

static void
append_response(IdcText *line, const IdcHttpResponse *response)
{
    append_count(line, "status", response->status);
    append_member(line, "url", response->url);
    append_member(line, "type", response->content_type);
    append_count(line, "cached", response->is_cached);
    append_count(line, "known_end", response->has_known_end);
    append_count(line, "headers", (int64_t) response->header_count);
}

/* ---- one URL ---- */

static IdcStatus
read_body(Fetch *fetch, IdcHttpExchange *exchange, IdcText *line, IdcError *err)
{
    uint8_t digest[IDC_SHA256_BYTES];
    char hex[IDC_SHA256_HEX];
    IdcText shown;
    IdcSha256 hash;
    int64_t total = 0;
    bool is_end = false;
    IdcStatus status = IDC_OK;

    idc_text_init(&shown, 0);
    idc_sha256_init(&hash);
    while (status == IDC_OK && !is_end &&
           (fetch->read_at_most < 0 || total < fetch->read_at_most)) {
        const void *bytes;
        size_t len;

        is_armed = true;
        status = idc_http_read(exchange, &bytes, &len, &is_end, err);
        is_armed = false;
        if (status != IDC_OK)
            break;
        if (!fetch->is_quiet)
            idc_sha256_add(&hash, bytes, len);
        total += (int64_t) len;
        if (shown.len < SHOWN_BYTES)
            idc_text_append_len(&shown, bytes, len < SHOWN_BYTES ? len : SHOWN_BYTES);
        if (fetch->pause_ms > 0)
            usleep((useconds_t) fetch->pause_ms * 1000);
    }
    idc_sha256_end(&hash, digest);
    idc_sha256_hex(digest, hex);
    append_count(line, "bytes", total);
    append_member(line, "sha256", hex);
    idc_text_append(line, ", \"body\": ");
    idc_text_append_json(line, idc_text_string(&shown), shown.len);
    idc_text_done(&shown);
    return status;
}

static void
finish(Fetch *fetch, IdcHttpExchange *exchange, IdcError *err)
{
    const IdcHttpResponse *response;
    IdcStatus status = err->status;
    IdcText line;

    idc_text_init(&line, 0);
    idc_text_append_char(&line, '{');
    is_armed = true;
    if (exchange != NULL)
        status = idc_http_response(exchange, &response, err);
    is_armed = false;
    if (status == IDC_OK) {
        append_response(&line, response);
        status = read_body(fetch, exchange, &line, err);
    }
    if (status != IDC_OK)
        append_error(&line, err);
    idc_text_append_char(&line, '}');
    print_line(fetch, &line);
    idc_http_close(exchange);
}

/* ---- a thread ---- */

typedef struct Canceler {
    IdcCall *call;
    int after_ms;
    int64_t at_us;
} Canceler;

static void *
cancel_later(void *data)
{
    Canceler *canceler = data;

    usleep((useconds_t) canceler->after_ms * 1000);
    canceler->at_us = idc_clock_us();
    idc_call_cancel(canceler->call);
    return NULL;
}

static void
fetch_all(Fetch *fetch, IdcHttpSession *session)
{
    IdcHttpExchange **exchanges = calloc((size_t) fetch->url_count, sizeof *exchanges);
    IdcError *errors = calloc((size_t) fetch->url_count, sizeof *errors);

    for (int i = 0; i < fetch->url_count; i++) {
        IdcHttpRequest request = fetch->request;

        request.url = fetch->urls[i];
        is_armed = true;
        if (idc_http_open(session, &request, &exchanges[i], &errors[i]) != IDC_OK)
            exchanges[i] = NULL;
        is_armed = false;
    }
    for (int i = 0; i < fetch->url_count; i++)
        finish(fetch, exchanges[i], &errors[i]);
    free(exchanges);
    free(errors);
}

/* Of this program alone: ru_maxrss begins with what the one that started it had. */
static int64_t
peak_kb(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    long long peak = -1;
    char line[256];

    if (status == NULL)
        return -1;
    while (peak < 0 && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmHWM: %lld kB", &peak) != 1)
            peak = -1;
    fclose(status);
    return peak;
}

static void
print_stats(Fetch *fetch, const IdcScanStats *stats, int64_t began_us, const Canceler *canceler)
{
    IdcText line;

    idc_text_init(&line, 0);
    idc_text_append_char(&line, '{');
    append_count(&line, "requests", stats->requests);
    append_count(&line, "retries", stats->retries);
    append_count(&line, "received", stats->bytes);
    append_count(&line, "cache_hits", stats->cache_hits);
    append_count(&line, "wait_us", stats->wait_us);
    append_count(&line, "elapsed_ms", (idc_clock_us() - began_us) / 1000);
    append_count(&line, "peak_kb", peak_kb());
    append_count(&line, "failed", atomic_load(&left_to_fail) < 0);
    if (canceler->at_us > 0)
        append_count(&line, "after_cancel_ms", (idc_clock_us() - canceler->at_us) / 1000);
    idc_text_append_char(&line, '}');
    print_line(fetch, &line);
}

static void *
run_thread(void *data)
{
    Fetch *fetch = data;

    for (int i = 0; i < fetch->rounds; i++) {
        IdcArena *arena = idc_arena_new(0);
        Canceler canceler = { .call = idc_call_new(), .after_ms = fetch->cancel_ms };
        IdcScanStats stats = { 0 };
        IdcHttpSession *session;
        int64_t began = idc_clock_us();
        pthread_t thread;
        IdcError err;

        if (fetch->timeout_ms >= 0)
            idc_call_set_timeout(canceler.call, fetch->timeout_ms);
        if (canceler.after_ms >= 0)
            pthread_create(&thread, NULL, cancel_later, &canceler);
        if (idc_http_session_open(fetch->client, arena, canceler.call, &stats, &session, &err) ==
            IDC_OK)
            fetch_all(fetch, session);
        idc_arena_free(arena);
        print_stats(fetch, &stats, began, &canceler);
        if (canceler.after_ms >= 0)
            pthread_join(thread, NULL);
        idc_call_free(canceler.call);
    }
    return NULL;
}

/* ---- arguments ---- */

static void
add_option(IdcOptionPair *pairs, size_t *count, char *given)
{
    char *equals = strchr(given, '=');

    if (equals == NULL || *count == MAX_GIVEN)
        exit(2);
    *equals = '\0';
    pairs[(*count)++] = (IdcOptionPair){ .name = given, .value = equals + 1 };
}

static void
add_header(Fetch *fetch, char *given)
{
    char *colon = strchr(given, ':');

    if (colon == NULL || fetch->request.header_count == MAX_GIVEN)
        exit(2);
    *colon = '\0';
    colon++;
    fetch->headers[fetch->request.header_count++] =
        (IdcHttpHeader){ .name = given, .value = colon + strspn(colon, " ") };
}

static IdcHttpMethod
method_of(const char *name)
{
    static const char *const names[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

    for (int i = 0; i < 5; i++)
        if (strcmp(name, names[i]) == 0)
            return (IdcHttpMethod) i;
    exit(2);
}

static void
read_number_option(Fetch *fetch, int letter, const char *value)
{
    int64_t number;

    if (!idc_int64_parse(value, &number))
        exit(2);
    switch (letter) {
    case 'a':
        fetch->accepted[fetch->accepted_count++] = (int) number;
        break;
    case 'c':
        fetch->cancel_ms = (int) number;
        break;
    case 'T':
        fetch->timeout_ms = (int) number;
        break;
    case 's':
        fetch->pause_ms = (int) number;
        break;
    case 'j':
        fetch->threads = (int) number;
        break;
    case 'n':
        fetch->rounds = (int) number;
        break;
    case 'l':
        fetch->read_at_most = number;
        break;
    default:
        exit(2);
    }
}

static void
read_option(Fetch *fetch, int letter, char *value)
{
    switch (letter) {
    case 'o':
        add_option(fetch->server, &fetch->server_count, value);
        break;
    case 'u':
        add_option(fetch->user, &fetch->user_count, value);
        break;
    case 'X':
        fetch->request.method = method_of(value);
        break;
    case 'd':
        fetch->request.body = value;
        fetch->request.body_len = strlen(value);
        break;
    case 'H':
        add_header(fetch, value);
        break;
    case 'k':
        fetch->request.idempotency_key = value;
        break;
    case 'i':
        fetch->request.is_idempotent = true;
        break;
    case 'q':
        fetch->is_quiet = true;
        break;
    case 'P':
        fetch->request.is_public = true;
        break;
    case 't':
        fetch->types[fetch->type_count++] = value;
        fetch->request.content_types = fetch->types;
        break;
    case 'C':
        fetch->cache_directory = value;
        break;
    case 'L':
        fetch->is_unprivileged = true;
        break;
    default:
        read_number_option(fetch, letter, value);
    }
}

static IdcStatus
make_client(Fetch *fetch, IdcError *err)
{
    IdcSourceServer server = {
        .name = "fetch",
        .options = { .items = fetch->server, .count = fetch->server_count },
        .user_options = { .items = fetch->user, .count = fetch->user_count },
        .cache_directory = fetch->cache_directory,
        .may_use_local = !fetch->is_unprivileged,
    };
    IdcHttpSettings settings;
    IdcStatus status =
        idc_adapter_options_check(&declaration, IDC_OPTION_SERVER, &server.options, err);

    if (status == IDC_OK)
        status =
            idc_adapter_options_check(&declaration, IDC_OPTION_USER, &server.user_options, err);
    if (status == IDC_OK)
        status = idc_http_settings_read(&server, &declaration, &settings, err);
    if (status != IDC_OK)
        return status;
    fetch->client = idc_http_client_new(&settings, err);
    return fetch->client != NULL ? IDC_OK : err->status;
}

int
main(int argc, char **argv)
{
    Fetch fetch = {
        .cancel_ms = -1, .timeout_ms = -1, .threads = 1, .rounds = 1, .read_at_most = -1
    };
    pthread_t threads[MAX_GIVEN];
    IdcError err;
    int letter;

    signal(SIGPIPE, SIG_IGN);
    if (getenv("HTTP_FETCH_FAIL") != NULL)
        left_to_fail = strtol(getenv("HTTP_FETCH_FAIL"), NULL, 10);
    pthread_mutex_init(&fetch.print, NULL);
    while ((letter = getopt(argc, argv, "o:u:X:d:H:k:iqPt:a:C:Lc:T:s:j:n:l:")) != -1)
        read_option(&fetch, letter, optarg);
    fetch.request.headers = fetch.headers;
    fetch.request.accepted_statuses = fetch.accepted;
    fetch.urls = argv + optind;
    fetch.url_count = argc - optind;
    idc_error_init(&err);
    if (make_client(&fetch, &err) != IDC_OK) {
        finish(&fetch, NULL, &err);
        return 1;
    }
    for (int i = 0; i < fetch.threads && i < MAX_GIVEN; i++)
        pthread_create(&threads[i], NULL, run_thread, &fetch);
    for (int i = 0; i < fetch.threads && i < MAX_GIVEN; i++)
        pthread_join(threads[i], NULL);
    idc_http_client_free(fetch.client);
    return 0;
}
