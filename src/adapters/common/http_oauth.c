/*
 * http_oauth.c - OAuth 2 client credentials (RFC 6749, 4.4): one token for all scans of a server.
 *
 * Whoever needs a token and finds none fetches it; others wait, each with its own call's limits.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/common/http_private.h"
#include "adapters/common/json_row.h"

enum {
    TOKEN_MAX_BYTES = 64 * 1024,
    TOKEN_DEFAULT_S = 300,  /* where the answer does not say how long it is good */
    TOKEN_EARLY_MS = 30000, /* renewed that long before its end, or at half of a shorter life */
    ASK_AGAIN_MS = 10
};

enum { ACCESS_TOKEN, EXPIRES_IN, MEMBER_COUNT };

/* ---- the answer ---- */

static bool
find_members(IdcArena *arena, const IdcText *body, IdcJsonValue values[MEMBER_COUNT])
{
    static const char *const names[MEMBER_COUNT] = { "access_token", "expires_in" };
    IdcJsonCell cells[MEMBER_COUNT] = { { .row = 0 } };
    IdcJsonRow row = { .root = idc_path_root(arena), .cells = cells, .max_depth = IDC_JSON_DEPTH };
    const char *end = body->data + body->len, *after;
    bool is_fine;

    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        IdcPath path;

        if (row.root == NULL || idc_path_member(arena, names[i], &path, NULL) != IDC_OK ||
            !idc_path_add(arena, row.root, &path, i))
            return false;
    }
    idc_text_init(&row.key, 0);
    is_fine = idc_json_row_read(&row, idc_json_skip_blanks(body->data, end), end, 0, true,
                                &after) == IDC_JSON_READ;
    for (size_t i = 0; is_fine && i < MEMBER_COUNT; i++)
        values[i] = idc_json_row_cell(&row, i);
    idc_text_done(&row.key);
    return is_fine;
}

/* Seconds; some servers send them as a string. */
static int64_t
life_ms(const IdcJsonValue *value)
{
    char digits[20];
    size_t len = strspn(value->text != NULL ? value->text : "", "0123456789");

    if ((value->kind != IDC_JSON_NUMBER && value->kind != IDC_JSON_STRING) || len == 0 || len > 9 ||
        len > value->len)
        return TOKEN_DEFAULT_S * INT64_C(1000);
    memcpy(digits, value->text, len);
    digits[len] = '\0';
    return strtoll(digits, NULL, 10) * 1000;
}

static bool
is_header_text(const IdcText *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (text->data[i] <= ' ' || text->data[i] >= 127)
            return false;
    return text->len > 0;
}

static IdcStatus
read_answer(IdcArena *arena, const IdcText *body, IdcText *token, int64_t *life, IdcError *err)
{
    IdcJsonValue values[MEMBER_COUNT] = { { .kind = IDC_JSON_MISSING } };

    if (body->len == 0 || !find_members(arena, body, values) ||
        values[ACCESS_TOKEN].kind != IDC_JSON_STRING ||
        idc_json_unescape(values[ACCESS_TOKEN].text, values[ACCESS_TOKEN].len, token) !=
            IDC_JSON_TEXT ||
        !is_header_text(token))
        return idc_fail(err, IDC_BAD_CREDENTIAL,
                        "the answer of token_url has no access_token that can be sent");
    *life = life_ms(&values[EXPIRES_IN]);
    return IDC_OK;
}

/* ---- the request ---- */

static void
append_field(IdcText *form, const char *name, const char *value)
{
    if (value == NULL)
        return;
    idc_text_append_format(form, "%s%s=", form->len > 0 ? "&" : "", name);
    idc_http_url_escape(form, value, strlen(value));
}

static IdcStatus
ask(IdcHttpSession *session, IdcText *body, IdcError *err)
{
    static const char *const types[] = { "application/json", "+json", "text/plain", NULL };
    const IdcHttpSettings *settings = &session->client->settings;
    IdcHttpRequest request = {
        .method = IDC_HTTP_POST,
        .url = settings->token_url,
        .body_type = "application/x-www-form-urlencoded",
        .is_idempotent = true,
        .content_types = types,
    };
    IdcHttpExchange *exchange;
    IdcStatus status;
    IdcText form;

    idc_text_init(&form, 0);
    append_field(&form, "grant_type", "client_credentials");
    append_field(&form, "scope", settings->scope);
    append_field(&form, "audience", settings->audience);
    if (settings->token_auth_in_body) {
        append_field(&form, "client_id", settings->client_id);
        append_field(&form, "client_secret", settings->client_secret);
    }
    request.body = form.data;
    request.body_len = form.len;
    status = idc_text_check(&form, err);
    if (status == IDC_OK)
        status = http_open_for_token(session, &request, &exchange, err);
    if (status == IDC_OK)
        status = idc_http_read_all(exchange, body, err);
    idc_text_done(&form);
    return status;
}

