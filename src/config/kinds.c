/*
 * kinds.c - which foreign data wrapper serves what a file calls mysql, mysql_fdw, postgresql, …
 *
 * In:   a word of the file
 * Out:  a wrapper, and the names that it has for options of the wrapper it stands in for
 * Next: source.c
 *
 * Databases of MySQL are served by our adapter, also where the file says mysql_fdw: what that
 * wrapper sends is not always answered as PostgreSQL would. postgres_fdw is right, so who writes it
 * gets it.
 */
#include "config/reader.h"

#include <string.h>

/* What mysql:, mysql://, type: mysql and extension: mysql_fdw mean. */
#define MYSQL "instant_mysql"
/* What postgres:, postgres://, postgresql:// and type: postgres mean: "instant_postgres", or
 * "postgres_fdw" to go back. */
#define POSTGRES "instant_postgres"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *const words[][2] = {
    { "postgres", POSTGRES },       { "postgresql", POSTGRES }, { "mysql", MYSQL },
    { "mariadb", MYSQL },           { "mysql_fdw", MYSQL },     { "postgres_fdw", "postgres_fdw" },
    { "sqlite", "instant_sqlite" },
};

/* The wrappers of one kind of source: ours, and somebody else's. */
static const struct {
    const char *name, *ours, *other;
} kinds[] = {
    { "mysql", "instant_mysql", "mysql_fdw" },
    { "postgres", "instant_postgres", "postgres_fdw" },
    { "sqlite", "instant_sqlite", NULL },
};

/* to NULL: it tunes the wrapper, not the answer, and our adapter has no use for it. */
static const struct {
    const char *ours, *from, *to;
    unsigned levels;
} translations[] = {
    { "instant_mysql", "username", "user", OPTION_SERVER | OPTION_USER },
    { "instant_mysql", "dbname", "database", OPTION_SERVER | OPTION_TABLE },
    { "instant_mysql", "schema_name", "database", OPTION_TABLE },
    { "instant_mysql", "table_name", "table", OPTION_TABLE },
    { "instant_mysql", "column_name", "column", OPTION_COLUMN },
    { "instant_mysql", "fetch_size", NULL, OPTION_SERVER | OPTION_TABLE },
    { "instant_mysql", "max_blob_size", NULL, OPTION_TABLE },
    { "instant_mysql", "use_remote_estimate", NULL, OPTION_SERVER },
    { "instant_mysql", "reconnect", NULL, OPTION_SERVER },
    { "instant_mysql", "secure_auth", NULL, OPTION_SERVER },
    { "instant_mysql", "character_set", NULL, OPTION_SERVER },
    { "instant_postgres", "username", "user", OPTION_SERVER | OPTION_USER },
    { "instant_postgres", "database", "dbname", OPTION_SERVER },
    { "instant_postgres", "schema_name", "schema", OPTION_TABLE },
    { "instant_postgres", "table_name", "table", OPTION_TABLE },
    { "instant_postgres", "column_name", "column", OPTION_COLUMN },
    { "instant_postgres", "fetch_size", NULL, OPTION_SERVER | OPTION_TABLE },
    { "instant_postgres", "batch_size", NULL, OPTION_SERVER | OPTION_TABLE },
    { "instant_postgres", "use_remote_estimate", NULL, OPTION_SERVER | OPTION_TABLE },
    { "instant_postgres", "truncatable", NULL, OPTION_SERVER | OPTION_TABLE },
    { "instant_postgres", "analyze_sampling", NULL, OPTION_SERVER | OPTION_TABLE },
    { "instant_postgres", "extensions", NULL, OPTION_SERVER },
    { "instant_postgres", "keep_connections", NULL, OPTION_SERVER },
    { "instant_postgres", "parallel_commit", NULL, OPTION_SERVER },
    { "instant_postgres", "parallel_abort", NULL, OPTION_SERVER },
    { "instant_sqlite", "table_name", "table", OPTION_TABLE },
    { "instant_sqlite", "column_name", "column", OPTION_COLUMN },
};

const char *
idc_kind_exactly(Reader *reader, const char *word, IdcPosition position)
{
    /* Near to the names of the two we know, and no typos. */
    static const char *const others[] = { "mssql_fdw", "mysql_fdw", "postgres_fdw" };
    const char *nearest;

    if (!idc_reader_check_name(reader, word, position, "extension"))
        return NULL;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (strcmp(word, others[i]) == 0)
            return word;
    nearest = idc_nearest_word(word, others + 1, COUNT_OF(others) - 1);
    if (nearest == NULL)
        return word;
    idc_problems_add(reader->problems, position, "unknown extension \"%s\", did you mean \"%s\"?",
                     idc_problems_shown(reader->problems, word), nearest);
    return NULL;
}

const char *
idc_kind_wrapper(Reader *reader, const char *word, IdcPosition position)
{
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(word, words[i][0]) == 0)
            return words[i][1];
    if (idc_declaration_find(word) != NULL)
        return idc_adapter_wrapper(reader, word);
    return idc_kind_exactly(reader, word, position);
}

const char *
idc_kind_name(const char *wrapper)
{
    for (size_t i = 0; wrapper != NULL && i < COUNT_OF(kinds); i++)
        if (strcmp(wrapper, kinds[i].ours) == 0 ||
            (kinds[i].other != NULL && strcmp(wrapper, kinds[i].other) == 0))
            return kinds[i].name;
    return wrapper;
}

bool
idc_kind_is_same(const char *wrapper, const char *other)
{
    return wrapper != NULL && strcmp(idc_kind_name(wrapper), idc_kind_name(other)) == 0;
}

const char *
idc_kind_otherwise(const char *wrapper)
{
    for (size_t i = 0; wrapper != NULL && i < COUNT_OF(kinds); i++)
        if (strcmp(wrapper, kinds[i].ours) == 0)
            return kinds[i].other;
    return NULL;
}

bool
idc_kind_stands_for(const char *wrapper, const char *other)
{
    const char *otherwise = idc_kind_otherwise(wrapper);

    return otherwise != NULL && strcmp(otherwise, other) == 0;
}

bool
idc_kind_translate(const char *wrapper, OptionLevel level, IdcConfigOption *option)
{
    for (size_t i = 0; i < COUNT_OF(translations); i++) {
        if (strcmp(translations[i].ours, wrapper) != 0 ||
            strcmp(translations[i].from, option->name) != 0 ||
            !(translations[i].levels & (unsigned) level))
            continue;
        if (translations[i].to != NULL)
            option->name = translations[i].to;
        return translations[i].to != NULL;
    }
    return true;
}
