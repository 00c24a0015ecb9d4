/*
 * import.c - IMPORT FOREIGN SCHEMA: the tables and views of a database.
 *
 * In:   information_schema
 * Out:  definitions of foreign tables, with what the planner may know of their columns as options
 */
#include "adapters/mysql/work.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TABLES_MOST = 10000, COLUMNS_MOST = 1600, OPTIONS_MOST = 5, REMOTE_TYPE_MOST = 500 };

/* In the order of the SELECTs below. */
enum { TABLE_NAME, TABLE_COMMENT, TABLE_TYPE, TABLE_ROW_COUNT };
enum {
    COLUMN_TABLE,
    COLUMN_NAME,
    COLUMN_TYPE,
    COLUMN_NULLABLE,
    COLUMN_KEY,
    COLUMN_COLLATION,
    COLUMN_COMMENT,
    COLUMN_EXTRA,
    COLUMN_DEFAULT,
    COLUMN_IS_JSON
};

typedef struct Import {
    IdcArena *arena;
    const IdcImport *wanted;
    IdcMysqlConn *conn;
    IdcMysqlWait *wait;
    IdcScanStats *stats;
    bool has_booleans, has_defaults, has_not_null, has_generated, has_views, has_text_dates,
        has_null_dates, has_statistics;
    const char *time;
    IdcImportedTable *tables;
    size_t table_count;
} Import;

/* ---- options ---- */

static void
read_options(const IdcSourceServer *server, Import *import)
{
    const IdcDeclaration *declaration = &idc_declaration_mysql;
    const IdcOptionSet *given = &import->wanted->options;
    const char *zero = idc_adapter_option_text(declaration, &server->options, "zero_date");
    const char *tinyint = idc_adapter_option_text(declaration, given, "tinyint1");

    import->has_booleans = tinyint == NULL || strcmp(tinyint, "boolean") == 0;
    import->has_defaults = idc_adapter_option_bool(declaration, given, "import_default");
    import->has_not_null = idc_adapter_option_bool(declaration, given, "import_not_null");
    import->has_generated = idc_adapter_option_bool(declaration, given, "import_generated");
    import->has_statistics = idc_adapter_option_bool(declaration, given, "import_statistics");
    import->has_views = idc_adapter_option_bool(declaration, given, "import_views");
    import->has_text_dates = zero != NULL && strcmp(zero, "text") == 0;
    import->has_null_dates = zero == NULL || strcmp(zero, "null") == 0;
    import->time = idc_adapter_option_text(declaration, given, "time");
}

/* ---- types ---- */

static const char *
whole_type(const Import *import, const IdcMysqlRemote *remote)
{
    static const char *const types[] = {
        [1] = "smallint", [2] = "smallint", [3] = "integer", [4] = "integer", [8] = "bigint"
    };
    static const char *const unsigned_types[] = {
        [1] = "smallint", [2] = "integer", [3] = "integer", [4] = "bigint", [8] = "numeric(20,0)"
    };

    if (remote->bytes == 1 && remote->digits == 1 && !remote->is_unsigned && import->has_booleans)
        return "boolean";
    return remote->is_unsigned ? unsigned_types[remote->bytes] : types[remote->bytes];
}

/* Digits of the second: 0 where nothing is said. */
static const char *
moment_type(const Import *import, const char *type, const char *zone, const IdcMysqlRemote *remote)
{
    return idc_arena_printf(import->arena, "%s(%d)%s", type,
                            remote->digits < 0 ? 0 : remote->digits, zone);
}

static const char *
time_type(const Import *import, const IdcMysqlRemote *remote)
{
    if (import->time != NULL && strcmp(import->time, "text") == 0)
        return "text COLLATE \"C\"";
    if (import->time != NULL && strcmp(import->time, "interval") == 0)
        return "interval";
    return moment_type(import, "time", "", remote);
}

