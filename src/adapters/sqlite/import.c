/*
 * import.c - the tables and views of a file, with types for what their columns declare.
 *
 * In:   sqlite_schema and pragma table_xinfo
 * Out:  definitions of foreign tables
 */
#include "adapters/sqlite/work.h"

#include <string.h>
#include <strings.h>

enum { TABLES_MOST = 10000, COLUMNS_MOST = 1600 };

typedef struct TypeRule {
    const char *part; /* of the declared type */
    const char *type;
} TypeRule;

/* The first rule that holds. SQLite would take any word; these are those that people write. */
static const TypeRule rules[] = {
    { "BOOL", "boolean" },
    { "DATETIME", "timestamp" },
    { "TIMESTAMPTZ", "timestamptz" },
    { "TIMESTAMP", "timestamp" },
    { "DATE", "date" },
    { "TIME", "time" },
    { "UUID", "uuid" },
    { "JSON", "jsonb" },
    { "INT", "bigint" },
    { "CHAR", "text COLLATE \"C\"" },
    { "CLOB", "text COLLATE \"C\"" },
    { "TEXT", "text COLLATE \"C\"" },
    { "STRING", "text COLLATE \"C\"" },
    { "BLOB", "bytea" },
    { "REAL", "double precision" },
    { "FLOA", "double precision" },
    { "DOUB", "double precision" },
    { "NUMERIC", "numeric" },
    { "DECIMAL", "numeric" },
};

static const char *
hub_type(const char *declared)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (declared != NULL && strcasestr(declared, rules[i].part) != NULL)
            return rules[i].type;
    return "text COLLATE \"C\"";
}

static IdcStatus
prepare(IdcSqliteDatabase *database, const char *sql, const char *name, sqlite3_stmt **statement,
        IdcError *err)
{
    int code = sqlite3_prepare_v2(database->handle, sql, -1, statement, NULL);

    if (code == SQLITE_OK && name != NULL)
        code = sqlite3_bind_text(*statement, 1, name, -1, SQLITE_TRANSIENT);
    return code == SQLITE_OK ? IDC_OK : idc_sqlite_fail(database, code, sql, err);
}

static const char *
copy_text(IdcArena *arena, sqlite3_stmt *statement, int column)
{
    const char *text = (const char *) sqlite3_column_text(statement, column);

    return idc_arena_strdup(arena, text == NULL ? "" : text);
}

static bool
is_wanted(const IdcImport *import, const char *name)
{
    bool is_named = false;

    if (!idc_utf8_is_valid(name, strlen(name)))
        return false;
    for (size_t i = 0; i < import->name_count; i++)
        is_named |= strcmp(import->names[i], name) == 0;
    return import->is_list ? is_named : !(import->is_except && is_named);
}

/* How many rows there are; the statement begins again. */
static IdcStatus
count_rows(IdcSqliteDatabase *database, sqlite3_stmt *statement, size_t *count, IdcError *err)
{
    int code;

    for (*count = 0; (code = sqlite3_step(statement)) == SQLITE_ROW;)
        ++*count;
    if (code == SQLITE_DONE)
        code = sqlite3_reset(statement);
    return code == SQLITE_OK ? IDC_OK : idc_sqlite_fail(database, code, NULL, err);
}

static IdcStatus
read_rows(IdcArena *arena, IdcSqliteDatabase *database, sqlite3_stmt *statement,
          IdcImportedTable *table, IdcError *err)
{
    static const IdcOptionPair is_key[] = { { "key", "true" } };
    IdcImportedColumn *columns;
    size_t count = 0;
    IdcStatus status = count_rows(database, statement, &count, err);

    if (status != IDC_OK)
        return status;
    if (count > COLUMNS_MOST)
        return idc_fail(err, IDC_UNSUPPORTED, "table \"%s\" has more than %d columns", table->name,
                        COLUMNS_MOST);
    columns = idc_arena_alloc_array(arena, count + 1, sizeof *columns);
    table->columns = columns;
    while (columns != NULL && table->column_count < count &&
           sqlite3_step(statement) == SQLITE_ROW) {
        IdcImportedColumn *column = &columns[table->column_count++];

        column->name = copy_text(arena, statement, 0);
        column->type = hub_type((const char *) sqlite3_column_text(statement, 1));
        column->is_not_null = sqlite3_column_int(statement, 2) != 0;
        if (sqlite3_column_int(statement, 3) != 0)
            column->options = (IdcOptionSet){ is_key, 1 };
        if (column->name == NULL)
            return idc_fail_no_memory(err);
    }
    return columns == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

/* Hidden columns of virtual tables aside. */
static IdcStatus
read_columns(IdcArena *arena, IdcSqliteDatabase *database, IdcImportedTable *table, IdcError *err)
{
    static const char sql[] = "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1) "
                              "WHERE hidden <> 1 ORDER BY cid";
    sqlite3_stmt *statement = NULL;
    IdcStatus status = prepare(database, sql, table->name, &statement, err);

    if (status == IDC_OK)
        status = read_rows(arena, database, statement, table, err);
    (void) sqlite3_finalize(statement);
    return status;
}

static IdcStatus
read_names(IdcArena *arena, IdcSqliteDatabase *database, const IdcImport *import,
           IdcImportedTable *tables, size_t *count, IdcError *err)
{
    static const char sql[] = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
                              "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    sqlite3_stmt *statement = NULL;
    IdcStatus status = prepare(database, sql, NULL, &statement, err);
    int code = SQLITE_ROW;

    while (status == IDC_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = copy_text(arena, statement, 0);

        if (name == NULL)
            status = idc_fail_no_memory(err);
        else if (!is_wanted(import, name))
            continue;
        else if (*count == TABLES_MOST)
            status = idc_fail(err, IDC_UNSUPPORTED, "there are more than %d tables", TABLES_MOST);
        else
            tables[(*count)++].name = name;
    }
    if (status == IDC_OK && code != SQLITE_DONE)
        status = idc_sqlite_fail(database, code, sql, err);
    (void) sqlite3_finalize(statement);
    return status;
}

IdcStatus
idc_sqlite_import(IdcSourceScan *scan, const IdcImport *import, const IdcImportedTable **tables,
                  size_t *count, IdcError *err)
{
    IdcImportedTable *found = idc_arena_alloc_array(scan->arena, TABLES_MOST, sizeof *found);
    IdcSqliteDatabase *database = NULL;
    size_t found_count = 0;
    IdcStatus status;

    if (found == NULL)
        return idc_fail_no_memory(err);
    if (strcmp(import->remote_schema, "main") != 0) {
        (void) idc_fail(err, IDC_NOT_FOUND, "a SQLite file has one schema, \"main\"");
        idc_error_set_sqlstate(err, "HV00Q");
        return IDC_NOT_FOUND;
    }
    status =
        idc_sqlite_open(scan->arena, scan->server, scan->call, &scan->stats, false, &database, err);
    if (status == IDC_OK)
        status = read_names(scan->arena, database, import, found, &found_count, err);
    for (size_t i = 0; status == IDC_OK && i < found_count; i++)
        status = read_columns(scan->arena, database, &found[i], err);
    scan->stats.requests++;
    if (status != IDC_OK)
        return status;
    *tables = found;
    *count = found_count;
    return IDC_OK;
}