static IdcStatus
fetch(IdcHttpExchange *exchange, IdcText *token, int64_t *life, IdcError *err)
{
    IdcHttpSession *outer = exchange->session, *session;
    IdcArena *arena = idc_arena_new(0);
    IdcStatus status;
    IdcText body;

    if (arena == NULL)
        return idc_fail_no_memory(err);
    idc_text_init(&body, TOKEN_MAX_BYTES);
    status = idc_http_session_open(outer->client, arena, outer->call, outer->stats, &session, err);
    if (status == IDC_OK)
        status = ask(session, &body, err);
    if (status == IDC_OK)
        status = read_answer(arena, &body, token, life, err);
    idc_text_done(&body);
    idc_arena_free(arena);
    if (status == IDC_SOURCE_FAILED || status == IDC_BAD_CREDENTIAL) {
        /* Whatever the token's server dislikes is a matter of our credentials. */
        (void) idc_add_context(err, "cannot get a token");
        if (err != NULL) {
            err->status = IDC_BAD_CREDENTIAL;
            idc_error_set_sqlstate(err, "28P01");
        }
        status = IDC_BAD_CREDENTIAL;
    }
    return status;
}

/* ---- the token ---- */

static void
keep(HttpToken *kept, char *text, int64_t life)
{
    int64_t early = life / 2 < TOKEN_EARLY_MS ? life / 2 : TOKEN_EARLY_MS;

    free(kept->previous);
    kept->previous = kept->text;
    kept->text = text;
    kept->expires_ms = idc_clock_ms() + life - early;
    kept->generation++;
}

/* With the lock. */
static void
hand_out(IdcHttpExchange *exchange, IdcText *token)
{
    const HttpToken *kept = &exchange->session->client->token;

    idc_text_append(token, kept->text);
    exchange->transfer.token_generation = kept->generation;
}

/* With the lock: the token that is there, or the duty to fetch one. */
static bool
take_kept(IdcHttpExchange *exchange, IdcText *token, bool *must_fetch)
{
    HttpToken *kept = &exchange->session->client->token;

    if (kept->text != NULL && idc_clock_ms() < kept->expires_ms) {
        hand_out(exchange, token);
        return true;
    }
    *must_fetch = !kept->is_being_fetched;
    kept->is_being_fetched = true;
    return false;
}

/* Whoever fetched it uses it, however short its life: else he would fetch for ever. */
static IdcStatus
fetch_and_keep(IdcHttpExchange *exchange, IdcText *token, IdcError *err)
{
    IdcHttpClient *client = exchange->session->client;
    int64_t life = 0;
    IdcText fetched;
    IdcStatus status;
    char *text;

    idc_text_init(&fetched, TOKEN_MAX_BYTES);
    status = fetch(exchange, &fetched, &life, err);
    text = status == IDC_OK ? idc_text_take(&fetched) : NULL;
    if (status == IDC_OK && text == NULL)
        status = idc_fail_no_memory(err);
    pthread_mutex_lock(&client->lock);
    client->token.is_being_fetched = false;
    if (text != NULL) {
        keep(&client->token, text, life);
        hand_out(exchange, token);
    }
    pthread_mutex_unlock(&client->lock);
    idc_text_done(&fetched);
    return status;
}

IdcStatus
http_oauth_token(IdcHttpExchange *exchange, IdcText *token, IdcError *err)
{
    IdcHttpClient *client = exchange->session->client;
    IdcStatus status = IDC_OK;

    while (status == IDC_OK) {
        bool must_fetch = false, is_there;

        pthread_mutex_lock(&client->lock);
        is_there = take_kept(exchange, token, &must_fetch);
        pthread_mutex_unlock(&client->lock);
        if (is_there)
            break;
        if (must_fetch)
            return fetch_and_keep(exchange, token, err);
        status = idc_call_wait(exchange->session->call, -1, 0, ASK_AGAIN_MS, err);
        if (status == IDC_TIMEOUT && idc_call_remaining_ms(exchange->session->call, -1) != 0)
            status = IDC_OK;
    }
    return status;
}

void
http_oauth_forget(IdcHttpClient *client, unsigned generation)
{
    pthread_mutex_lock(&client->lock);
    if (client->token.generation == generation)
        client->token.expires_ms = 0;
    pthread_mutex_unlock(&client->lock);
}