/* NULL: no memory. */
static const char *
hub_type(const Import *import, const IdcMysqlRemote *remote, bool is_json)
{
    if (is_json || remote->kind == IDC_MYSQL_JSON)
        return "jsonb";
    switch (remote->kind) {
    case IDC_MYSQL_INTEGER:
        return whole_type(import, remote);
    case IDC_MYSQL_DECIMAL:
        return idc_arena_printf(import->arena, "numeric(%d,%d)", remote->digits, remote->scale);
    case IDC_MYSQL_FLOAT:
        return "real";
    case IDC_MYSQL_DOUBLE:
        return "double precision";
    case IDC_MYSQL_BIT:
        return idc_arena_printf(import->arena, "bit(%d)", remote->digits < 1 ? 1 : remote->digits);
    case IDC_MYSQL_YEAR:
        return "smallint";
    case IDC_MYSQL_DATE:
        return import->has_text_dates ? "text COLLATE \"C\"" : "date";
    case IDC_MYSQL_TIME:
        return time_type(import, remote);
    case IDC_MYSQL_DATETIME:
        return import->has_text_dates ? "text COLLATE \"C\""
                                      : moment_type(import, "timestamp", "", remote);
    case IDC_MYSQL_TIMESTAMP:
        return import->has_text_dates ? "text COLLATE \"C\""
                                      : moment_type(import, "timestamp", " with time zone", remote);
    case IDC_MYSQL_CHAR:
        /* The server gives them without the blanks at their ends. */
        return remote->digits < 1
                   ? "text COLLATE \"C\""
                   : idc_arena_printf(import->arena, "varchar(%d) COLLATE \"C\"", remote->digits);
    case IDC_MYSQL_TEXT:
        return remote->digits < 1
                   ? "text COLLATE \"C\""
                   : idc_arena_printf(import->arena, "varchar(%d) COLLATE \"C\"", remote->digits);
    case IDC_MYSQL_BINARY:
    case IDC_MYSQL_BLOB:
    case IDC_MYSQL_GEOMETRY:
    case IDC_MYSQL_VECTOR:
        return "bytea";
    case IDC_MYSQL_UUID:
        return "uuid";
    case IDC_MYSQL_INET:
        return "inet";
    default:
        return "text COLLATE \"C\"";
    }
}

/* ---- asking ---- */

static IdcStatus
ask(Import *import, IdcText *sql, MYSQL_RES **result, IdcError *err)
{
    IdcStatus status = idc_text_check(sql, err);

    import->stats->requests++;
    if (status == IDC_OK)
        status = idc_mysql_query(import->wait, import->conn, idc_text_string(sql), result, err);
    idc_text_done(sql);
    return status;
}

/* Only of the tables that are wanted, where they are named. */
static void
append_names(const Import *import, IdcText *sql)
{
    if (!import->wanted->is_list)
        return;
    idc_text_append(sql, " AND TABLE_NAME IN (''");
    for (size_t i = 0; i < import->wanted->name_count; i++) {
        idc_text_append(sql, ", ");
        idc_sql_literal(import->wanted->names[i], sql);
    }
    idc_text_append_char(sql, ')');
}

static bool
is_wanted(const Import *import, MYSQL_ROW row)
{
    const IdcImport *wanted = import->wanted;
    bool is_named = false;

    if (!import->has_views && strcmp(row[TABLE_TYPE], "VIEW") == 0)
        return false;
    for (size_t i = 0; i < wanted->name_count; i++)
        is_named |= strcmp(wanted->names[i], row[TABLE_NAME]) == 0;
    return wanted->is_list ? is_named : !(wanted->is_except && is_named);
}

static IdcStatus
add_table(Import *import, MYSQL_ROW row, IdcError *err)
{
    IdcOptionPair *options = idc_arena_alloc_array(import->arena, 3, sizeof *options);
    IdcImportedTable *table = &import->tables[import->table_count];
    const char *comment = row[TABLE_COMMENT] == NULL || strcmp(row[TABLE_TYPE], "VIEW") == 0
                              ? ""
                              : row[TABLE_COMMENT];

    if (import->table_count == TABLES_MOST)
        return idc_fail(err, IDC_UNSUPPORTED, "there are more than %d tables", TABLES_MOST);
    table->name = idc_arena_strdup(import->arena, row[TABLE_NAME]);
    table->comment = idc_arena_strdup(import->arena, comment);
    if (options == NULL || table->name == NULL || table->comment == NULL)
        return idc_fail_no_memory(err);
    options[0] = (IdcOptionPair){ "database", import->wanted->remote_schema };
    options[1] = (IdcOptionPair){ "table", table->name };
    table->options = (IdcOptionSet){ options, 2 };
    if (import->has_statistics && row[TABLE_ROW_COUNT] != NULL) {
        options[2].name = "row_count";
        options[2].value = idc_arena_strdup(import->arena, row[TABLE_ROW_COUNT]);
        if (options[2].value == NULL)
            return idc_fail_no_memory(err);
        table->options.count = 3;
    }
    import->table_count++;
    return IDC_OK;
}

