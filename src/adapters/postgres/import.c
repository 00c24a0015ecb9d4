/*
 * import.c - IMPORT FOREIGN SCHEMA: the tables of a schema, with their keys.
 *
 * In:   the source's own catalogue, in one query
 * Out:  definitions of foreign tables
 *
 * As postgres_fdw does it. Types that are not built in come as the text that they are written as,
 * since the hub need not have them; domains as the type below them.
 */
#include <string.h>

#include "adapters/postgres/work.h"
#include "base/quote.h"

enum { TABLES_MOST = 10000, COLUMNS_MOST = 1600 };

/* Columns of the query. */
typedef enum Field {
    TABLE_NAME,
    TABLE_COMMENT,
    COLUMN_NAME, /* NULL: the table has none */
    BASE_TYPE,
    OWN_TYPE,
    IS_BUILT_IN,
    IS_NOT_NULL,
    COLLATION,
    COLUMN_COMMENT,
    IS_KEY,
    DEFAULT_SQL,
    IS_GENERATED,
    ROW_COUNT, /* NULL: nobody counted */
    FIELD_COUNT
} Field;

/* Domains are looked through; a key is the primary one, or else another without NULLs. */
static const char query_from[] =
    " FROM pg_class c"
    " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " LEFT JOIN LATERAL (WITH RECURSIVE b(depth, type, modifier) AS ("
    "SELECT 0, a.atttypid, a.atttypmod UNION ALL"
    " SELECT depth + 1, typbasetype, CASE WHEN typtypmod = -1 THEN modifier ELSE typtypmod END"
    " FROM b JOIN pg_type ON oid = type AND typtype = 'd')"
    " SELECT b.type, b.modifier, e.oid < 10000 AND e.typtype <> 'c'"
    " AND e.typnamespace = 'pg_catalog'::regnamespace AS is_built_in"
    " FROM b JOIN pg_type t ON t.oid = b.type"
    " JOIN pg_type e ON e.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem"
    " ELSE t.oid END ORDER BY depth DESC LIMIT 1) base ON true"
    " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
    " LEFT JOIN pg_collation l ON l.oid = a.attcollation AND l.collname <> 'default'"
    " AND l.collnamespace = 'pg_catalog'::regnamespace"
    " LEFT JOIN LATERAL (SELECT i.indkey FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique"
    " AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL"
    " AND NOT EXISTS (SELECT FROM pg_attribute n WHERE n.attrelid = c.oid"
    " AND n.attnum = ANY (i.indkey) AND NOT n.attnotnull)"
    " ORDER BY i.indisprimary DESC, i.indnatts, i.indexrelid LIMIT 1) k ON true"
    " WHERE c.relkind IN ('r', 'v', 'f', 'm', 'p')"
    " AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = ";

typedef struct Import {
    IdcSourceScan *scan;
    const IdcImport *wanted;
    IdcPostgresSession *session;
    bool has_collations, has_defaults, has_generated, has_not_null, is_unknown_text;
    IdcImportedTable *tables;
    size_t count;
    IdcImportedColumn *columns; /* of the table that is being read */
    size_t column_count;
} Import;

static bool
import_option(const IdcImport *wanted, const char *name)
{
    return idc_adapter_option_bool(&idc_declaration_postgres, &wanted->options, name);
}

/* ---- the query ---- */

/* Partitions belong to their table, unless they are asked for. */
static IdcStatus
append_names(const Import *import, IdcText *sql, IdcError *err)
{
    const IdcImport *wanted = import->wanted;
    IdcStatus status = IDC_OK;

    if (PQserverVersion(import->session->libpq) >= 100000 && !wanted->is_list)
        idc_text_append(sql, " AND NOT c.relispartition");
    if (!wanted->is_list && !wanted->is_except)
        return IDC_OK;
    idc_text_append_format(sql, " AND c.relname %sIN (NULL", wanted->is_list ? "" : "NOT ");
    if (wanted->is_except) /* NOT IN with a NULL is never true */
        sql->len -= strlen("NULL");
    for (size_t i = 0; i < wanted->name_count && status == IDC_OK; i++) {
        idc_text_append(sql, i > 0 || wanted->is_list ? ", " : "");
        status = idc_quote_literal(sql, wanted->names[i], strlen(wanted->names[i]), err);
    }
    idc_text_append_char(sql, ')');
    return status;
}

/* What a column is computed from has functions, types or operators that the hub may not have: it is
 * a plain column here. */
static const char query_own[] =
    "EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_attrdef'::regclass AND o.objid = d.oid"
    " AND o.refobjid >= 16384 AND o.refclassid IN ('pg_proc'::regclass, 'pg_type'::regclass,"
    " 'pg_operator'::regclass, 'pg_collation'::regclass))";

static IdcStatus
write_query(const Import *import, IdcText *sql, IdcError *err)
{
    bool has_generated = PQserverVersion(import->session->libpq) >= 120000;
    const char *generated = has_generated ? "a.attgenerated <> ''" : "false";
    const char *schema = import->wanted->remote_schema;
    IdcStatus status;

    idc_text_append_format(
        sql,
        "SELECT c.relname, obj_description(c.oid, 'pg_class'), a.attname,"
        " format_type(base.type, base.modifier), format_type(a.atttypid, a.atttypmod),"
        " base.is_built_in, a.attnotnull, l.collname, col_description(c.oid, a.attnum),"
        " a.attnum = ANY (k.indkey),"
        " CASE WHEN NOT (%s AND %s) THEN pg_get_expr(d.adbin, d.adrelid) END, %s,"
        " CASE WHEN c.reltuples >= 0 AND (c.reltuples > 0 OR c.relpages > 0)"
        " AND c.relkind IN ('r', 'm', 'p') THEN round(c.reltuples::numeric) END%s",
        generated, query_own, generated, query_from);
    status = idc_quote_literal(sql, schema, strlen(schema), err);
    idc_text_append_char(sql, ')');
    if (status == IDC_OK)
        status = append_names(import, sql, err);
    idc_text_append(sql, " ORDER BY c.relname, a.attnum");
    return status == IDC_OK ? idc_text_check(sql, err) : status;
}

/* ---- rows ---- */

static const char *
copy(const Import *import, const char *text)
{
    return idc_arena_strdup(import->scan->arena, text);
}

static IdcStatus
add_option(const Import *import, IdcOptionPair *pairs, IdcOptionSet *set, const char *name,
           const char *value, IdcError *err)
{
    pairs[set->count] = (IdcOptionPair){ .name = name, .value = copy(import, value) };
    if (pairs[set->count].value == NULL)
        return idc_fail_no_memory(err);
    set->items = pairs;
    set->count++;
    return IDC_OK;
}

static IdcStatus
begin_table(Import *import, const IdcAnswer *row, IdcError *err)
{
    IdcOptionPair *pairs = idc_arena_alloc_array(import->scan->arena, 3, sizeof *pairs);
    IdcImportedColumn *columns =
        idc_arena_alloc_array(import->scan->arena, COLUMNS_MOST, sizeof *columns);
    IdcImportedTable *table;
    IdcStatus status;

    if (import->count == TABLES_MOST)
        return idc_fail(err, IDC_UNSUPPORTED, "there are more than %d tables", TABLES_MOST);
    table = &import->tables[import->count];
    table->name = copy(import, row->fields[TABLE_NAME]);
    table->comment = copy(import, row->fields[TABLE_COMMENT]);
    if (pairs == NULL || columns == NULL || table->name == NULL)
        return idc_fail_no_memory(err);
    status =
        add_option(import, pairs, &table->options, "schema", import->wanted->remote_schema, err);
    if (status == IDC_OK)
        status = add_option(import, pairs, &table->options, "table", table->name, err);
    if (status == IDC_OK && row->fields[ROW_COUNT] != NULL &&
        import_option(import->wanted, "import_statistics"))
        status =
            add_option(import, pairs, &table->options, "row_count", row->fields[ROW_COUNT], err);
    import->columns = columns;
    table->columns = columns;
    import->count++;
    return status;
}

static const char *
type_text(const Import *import, const IdcAnswer *row)
{
    bool is_built_in = row->fields[IS_BUILT_IN] != NULL && row->fields[IS_BUILT_IN][0] == 't';
    const char *type = is_built_in               ? row->fields[BASE_TYPE]
                       : import->is_unknown_text ? "text"
                                                 : row->fields[OWN_TYPE];
    const char *collation = import->has_collations ? row->fields[COLLATION] : NULL;

    if (collation == NULL || strchr(collation, '"') != NULL)
        return copy(import, type);
    return idc_arena_printf(import->scan->arena, "%s COLLATE \"%s\"", type, collation);
}

static IdcStatus
add_column(Import *import, const IdcAnswer *row, IdcError *err)
{
    IdcImportedTable *table = &import->tables[import->count - 1];
    IdcImportedColumn *column;
    IdcOptionPair *pairs = idc_arena_alloc_array(import->scan->arena, 2, sizeof *pairs);
    bool is_generated = row->fields[IS_GENERATED][0] == 't';
    IdcStatus status = IDC_OK;

    if (table->column_count == COLUMNS_MOST)
        return idc_fail(err, IDC_UNSUPPORTED, "table \"%s\" has more than %d columns", table->name,
                        COLUMNS_MOST);
    column = &import->columns[table->column_count++];
    *column = (IdcImportedColumn){
        .name = copy(import, row->fields[COLUMN_NAME]),
        .type = type_text(import, row),
        .comment = copy(import, row->fields[COLUMN_COMMENT]),
        .is_not_null = import->has_not_null && row->fields[IS_NOT_NULL][0] == 't',
    };
    if (is_generated ? import->has_generated : import->has_defaults)
        column->default_sql = copy(import, row->fields[DEFAULT_SQL]);
    column->is_generated = is_generated && column->default_sql != NULL;
    if (pairs == NULL || column->name == NULL || column->type == NULL)
        return idc_fail_no_memory(err);
    if (row->fields[IS_KEY] != NULL && row->fields[IS_KEY][0] == 't')
        status = add_option(import, pairs, &column->options, "key", "true", err);
    if (status == IDC_OK &&
        strncmp(column->type, row->fields[OWN_TYPE], strlen(row->fields[OWN_TYPE])) != 0)
        status =
            add_option(import, pairs, &column->options, "remote_type", row->fields[OWN_TYPE], err);
    return status;
}

static IdcStatus
take_row(Import *import, const IdcAnswer *row, IdcError *err)
{
    const IdcImportedTable *last = import->count == 0 ? NULL : &import->tables[import->count - 1];
    IdcStatus status = IDC_OK;

    if (row->field_count != FIELD_COUNT)
        return idc_fail(err, IDC_SOURCE_FAILED, "the source's catalogue is another than expected");
    if (last == NULL || strcmp(last->name, row->fields[TABLE_NAME]) != 0)
        status = begin_table(import, row, err);
    if (status == IDC_OK && row->fields[COLUMN_NAME] != NULL)
        status = add_column(import, row, err);
    return status;
}

static IdcStatus
check_schema(Import *import, IdcError *err)
{
    const char *schema = import->wanted->remote_schema;
    IdcAnswer answer = { 0 };
    bool is_there = false;
    IdcText sql;
    IdcStatus status;

    idc_text_init(&sql, 0);
    idc_text_append(&sql, "SELECT 1 FROM pg_namespace WHERE nspname = ");
    status = idc_quote_literal(&sql, schema, strlen(schema), err);
    if (status == IDC_OK)
        status = idc_text_check(&sql, err);
    if (status == IDC_OK)
        status = idc_postgres_send(import->session, import->scan->call, idc_text_string(&sql), err);
    idc_text_done(&sql);
    while (status == IDC_OK && answer.kind != IDC_ANSWER_END) {
        status = idc_postgres_answer(import->session, import->scan->call, &answer, err);
        is_there |= status == IDC_OK && answer.kind == IDC_ANSWER_ROW;
    }
    if (status == IDC_OK && !is_there) {
        status = idc_fail(err, IDC_NOT_FOUND, "the source has no schema \"%s\"", schema);
        idc_error_set_sqlstate(err, "HV00Q");
    }
    return status;
}

/* A row that does not fit ends the import, but the answer is read to its end. */
static IdcStatus
read_tables(Import *import, IdcError *err)
{
    IdcAnswer answer = { 0 };
    IdcStatus status, row_status = IDC_OK;
    IdcText sql;

    idc_text_init(&sql, 0);
    status = write_query(import, &sql, err);
    if (status == IDC_OK)
        status = idc_postgres_send(import->session, import->scan->call, idc_text_string(&sql), err);
    idc_text_done(&sql);
    import->scan->stats.requests++;
    while (status == IDC_OK && answer.kind != IDC_ANSWER_END) {
        status = idc_postgres_answer(import->session, import->scan->call, &answer, err);
        if (status == IDC_OK && row_status == IDC_OK && answer.kind == IDC_ANSWER_ROW)
            row_status = take_row(import, &answer, err);
    }
    return status == IDC_OK ? row_status : status;
}

/* pg_get_expr and format_type name what is not in search_path by its schema. */
static IdcStatus
run_import(Import *import, IdcError *err)
{
    IdcStatus status = idc_postgres_begin_alone(import->session, err);

    if (status == IDC_OK)
        status = check_schema(import, err);
    if (status == IDC_OK)
        status = read_tables(import, err);
    return status;
}

IdcStatus
idc_postgres_import(IdcSourceScan *scan, const IdcImport *wanted, const IdcImportedTable **tables,
                    size_t *count, IdcError *err)
{
    IdcPostgresHost *host = scan->server->state;
    Import import = {
        .scan = scan,
        .wanted = wanted,
        .has_collations = import_option(wanted, "import_collate"),
        .has_defaults = import_option(wanted, "import_default"),
        .has_generated = import_option(wanted, "import_generated"),
        .has_not_null = import_option(wanted, "import_not_null"),
        .is_unknown_text = import_option(wanted, "import_unknown_as_text"),
    };
    IdcLink *link = NULL;
    IdcStatus status;

    import.tables = idc_arena_alloc_array(scan->arena, TABLES_MOST, sizeof *import.tables);
    if (import.tables == NULL)
        return idc_fail_no_memory(err);
    status = idc_links_for_scan(host->links, scan, &link, err);
    if (status != IDC_OK)
        return status;
    import.session = link->handle;
    status = run_import(&import, err);
    idc_postgres_end_alone(import.session, scan->call);
    link->is_broken |= import.session->is_lost || import.session->is_busy;
    idc_link_release(link);
    if (status != IDC_OK)
        return status;
    *tables = import.tables;
    *count = import.count;
    return IDC_OK;
}
