/*
 * secrets.c - where the values of secret options come from, and that they stay here.
 *
 * In:   options of a user mapping: values, references, the name of a credential
 * Out:  options with values; error texts without them
 */
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static const char MASK[] = "***";
enum { MASK_LEN = sizeof MASK - 1, CREDENTIAL_NAME_MAX = 128 };

/* ---- the list ---- */

static bool
add_text(IdcSecrets *secrets, const char *text)
{
    if (text[0] == '\0')
        return true;
    if (secrets->count == secrets->capacity) {
        size_t capacity = secrets->capacity == 0 ? 16 : 2 * secrets->capacity;
        const char **texts = idc_arena_alloc_array(secrets->arena, capacity, sizeof *texts);

        if (texts == NULL)
            return false;
        if (secrets->count > 0)
            memcpy(texts, secrets->texts, secrets->count * sizeof *texts);
        secrets->texts = texts;
        secrets->capacity = capacity;
    }
    text = idc_arena_strdup(secrets->arena, text);
    if (text == NULL)
        return false;
    secrets->texts[secrets->count++] = text;
    return true;
}

/* As it stands in an address. */
static char *
percent_encoded(IdcArena *arena, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = idc_arena_alloc_array(arena, strlen(text) + 1, 3);
    size_t len = 0;

    if (encoded == NULL)
        return NULL;
    for (const unsigned char *c = (const unsigned char *) text; *c != '\0'; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || strchr("-._~", *c) != NULL;

        if (is_plain) {
            encoded[len++] = (char) *c;
        } else {
            encoded[len++] = '%';
            encoded[len++] = digits[*c >> 4];
            encoded[len++] = digits[*c & 15];
        }
    }
    encoded[len] = '\0';
    return encoded;
}

IdcStatus
idc_secrets_add(IdcSecrets *secrets, const char *text, IdcError *err)
{
    const char *encoded = percent_encoded(secrets->arena, text);

    if (encoded == NULL || !add_text(secrets, text) ||
        (strcmp(encoded, text) != 0 && !add_text(secrets, encoded)))
        return idc_fail_no_memory(err);
    return IDC_OK;
}

static size_t
secret_at(const IdcSecrets *secrets, const char *text)
{
    size_t longest = 0;

    for (size_t i = 0; i < secrets->count; i++) {
        size_t len = strlen(secrets->texts[i]);

        if (len > longest && strncmp(text, secrets->texts[i], len) == 0)
            longest = len;
    }
    return longest;
}

/* True if some secret begins with the whole rest of a text that was cut. */
static bool
is_begun_secret(const IdcSecrets *secrets, const char *rest)
{
    size_t len = strlen(rest);

    for (size_t i = 0; i < secrets->count; i++)
        if (strncmp(secrets->texts[i], rest, len) == 0)
            return true;
    return false;
}

void
idc_secrets_scrub_text(const IdcSecrets *secrets, char *text, size_t size)
{
    bool was_cut = strlen(text) + 1 >= size;

    for (char *at = text; *at != '\0';) {
        size_t len = secret_at(secrets, at);
        size_t rest, room = size - 1 - (size_t) (at - text);

        if (len == 0 && was_cut && is_begun_secret(secrets, at))
            len = strlen(at);
        if (len == 0) {
            at++;
            continue;
        }
        /* The tail moves; what then has no room is cut, and so may be the mask. */
        rest = strlen(at + len);
        if (room < MASK_LEN) {
            *at = '\0';
            return;
        }
        if (rest > room - MASK_LEN) {
            rest = room - MASK_LEN;
            was_cut = true;
        }
        memmove(at + MASK_LEN, at + len, rest);
        memcpy(at, MASK, MASK_LEN);
        at[MASK_LEN + rest] = '\0';
        at += MASK_LEN;
    }
}

void
idc_secrets_scrub(const IdcSecrets *secrets, IdcError *err)
{
    idc_secrets_scrub_text(secrets, err->message, sizeof err->message);
    idc_secrets_scrub_text(secrets, err->hint, sizeof err->hint);
    idc_secrets_scrub_text(secrets, err->remote_sql, sizeof err->remote_sql);
}

/* ---- references ---- */

static IdcStatus
refuse_local(const char *what, IdcError *err)
{
    (void) idc_fail(err, IDC_BAD_CREDENTIAL,
                    "%s reads this machine, and the server's owner is not a superuser", what);
    idc_error_set_sqlstate(err, "42501");
    return IDC_BAD_CREDENTIAL;
}