static IdcStatus
read_tables(Import *import, IdcError *err)
{
    MYSQL_RES *result = NULL;
    MYSQL_ROW row;
    IdcStatus status;
    IdcText sql;

    idc_text_init(&sql, 0);
    idc_text_append(&sql, "SELECT TABLE_NAME, TABLE_COMMENT, TABLE_TYPE, "
                          "IF(TABLE_TYPE = 'BASE TABLE', TABLE_ROWS, NULL) "
                          "FROM information_schema.TABLES WHERE TABLE_TYPE <> 'SEQUENCE' AND "
                          "TABLE_SCHEMA = ");
    idc_sql_literal(import->wanted->remote_schema, &sql);
    append_names(import, &sql);
    idc_text_append(&sql, " ORDER BY CAST(TABLE_NAME AS BINARY)");
    status = ask(import, &sql, &result, err);
    while (status == IDC_OK && (row = mysql_fetch_row(result)) != NULL)
        if (is_wanted(import, row))
            status = add_table(import, row, err);
    mysql_free_result(result);
    return status;
}

/* ---- columns ---- */

static void
add_option(IdcImportedColumn *column, const char *name, const char *value)
{
    IdcOptionPair *options = (IdcOptionPair *) column->options.items;

    options[column->options.count++] = (IdcOptionPair){ name, value };
}

/* Labels of an enum may be thousands, and nobody needs them. */
static const char *
remote_type(const Import *import, const char *type)
{
    if (strlen(type) <= REMOTE_TYPE_MOST)
        return idc_arena_strdup(import->arena, type);
    return idc_arena_strndup(import->arena, type, strcspn(type, "("));
}

/* ---- defaults: constants alone, since other expressions mean what they mean there ---- */

static bool
is_number(const char *text)
{
    size_t digits;

    text += *text == '-';
    digits = strspn(text, "0123456789.");
    return digits > 0 && text[digits] == '\0' && strchr(text, '.') == strrchr(text, '.');
}

static bool
is_numeric(const IdcMysqlRemote *remote)
{
    return remote->kind == IDC_MYSQL_INTEGER || remote->kind == IDC_MYSQL_DECIMAL ||
           remote->kind == IDC_MYSQL_FLOAT || remote->kind == IDC_MYSQL_DOUBLE ||
           remote->kind == IDC_MYSQL_YEAR;
}

static bool
has_date(const IdcMysqlRemote *remote)
{
    return remote->kind == IDC_MYSQL_DATE || remote->kind == IDC_MYSQL_DATETIME ||
           remote->kind == IDC_MYSQL_TIMESTAMP;
}

/* MariaDB shows an expression, so a text has its quotes; MySQL shows what it holds. *text: without
 * quotes, of the arena, or NULL: it is no constant. */
static IdcStatus
constant_text(const Import *import, MYSQL_ROW row, const IdcMysqlRemote *remote, const char **text,
              IdcError *err)
{
    const char *given = row[COLUMN_DEFAULT];
    /* MySQL says so from 8.0 on; before that it knew but one. */
    bool is_expression =
        strstr(row[COLUMN_EXTRA], "DEFAULT_GENERATED") != NULL ||
        (given != NULL && has_date(remote) && strncasecmp(given, "CURRENT_TIMESTAMP", 17) == 0);
    size_t len = given == NULL ? 0 : strlen(given), kept = 0;
    char *copy;

    *text = NULL;
    if (given == NULL || is_expression)
        return IDC_OK;
    copy = idc_arena_strdup(import->arena, given);
    if (copy == NULL)
        return idc_fail_no_memory(err);
    if (import->conn->is_mariadb && given[0] != '\'') {
        *text = is_numeric(remote) && is_number(given) ? copy : NULL;
        return IDC_OK;
    }
    if (import->conn->is_mariadb) {
        if (len < 2 || given[len - 1] != '\'' || strchr(given, '\\') != NULL)
            return IDC_OK;
        for (size_t i = 1; i + 1 < len; i++) {
            copy[kept++] = given[i];
            i += given[i] == '\'' ? 1 : 0;
        }
        copy[kept] = '\0';
    }
    *text = copy;
    return IDC_OK;
}

static IdcStatus
add_default(const Import *import, MYSQL_ROW row, const IdcMysqlRemote *remote,
            IdcImportedColumn *column, IdcError *err)
{
    const char *text = NULL;
    IdcStatus status = constant_text(import, row, remote, &text, err);
    bool is_boolean = strcmp(column->type, "boolean") == 0;
    IdcText sql;

    if (status != IDC_OK || text == NULL || remote->kind == IDC_MYSQL_BIT ||
        strcmp(column->type, "bytea") == 0 || strncmp(text, "0000-", 5) == 0)
        return status;
    if (is_boolean)
        text = strcmp(text, "0") == 0 ? "false" : "true";
    idc_text_init(&sql, 0);
    idc_sql_literal(text, &sql);
    column->default_sql = idc_arena_strdup(import->arena, idc_text_string(&sql));
    idc_text_done(&sql);
    return column->default_sql == NULL ? idc_fail_no_memory(err) : IDC_OK;
}

