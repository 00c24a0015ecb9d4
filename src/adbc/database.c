/*
 * database.c - AdbcDatabase: the options of instant_open, and then the connector.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adbc/calls.h"

Database *
idc_adbc_database(struct AdbcDatabase *database, struct AdbcError *error)
{
    Database *made = database != NULL ? database->private_data : NULL;

    if (made == NULL)
        (void) idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL,
                             "the database was released, or never made");
    return made;
}

AdbcStatusCode
idc_adbc_database_new(struct AdbcDatabase *database, struct AdbcError *error)
{
    database->private_data = calloc(1, sizeof(Database));
    return database->private_data != NULL ? ADBC_STATUS_OK : idc_adbc_fail_no_memory(error);
}

static bool
begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* A URI is never quoted in a message: it may hold a password. */
static AdbcStatusCode
set_uri(Database *made, const char *uri, struct AdbcError *error)
{
    bool is_hub = begins(uri, "postgresql://") || begins(uri, "postgres://");

    if (!is_hub && uri[0] != '\0' && strcmp(uri, "instant:") != 0 && strcmp(uri, "instant://") != 0)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, NULL,
                             "option \"uri\" is neither postgresql://… nor instant:");
    return idc_adbc_options_set(&made->options, "hub_url", is_hub ? uri : NULL)
               ? ADBC_STATUS_OK
               : idc_adbc_fail_no_memory(error);
}

AdbcStatusCode
idc_adbc_database_set_option(struct AdbcDatabase *database, const char *key, const char *value,
                             struct AdbcError *error)
{
    Database *made = idc_adbc_database(database, error);
    const char *own = idc_adbc_own_key(key);

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (made->connector != NULL)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL,
                             "option \"%s\" has to be set before the database is opened", key);
    if (strcmp(key, ADBC_OPTION_URI) == 0)
        return set_uri(made, value != NULL ? value : "", error);
    if (strcmp(key, ADBC_OPTION_USERNAME) == 0)
        own = "hub.user";
    else if (strcmp(key, ADBC_OPTION_PASSWORD) == 0)
        own = "hub.password";
    if (own == NULL)
        return idc_adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, NULL,
                             "unknown database option \"%s\"", key);
    return idc_adbc_options_set(&made->options, own, value) ? ADBC_STATUS_OK
                                                            : idc_adbc_fail_no_memory(error);
}

AdbcStatusCode
idc_adbc_database_set_option_int(struct AdbcDatabase *database, const char *key, int64_t value,
                                 struct AdbcError *error)
{
    char text[24];

    (void) snprintf(text, sizeof text, "%" PRId64, value);
    return idc_adbc_database_set_option(database, key, text, error);
}

/* Where a secret may be: the password itself, a URL that holds it, configuration text, variables.
 */
static bool
is_secret(const char *key)
{
    return strcmp(key, "hub_url") == 0 || strcmp(key, "config_text") == 0 ||
           begins(key, "hub.pass") || begins(key, "hub.sslpass") || begins(key, "env.");
}

AdbcStatusCode
idc_adbc_database_get_option(struct AdbcDatabase *database, const char *key, char *value,
                             size_t *length, struct AdbcError *error)
{
    Database *made = idc_adbc_database(database, error);
    const char *own = idc_adbc_own_key(key);

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (strcmp(key, ADBC_OPTION_USERNAME) == 0)
        own = "hub.user";
    return idc_adbc_option_out(
        key, own != NULL && !is_secret(own) ? idc_adbc_options_get(&made->options, own) : NULL,
        value, length, error);
}

AdbcStatusCode
idc_adbc_database_init(struct AdbcDatabase *database, struct AdbcError *error)
{
    Database *made = idc_adbc_database(database, error);
    InstantError err = { 0 };

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (made->connector != NULL)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL,
                             "the database is open already");
    if (instant_open(made->options.items, made->options.count, NULL, NULL, &made->connector,
                     &err) == INSTANT_OK)
        return ADBC_STATUS_OK;
    (void) idc_adbc_fail_instant(error, &err);
    return err.status == INSTANT_BAD_VALUE ? ADBC_STATUS_INVALID_ARGUMENT
                                           : idc_adbc_status_of(&err);
}

AdbcStatusCode
idc_adbc_database_release(struct AdbcDatabase *database, struct AdbcError *error)
{
    Database *made = idc_adbc_database(database, error);

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    if (atomic_load(&made->connection_count) > 0)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_STATE, NULL,
                             "the database still has %d open connections",
                             atomic_load(&made->connection_count));
    instant_close(made->connector);
    idc_adbc_options_done(&made->options);
    free(made);
    database->private_data = NULL;
    return ADBC_STATUS_OK;
}
