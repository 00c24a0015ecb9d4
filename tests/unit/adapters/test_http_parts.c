/*
 * test_http_parts.c - what the HTTP client is made of: URLs, SHA-256, waits, secrets, settings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/common/declare_http.h"
#include "adapters/common/http_private.h"

static const IdcAdapterOption options[] = {
    IDC_HTTP_OPTIONS //
    { .name = "base_url", .levels = IDC_OPTION_SERVER, .type = IDC_OPTION_URL },
    { .name = NULL },
};

static const IdcDeclaration declaration = { .name = "http", .options = options };

/* ---- URLs ---- */

static void
references_become_urls(void **state)
{
    /* RFC 3986, 5.4, and what servers write instead. */
    static const char *const cases[][3] = {
        { "http://a/b/c/d;p?q", "g", "http://a/b/c/g" },
        { "http://a/b/c/d;p?q", "./g", "http://a/b/c/g" },
        { "http://a/b/c/d;p?q", "g/", "http://a/b/c/g/" },
        { "http://a/b/c/d;p?q", "/g", "http://a/g" },
        { "http://a/b/c/d;p?q", "//g", "http://g/" },
        { "http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y" },
        { "http://a/b/c/d;p?q", "g?y", "http://a/b/c/g?y" },
        { "http://a/b/c/d;p?q", "#s", "http://a/b/c/d;p?q" },
        { "http://a/b/c/d;p?q", "g#s", "http://a/b/c/g" },
        { "http://a/b/c/d;p?q", "", "http://a/b/c/d;p?q" },
        { "http://a/b/c/d;p?q", "../g", "http://a/b/g" },
        { "http://a/b/c/d;p?q", "../../g", "http://a/g" },
        { "http://a/b/c/d;p?q", "../../../g", "http://a/g" },
        { "http://a/b/c/d;p?q", "https://b/x", "https://b/x" },
        { "http://a/b", "/rows?name=a b", "http://a/rows?name=a+b" },
        { "http://a:8080/b?x=1", "?page=2&x=1", "http://a:8080/b?page=2&x=1" },
        { "http://a", "x", "http://a/x" },
    };
    IdcArena *arena = idc_arena_new(0);

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *url;

        assert_int_equal(idc_http_url_resolve(arena, cases[i][0], cases[i][1], &url, NULL), IDC_OK);
        assert_string_equal(url, cases[i][2]);
    }
    idc_arena_free(arena);
}

static void
other_references_are_refused(void **state)
{
    static const char *const references[] = {
        "file:///etc/passwd",  "gopher://a/",     "ftp://a/",    "mailto:a", "http://user@a/",
        "http://user:word@a/", "http://a:70000/", "http://a\n/", "\x01"
    };
    IdcArena *arena = idc_arena_new(0);
    const char *url = NULL;

    (void) state;
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++)
        if (idc_http_url_resolve(arena, "http://a/b", references[i], &url, NULL) !=
            IDC_SOURCE_FAILED)
            fail_msg("%s became %s", references[i], url);
    idc_arena_free(arena);
}

static void
origins_are_compared(void **state)
{
    (void) state;
    assert_true(idc_http_url_is_same_origin("http://a/b", "HTTP://A:80/c?d"));
    assert_true(idc_http_url_is_same_origin("https://a.b/", "https://a.b.:443"));
    assert_true(idc_http_url_is_same_origin("http://127.0.0.1/", "http://2130706433/"));
    assert_false(idc_http_url_is_same_origin("http://a/", "https://a/"));
    assert_false(idc_http_url_is_same_origin("http://a/", "http://a:8080/"));
    assert_false(idc_http_url_is_same_origin("http://a/", "http://a.b/"));
    assert_false(idc_http_url_is_same_origin("http://a/", "http://b@a/"));
    assert_false(idc_http_url_is_same_origin("http://a/", "x"));
    assert_false(idc_http_url_is_same_origin("", ""));
}

static void
hosts_are_listed(void **state)
{
    const char *hosts = "cdn.test, other.test:8080 https.test:443";

    (void) state;
    assert_true(http_url_is_listed(hosts, "https://cdn.test/x"));
    assert_true(http_url_is_listed(hosts, "http://CDN.test/x"));
    assert_true(http_url_is_listed(hosts, "http://other.test:8080/"));
    assert_true(http_url_is_listed(hosts, "https://https.test/"));
    assert_false(http_url_is_listed(hosts, "http://https.test/"));
    assert_false(http_url_is_listed(hosts, "http://cdn.test:8080/"));
    assert_false(http_url_is_listed(hosts, "http://other.test/"));
    assert_false(http_url_is_listed(hosts, "http://xcdn.test/"));
    assert_false(http_url_is_listed(hosts, "http://test/"));
    assert_false(http_url_is_listed(NULL, "http://cdn.test/"));
    assert_false(http_url_is_listed("", "http://cdn.test/"));
}