/* "VIRTUAL GENERATED"; of a default that is an expression MySQL says "DEFAULT_GENERATED". */
static bool
is_generated(MYSQL_ROW row)
{
    return strstr(row[COLUMN_EXTRA], " GENERATED") != NULL;
}

static IdcStatus
add_column(const Import *import, MYSQL_ROW row, IdcImportedColumn *column, IdcError *err)
{
    IdcMysqlRemote remote = { 0 };
    bool is_json = row[COLUMN_IS_JSON] != NULL;
    const char *type = remote_type(import, row[COLUMN_TYPE]), *collation = NULL;

    column->options.items =
        idc_arena_alloc_array(import->arena, OPTIONS_MOST, sizeof(IdcOptionPair));
    column->name = idc_arena_strdup(import->arena, row[COLUMN_NAME]);
    column->comment =
        idc_arena_strdup(import->arena, row[COLUMN_COMMENT] == NULL ? "" : row[COLUMN_COMMENT]);
    if (!idc_mysql_remote_read(row[COLUMN_TYPE], NULL, &remote))
        remote.kind = IDC_MYSQL_UNKNOWN;
    column->type = hub_type(import, &remote, is_json);
    /* '0000-00-00' stands in many columns that are NOT NULL, and the planner believes what it is
     * told. */
    column->is_not_null = import->has_not_null && strcmp(row[COLUMN_NULLABLE], "NO") == 0 &&
                          !(import->has_null_dates && has_date(&remote));
    if (row[COLUMN_COLLATION] != NULL)
        collation = idc_arena_strdup(import->arena, row[COLUMN_COLLATION]);
    if (column->options.items == NULL || column->name == NULL || column->comment == NULL ||
        type == NULL || column->type == NULL ||
        (collation == NULL && row[COLUMN_COLLATION] != NULL))
        return idc_fail_no_memory(err);
    if (strcmp(row[COLUMN_KEY], "PRI") == 0)
        add_option(column, "key", "true");
    if (is_generated(row))
        add_option(column, "generated", "true");
    if (remote.kind != IDC_MYSQL_UNKNOWN)
        add_option(column, "remote_type", type);
    if (collation != NULL)
        add_option(column, "collation", collation);
    return import->has_defaults ? add_default(import, row, &remote, column, err) : IDC_OK;
}

static bool
is_skipped(const Import *import, MYSQL_ROW row)
{
    return !import->has_generated && is_generated(row);
}

/* Rows of one table follow each other; *row is the first of the next one then, or NULL. */
static IdcStatus
fill_table(const Import *import, MYSQL_RES *result, IdcImportedTable *table, MYSQL_ROW *row,
           IdcError *err)
{
    MYSQL_ROW_OFFSET first = mysql_row_tell(result);
    MYSQL_ROW begin = *row;
    IdcImportedColumn *columns;
    IdcStatus status = IDC_OK;
    size_t count = 0;

    for (; *row != NULL && strcmp((*row)[COLUMN_TABLE], table->name) == 0; count++)
        *row = mysql_fetch_row(result);
    if (count > COLUMNS_MOST)
        return idc_fail(err, IDC_UNSUPPORTED, "table \"%s\" has more than %d columns", table->name,
                        COLUMNS_MOST);
    columns = idc_arena_alloc_array(import->arena, count + 1, sizeof *columns);
    if (columns == NULL)
        return idc_fail_no_memory(err);
    table->columns = columns;
    (void) mysql_row_seek(result, first);
    *row = begin;
    while (status == IDC_OK && *row != NULL && strcmp((*row)[COLUMN_TABLE], table->name) == 0) {
        if (!is_skipped(import, *row))
            status = add_column(import, *row, &columns[table->column_count++], err);
        *row = mysql_fetch_row(result);
    }
    return status;
}

static bool
has_json_checks(const Import *import)
{
    return import->conn->is_mariadb && import->conn->version >= 100222;
}

/*
 * json of MariaDB is a longtext with a check of its own. They are read once, in a table of their
 * own: asked for column by column, the server opens every table of the schema for each of them.
 */