static IdcStatus
read_variable(IdcSecrets *secrets, const char *name, const char **value, IdcError *err)
{
    const char *found = getenv(name);

    if (found == NULL || found[0] == '\0')
        return idc_fail(err, IDC_BAD_CREDENTIAL, "environment variable \"%s\" is not set", name);
    *value = idc_arena_strdup(secrets->arena, found);
    return *value == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

static IdcStatus
read_file(IdcSecrets *secrets, const char *path, const char **value, IdcError *err)
{
    char *text = NULL;
    IdcStatus status;

    if (path[0] != '/')
        return idc_fail(err, IDC_BAD_CREDENTIAL, "path \"%s\" is not absolute", path);
    status = idc_secret_file_read(AT_FDCWD, path, false, &text, err);
    if (status != IDC_OK)
        return status;
    if (text[0] == '\0')
        status = idc_fail(err, IDC_BAD_CREDENTIAL, "file \"%s\" is empty", path);
    else if ((*value = idc_arena_strdup(secrets->arena, text)) == NULL)
        status = idc_fail_no_memory(err);
    idc_secret_free(text);
    return status;
}

/* The value of a secret option: what it refers to, or itself. */
static IdcStatus
resolve_secret(IdcSecrets *secrets, const IdcOptionPair *option, const IdcSecretSources *sources,
               const char **value, IdcError *err)
{
    bool is_variable = strncmp(option->value, "env:", 4) == 0;
    bool is_file = strncmp(option->value, "file:", 5) == 0;
    IdcStatus status = IDC_OK;

    *value = option->value;
    if ((is_variable || is_file) && !sources->may_use_local)
        status = refuse_local("a reference", err);
    else if (is_variable)
        status = read_variable(secrets, option->value + 4, value, err);
    else if (is_file)
        status = read_file(secrets, option->value + 5, value, err);
    if (status != IDC_OK)
        return idc_add_context(err, "option \"%s\"", option->name);
    return idc_secrets_add(secrets, *value, err);
}

/* ---- credentials ---- */

static bool
is_credential_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= CREDENTIAL_NAME_MAX && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == len;
}

/* A directory in which nobody else puts files. */
static IdcStatus
open_directory(const char *path, int *fd, IdcError *err)
{
    struct stat info;
    int opened = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (opened < 0)
        return idc_fail(err, IDC_BAD_CREDENTIAL, "cannot open the credential directory \"%s\": %s",
                        path, idc_errno_text(errno));
    if (fstat(opened, &info) != 0 || (info.st_uid != geteuid() && info.st_uid != 0) ||
        (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        close(opened);
        return idc_fail(err, IDC_BAD_CREDENTIAL,
                        "others may write into the credential directory \"%s\"", path);
    }
    *fd = opened;
    return IDC_OK;
}

static IdcStatus
read_credential(IdcSecrets *secrets, const IdcDeclaration *declaration, const char *name,
                const IdcSecretSources *sources, IdcOptionSet *options, IdcError *err)
{
    char *text = NULL;
    int directory = -1;
    IdcStatus status;

    if (!sources->may_use_local)
        return refuse_local("a credential", err);
    if (!is_credential_name(name))
        return idc_fail(err, IDC_BAD_CREDENTIAL, "it is not the name of a credential");
    if (sources->credential_directory == NULL)
        return idc_fail(err, IDC_BAD_CREDENTIAL, "this hub has no directory of credentials");
    status = open_directory(sources->credential_directory, &directory, err);
    if (status != IDC_OK)
        return status;
    status = idc_secret_file_read(directory, name, true, &text, err);
    close(directory);
    if (status != IDC_OK)
        return status;
    status = idc_option_lines_read(secrets->arena, text, name, options, err);
    idc_secret_free(text);
    for (size_t i = 0; status == IDC_OK && i < options->count; i++)
        if (idc_adapter_option_find(declaration, IDC_OPTION_USER, options->items[i].name) == NULL)
            status = idc_fail(err, IDC_BAD_CREDENTIAL, "\"%s\" is no user option of adapter %s",
                              options->items[i].name, declaration->name);
    return status;
}

/* ---- together ---- */

static bool
is_secret(const IdcDeclaration *declaration, const char *name)
{
    const IdcAdapterOption *option = idc_adapter_option_find(declaration, IDC_OPTION_USER, name);

    return option != NULL && option->is_secret;
}

static IdcStatus
resolve_given(IdcSecrets *secrets, const IdcDeclaration *declaration, const IdcOptionPair *option,
              const IdcSecretSources *sources, IdcOptionPair *resolved, IdcError *err)
{
    *resolved = *option;
    if (!is_secret(declaration, option->name))
        return IDC_OK;
    return resolve_secret(secrets, option, sources, &resolved->value, err);
}

IdcStatus
idc_secrets_resolve(IdcSecrets *secrets, const IdcDeclaration *declaration,
                    const IdcOptionSet *given, const IdcSecretSources *sources,
                    IdcOptionSet *resolved, IdcError *err)
{
    const char *credential = idc_option_value(given, "credential");
    IdcOptionSet below = { 0 };
    IdcOptionPair *pairs;
    size_t count = 0;
    IdcStatus status = IDC_OK;

    if (credential != NULL)
        status = read_credential(secrets, declaration, credential, sources, &below, err);
    if (status != IDC_OK)
        return idc_add_context(err, "credential \"%s\"", credential);
    pairs = idc_arena_alloc_array(secrets->arena, given->count + below.count + 1, sizeof *pairs);
    if (pairs == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; status == IDC_OK && i < given->count; i++)
        if (strcmp(given->items[i].name, "credential") != 0)
            status = resolve_given(secrets, declaration, &given->items[i], sources, &pairs[count++],
                                   err);
    for (size_t i = 0; status == IDC_OK && i < below.count; i++) {
        const IdcOptionPair *pair = &below.items[i];

        if (is_secret(declaration, pair->name))
            status = idc_secrets_add(secrets, pair->value, err);
        if (status == IDC_OK && idc_option_value(given, pair->name) == NULL)
            pairs[count++] = *pair;
    }
    if (status != IDC_OK)
        return status;
    *resolved = (IdcOptionSet){ .items = pairs, .count = count };
    return idc_adapter_options_check(declaration, IDC_OPTION_USER, resolved, err);
}