static void
urls_are_shown_without_secrets(void **state)
{
    IdcText text;

    (void) state;
    idc_text_init(&text, 0);
    idc_http_url_show(
        NULL, "https://ann:word@a.b:1/c?page=1&access_token=t&x=&api-key=k&monkeys=2#f", &text);
    assert_string_equal(text.data,
                        "https://a.b:1/c?page=1&access_token=***&x=&api-key=***&monkeys=2");
    idc_text_clear(&text);
    idc_http_url_show(NULL, "http://:", &text);
    assert_string_equal(text.data, "(an URL that cannot be read)");
    idc_text_done(&text);
}

/* ---- SHA-256 ---- */

static void
sha256_is_that_of_the_standard(void **state)
{
    static const struct {
        const char *text;
        int times;
        const char *hex;
    } cases[] = {
        { "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { "aaaaaaaaaa", 100000,
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t digest[IDC_SHA256_BYTES];
        char hex[IDC_SHA256_HEX];
        IdcSha256 hash;

        idc_sha256_init(&hash);
        for (int n = 0; n < cases[i].times; n++)
            idc_sha256_add(&hash, cases[i].text, strlen(cases[i].text));
        idc_sha256_end(&hash, digest);
        idc_sha256_hex(digest, hex);
        assert_string_equal(hex, cases[i].hex);
    }
}

static void
base64_is_that_of_the_standard(void **state)
{
    static const char *const cases[][2] = {
        { "", "" },        { "f", "Zg==" },        { "fo", "Zm8=" },
        { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "\xff\xfe\xfd", "//79" }
    };
    IdcText text;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        idc_text_init(&text, 0);
        assert_true(http_base64(&text, cases[i][0], strlen(cases[i][0])));
        assert_string_equal(idc_text_string(&text), cases[i][1]);
        idc_text_done(&text);
    }
}

/* ---- waits ---- */

static void
retry_after_is_read(void **state)
{
    const int64_t now = 1445412480; /* Wed, 21 Oct 2015 07:28:00 GMT */

    (void) state;
    assert_int_equal(http_retry_after_ms("120", now), 120000);
    assert_int_equal(http_retry_after_ms("0 ", now), 0);
    assert_true(http_retry_after_ms("99999999999999999999", now) == INT64_MAX);
    assert_int_equal(http_retry_after_ms("Wed, 21 Oct 2015 07:28:30 GMT", now), 30000);
    assert_int_equal(http_retry_after_ms("Wed, 21 Oct 2015 07:27:00 GMT", now), 0);
    assert_int_equal(http_retry_after_ms("soon", now), -1);
    assert_int_equal(http_retry_after_ms("", now), -1);
    assert_int_equal(http_retry_after_ms("-5", now), -1);
}

static void
waits_double_up_to_their_limit(void **state)
{
    IdcHttpSettings settings;
    int64_t longest[4] = { 0 };

    (void) state;
    idc_http_settings_init(&settings);
    settings.retry_delay_ms = 100;
    settings.max_retry_wait_ms = 500;
    for (int i = 0; i < 2000; i++)
        for (int nth = 1; nth <= 4; nth++) {
            int64_t wait = http_retry_delay_ms(&settings, nth);
            int64_t limit = nth == 1 ? 100 : nth == 2 ? 200 : nth == 3 ? 400 : 500;

            assert_in_range(wait, 0, limit);
            if (wait > longest[nth - 1])
                longest[nth - 1] = wait;
        }
    assert_true(longest[0] > 90 && longest[2] > 360 && longest[3] > 450);
    assert_in_range(http_retry_delay_ms(&settings, 1000), 0, 500);
}

/* ---- secrets ---- */

static void
secrets_are_scrubbed(void **state)
{
    char message[] = "token-12, ann:pass%26word, YW5uOnBhc3Mmd29yZA==, pass&word, token-1";
    IdcHttpSettings settings;
    IdcHttpClient *client;

    (void) state;
    idc_http_settings_init(&settings);
    settings.auth_token = "token-12";
    settings.username = "ann";
    settings.password = "pass&word";
    settings.api_key = "ab";
    client = idc_http_client_new(&settings, NULL);
    assert_non_null(client);
    idc_http_scrub(client, message);
    assert_string_equal(message, "***, ann:***, ***, ***, token-1");
    idc_http_client_free(client);
    idc_http_client_free(NULL);
}

/* ---- settings ---- */