static void
join_json_checks(const Import *import, IdcText *sql)
{
    if (!has_json_checks(import))
        return;
    idc_text_append(sql, " LEFT JOIN (SELECT DISTINCT TABLE_NAME AS t, CONSTRAINT_NAME AS n FROM "
                         "information_schema.CHECK_CONSTRAINTS WHERE CHECK_CLAUSE = "
                         "CONCAT('json_valid(`', CONSTRAINT_NAME, '`)') AND CONSTRAINT_SCHEMA = ");
    idc_sql_literal(import->wanted->remote_schema, sql);
    append_names(import, sql);
    idc_text_append(sql, ") j ON j.t = c.TABLE_NAME AND j.n = c.COLUMN_NAME");
}

static IdcStatus
read_columns(Import *import, IdcError *err)
{
    MYSQL_RES *result = NULL;
    MYSQL_ROW row;
    IdcStatus status;
    size_t i = 0;
    IdcText sql;

    idc_text_init(&sql, 0);
    idc_text_append_format(
        &sql,
        "SELECT c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.IS_NULLABLE, c.COLUMN_KEY, "
        "c.COLLATION_NAME, c.COLUMN_COMMENT, c.EXTRA, c.COLUMN_DEFAULT, %s FROM "
        "information_schema.COLUMNS c",
        has_json_checks(import) ? "j.n" : "NULL");
    join_json_checks(import, &sql);
    idc_text_append(&sql, " WHERE c.TABLE_SCHEMA = ");
    idc_sql_literal(import->wanted->remote_schema, &sql);
    append_names(import, &sql);
    idc_text_append(&sql, " ORDER BY CAST(c.TABLE_NAME AS BINARY), c.ORDINAL_POSITION");
    status = ask(import, &sql, &result, err);
    if (status != IDC_OK)
        return status;
    row = mysql_fetch_row(result);
    while (status == IDC_OK && row != NULL && i < import->table_count) {
        int order = strcmp(row[COLUMN_TABLE], import->tables[i].name);

        if (order == 0)
            status = fill_table(import, result, &import->tables[i++], &row, err);
        else if (order < 0)
            row = mysql_fetch_row(result);
        else
            i++;
    }
    mysql_free_result(result);
    return status;
}

/* ---- together ---- */

static IdcStatus
check_schema(Import *import, IdcError *err)
{
    MYSQL_RES *result = NULL;
    IdcStatus status;
    IdcText sql;

    if (import->table_count > 0)
        return IDC_OK;
    idc_text_init(&sql, 0);
    idc_text_append(&sql, "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ");
    idc_sql_literal(import->wanted->remote_schema, &sql);
    status = ask(import, &sql, &result, err);
    if (status == IDC_OK && mysql_num_rows(result) == 0) {
        status = idc_fail(err, IDC_NOT_FOUND, "the server has no database \"%s\", or not for us",
                          import->wanted->remote_schema);
        idc_error_set_sqlstate(err, "HV00Q");
    }
    mysql_free_result(result);
    return status;
}

/* Views that are broken have no columns. */
static void
leave_out_empty(Import *import)
{
    size_t kept = 0;

    for (size_t i = 0; i < import->table_count; i++)
        if (import->tables[i].column_count > 0)
            import->tables[kept++] = import->tables[i];
    import->table_count = kept;
}

static IdcStatus
read_all(IdcSourceScan *scan, Import *import, IdcError *err)
{
    IdcStatus status;

    import->tables = idc_arena_alloc_array(scan->arena, TABLES_MOST + 1, sizeof *import->tables);
    if (import->tables == NULL)
        return idc_fail_no_memory(err);
    read_options(scan->server, import);
    status = read_tables(import, err);
    if (status == IDC_OK)
        status = check_schema(import, err);
    if (status == IDC_OK)
        status = read_columns(import, err);
    leave_out_empty(import);
    return status;
}

IdcStatus
idc_mysql_import(IdcSourceScan *scan, const IdcImport *wanted, const IdcImportedTable **tables,
                 size_t *count, IdcError *err)
{
    const IdcMysqlServer *server = scan->server->state;
    Import import = { .arena = scan->arena, .wanted = wanted, .stats = &scan->stats };
    IdcMysqlWait wait;
    IdcLink *link = NULL;
    IdcStatus status = idc_links_for_scan(server->links, scan, &link, err);

    if (status != IDC_OK)
        return status;
    import.conn = link->handle;
    import.wait = &wait;
    idc_mysql_wait_begin(&wait, scan->call, -1, &scan->stats);
    status = read_all(scan, &import, err);
    if (status != IDC_OK) {
        link->is_broken = true;
        return status;
    }
    *tables = import.tables;
    *count = import.table_count;
    return IDC_OK;
}