static IdcStatus
read_settings(const IdcOptionPair *server_options, size_t count, const IdcOptionPair *user_options,
              size_t user_count, bool may_use_local, IdcHttpSettings *settings)
{
    IdcSourceServer server = {
        .name = "s",
        .options = { .items = server_options, .count = count },
        .user_options = { .items = user_options, .count = user_count },
        .may_use_local = may_use_local,
    };

    return idc_http_settings_read(&server, &declaration, settings, NULL);
}

static void
settings_without_options_are_the_usual_ones(void **state)
{
    IdcHttpSettings usual, read;

    (void) state;
    idc_http_settings_init(&usual);
    assert_int_equal(read_settings(NULL, 0, NULL, 0, false, &read), IDC_OK);
    assert_int_equal(read.connect_timeout_ms, usual.connect_timeout_ms);
    assert_int_equal(read.header_timeout_ms, usual.header_timeout_ms);
    assert_int_equal(read.idle_timeout_ms, usual.idle_timeout_ms);
    assert_int_equal(read.request_timeout_ms, usual.request_timeout_ms);
    assert_int_equal(read.max_retries, usual.max_retries);
    assert_int_equal(read.retry_delay_ms, usual.retry_delay_ms);
    assert_int_equal(read.max_retry_wait_ms, usual.max_retry_wait_ms);
    assert_int_equal(read.max_response_bytes, usual.max_response_bytes);
    assert_int_equal(read.cache_ttl_ms, 0);
    assert_int_equal(read.cache_bytes, usual.cache_bytes);
    assert_true(read.tls_verify && !read.allow_private && read.rate_limit == 0);
    assert_int_equal(read.auth, IDC_HTTP_AUTH_NONE);
}

static void
the_user_mapping_tells_the_kind_of_authentication(void **state)
{
    static const struct {
        IdcOptionPair user[2], server;
        IdcHttpAuth auth;
    } cases[] = {
        { { { "auth_token", "x" } }, { "user_agent", "x" }, IDC_HTTP_AUTH_BEARER },
        { { { "username", "x" }, { "password", "y" } },
          { "user_agent", "x" },
          IDC_HTTP_AUTH_BASIC },
        { { { "api_key", "x" } }, { "user_agent", "x" }, IDC_HTTP_AUTH_KEY_IN_HEADER },
        { { { "api_key", "x" } }, { "auth", "api_key_query" }, IDC_HTTP_AUTH_KEY_IN_QUERY },
        { { { "client_id", "x" }, { "client_secret", "y" } },
          { "token_url", "https://a/t" },
          IDC_HTTP_AUTH_OAUTH2 },
        { { { "aws_access_key_id", "x" }, { "aws_secret_access_key", "y" } },
          { "user_agent", "x" },
          IDC_HTTP_AUTH_SIGV4 },
        { { { "auth_token", "x" } }, { "auth", "none" }, IDC_HTTP_AUTH_NONE },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t count = cases[i].user[1].name != NULL ? 2 : 1;
        IdcHttpSettings settings;

        assert_int_equal(read_settings(&cases[i].server, 1, cases[i].user, count, false, &settings),
                         IDC_OK);
        assert_int_equal(settings.auth, cases[i].auth);
    }
}

static void
options_of_this_machine_need_a_superuser(void **state)
{
    static const IdcOptionPair local[] = {
        { "allow_private", "on" },      { "tls_verify", "off" }, { "ca_file", "/x" },
        { "client_certificate", "/x" }, { "client_key", "/x" },  { "proxy", "http://a/" }
    };
    static const IdcOptionPair harmless[] = { { "allow_private", "no" }, { "tls_verify", "yes" } };
    IdcHttpSettings settings;

    (void) state;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        assert_int_equal(read_settings(&local[i], 1, NULL, 0, false, &settings), IDC_BAD_CONFIG);
        assert_int_equal(read_settings(&local[i], 1, NULL, 0, true, &settings), IDC_OK);
    }
    assert_int_equal(read_settings(harmless, 2, NULL, 0, false, &settings), IDC_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_become_urls),
        cmocka_unit_test(other_references_are_refused),
        cmocka_unit_test(origins_are_compared),
        cmocka_unit_test(hosts_are_listed),
        cmocka_unit_test(urls_are_shown_without_secrets),
        cmocka_unit_test(sha256_is_that_of_the_standard),
        cmocka_unit_test(base64_is_that_of_the_standard),
        cmocka_unit_test(retry_after_is_read),
        cmocka_unit_test(waits_double_up_to_their_limit),
        cmocka_unit_test(secrets_are_scrubbed),
        cmocka_unit_test(settings_without_options_are_the_usual_ones),
        cmocka_unit_test(the_user_mapping_tells_the_kind_of_authentication),
        cmocka_unit_test(options_of_this_machine_need_a_superuser),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
