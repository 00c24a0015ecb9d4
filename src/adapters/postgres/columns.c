/*
 * columns.c - what the columns of a table are at the source.
 *
 * A foreign table may be written by hand, so only the source knows. It is asked once a table and
 * process, and only where something is computed or compared there: what merely comes out is cast.
 */
#include <stdlib.h>
#include <string.h>

#include "adapters/postgres/work.h"

/* Domains are looked through. */
static const char columns_sql[] =
    "WITH RECURSIVE base(number, name, type, modifier, coll) AS ("
    "SELECT attnum, attname, atttypid, atttypmod, attcollation FROM pg_attribute "
    "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped "
    "UNION ALL SELECT number, name, typbasetype, CASE WHEN typtypmod = -1 THEN modifier "
    "ELSE typtypmod END, coll FROM base JOIN pg_type ON oid = type AND typtype = 'd') "
    "SELECT name, type, modifier, %s, %s, "
    "r.relkind IN ('r', 'm') AND NOT r.relhassubclass FROM base JOIN pg_type t ON t.oid = type AND "
    "typtype <> "
    "'d' "
    "LEFT JOIN pg_collation c ON c.oid = coll LEFT JOIN pg_class r ON r.oid = to_regclass(%s) "
    "ORDER BY number";

/* An ordinary table, without rules, policies and numbers that only it may give. */
static const char copy_sql[] =
    "r.relkind IN ('r', 'p') AND NOT r.relhasrules AND NOT r.relrowsecurity AND NOT EXISTS "
    "(SELECT FROM pg_attribute i WHERE i.attrelid = r.oid AND i.attidentity = 'a')";
static const char old_copy_sql[] =
    "r.relkind IN ('r', 'p') AND NOT r.relhasrules AND NOT r.relrowsecurity";

/* ---- asking ---- */

static IdcStatus
add_column(IdcPostgresHost *host, IdcPostgresTable *table, const IdcAnswer *row, IdcError *err)
{
    enum { STEP = 64 };

    if (row->field_count != 6)
        return IDC_OK;
    table->takes_copy = row->fields[4] != NULL && row->fields[4][0] == 't';
    table->is_one = row->fields[5] != NULL && row->fields[5][0] == 't';
    if (table->count % STEP == 0) {
        const char **names = idc_arena_alloc_array(host->arena, table->count + STEP, sizeof *names);
        IdcPostgresColumn *columns =
            idc_arena_alloc_array(host->arena, table->count + STEP, sizeof *columns);

        if (names == NULL || columns == NULL)
            return idc_fail_no_memory(err);
        if (table->count > 0) {
            memcpy(names, table->names, table->count * sizeof *names);
            memcpy(columns, table->columns, table->count * sizeof *columns);
        }
        table->names = names;
        table->columns = columns;
    }
    table->names[table->count] = idc_arena_strdup(host->arena, row->fields[0]);
    if (table->names[table->count] == NULL)
        return idc_fail_no_memory(err);
    table->columns[table->count++] =
        (IdcPostgresColumn){ .oid = (uint32_t) strtoul(row->fields[1], NULL, 10),
                             .modifier = (int32_t) strtol(row->fields[2], NULL, 10),
                             .is_deterministic = row->fields[3][0] == 't' };
    return IDC_OK;
}

/* The lock is held for each row only: other scans go on. */
static IdcStatus
read_columns(IdcPostgresSession *session, IdcSourceScan *scan, const char *sql,
             IdcPostgresTable *table, IdcError *err)
{
    IdcPostgresHost *host = session->host;
    IdcAnswer answer = { 0 };
    IdcStatus status;

    idc_postgres_begin_read(session);
    status = idc_postgres_send_harmless(session, scan->call, sql, err);
    scan->stats.requests++;
    while (status == IDC_OK) {
        status = idc_postgres_answer(session, scan->call, &answer, err);
        if (status != IDC_OK || answer.kind == IDC_ANSWER_END)
            break;
        if (answer.kind != IDC_ANSWER_ROW)
            continue;
        pthread_mutex_lock(&host->lock);
        status = add_column(host, table, &answer, err);
        pthread_mutex_unlock(&host->lock);
    }
    idc_postgres_end_read(session);
    return status;
}

static IdcStatus
write_query(IdcPostgresSession *session, const IdcRelation *scan, IdcText *sql, IdcError *err)
{
    IdcText name, literal;

    idc_text_init(&name, 0);
    idc_text_init(&literal, 0);
    idc_postgres_append_table(scan, &name);
    idc_sql_literal(idc_text_string(&name), &literal);
    idc_text_append_format(sql, columns_sql, idc_text_string(&literal),
                           PQserverVersion(session->libpq) >= 120000
                               ? "COALESCE(c.collisdeterministic, true)"
                               : "true",
                           PQserverVersion(session->libpq) >= 100000 ? copy_sql : old_copy_sql,
                           idc_text_string(&literal));
    sql->is_broken |= name.is_broken || literal.is_broken;
    idc_text_done(&name);
    idc_text_done(&literal);
    return idc_text_check(sql, err);
}

/* ---- what is known ---- */

static IdcPostgresTable *
find(IdcPostgresHost *host, const IdcRelation *scan)
{
    const char *schema = idc_postgres_schema(scan), *name = idc_postgres_table(scan);
    IdcPostgresTable *table;

    pthread_mutex_lock(&host->lock);
    for (table = host->tables; table != NULL; table = table->next)
        if (!table->is_stale && strcmp(table->name, name) == 0 &&
            strcmp(table->schema, schema) == 0)
            break;
    pthread_mutex_unlock(&host->lock);
    return table;
}

static IdcStatus
learn(IdcPostgresSession *session, IdcSourceScan *source, const IdcRelation *scan, IdcError *err)
{
    IdcPostgresHost *host = session->host;
    IdcPostgresTable *table;
    IdcText sql;
    IdcStatus status;

    pthread_mutex_lock(&host->lock);
    table = idc_arena_alloc(host->arena, sizeof *table);
    if (table != NULL) {
        table->schema = idc_arena_strdup(host->arena, idc_postgres_schema(scan));
        table->name = idc_arena_strdup(host->arena, idc_postgres_table(scan));
    }
    pthread_mutex_unlock(&host->lock);
    if (table == NULL || table->schema == NULL || table->name == NULL)
        return idc_fail_no_memory(err);
    idc_text_init(&sql, 0);
    status = write_query(session, scan, &sql, err);
    if (status == IDC_OK)
        status = read_columns(session, source, idc_text_string(&sql), table, err);
    idc_text_done(&sql);
    /* Where there is no such table the source will say so. */
    if (status != IDC_OK || table->count == 0)
        return status;
    pthread_mutex_lock(&host->lock);
    table->next = host->tables;
    host->tables = table;
    pthread_mutex_unlock(&host->lock);
    return IDC_OK;
}

static IdcStatus
learn_all(IdcPostgresSession *session, IdcSourceScan *source, const IdcRelation *relation,
          IdcError *err)
{
    IdcStatus status = IDC_OK;

    if (relation->kind == IDC_REL_SCAN)
        return relation->native != NULL || find(session->host, relation) != NULL
                   ? IDC_OK
                   : learn(session, source, relation, err);
    if (relation->input != NULL)
        status = learn_all(session, source, relation->input, err);
    if (status == IDC_OK && relation->right != NULL)
        status = learn_all(session, source, relation->right, err);
    return status;
}

void
idc_postgres_forget_tables(IdcPostgresHost *host, const IdcRelation *relation)
{
    IdcPostgresTable *table;

    if (relation->kind == IDC_REL_SCAN) {
        table = relation->native != NULL ? NULL : find(host, relation);
        pthread_mutex_lock(&host->lock);
        if (table != NULL)
            table->is_stale = true;
        pthread_mutex_unlock(&host->lock);
        return;
    }
    if (relation->input != NULL)
        idc_postgres_forget_tables(host, relation->input);
    if (relation->right != NULL)
        idc_postgres_forget_tables(host, relation->right);
}

static const IdcPostgresColumn *
look(void *argument, const IdcRelation *scan, const IdcRelationColumn *column)
{
    const char *name = idc_postgres_column_name(column);
    const IdcPostgresTable *table = scan->native != NULL ? NULL : find(argument, scan);

    for (size_t i = 0; table != NULL && i < table->count; i++)
        if (strcmp(table->names[i], name) == 0)
            return &table->columns[i];
    return NULL;
}

/* ---- statements ---- */

/* Nothing is done with values but to send them. */
static bool
is_plain(const IdcRelation *relation)
{
    while (relation->kind == IDC_REL_LIMIT)
        relation = relation->input;
    return relation->kind == IDC_REL_SCAN;
}

IdcStatus
idc_postgres_statement(IdcPostgresSession *session, IdcSourceScan *scan,
                       const IdcRelation *relation, const char *slice, const char **statement,
                       IdcError *err)
{
    IdcPostgresSelect select = { .slice = slice, .look = look, .host = session->host };
    IdcStatus status;

    if (is_plain(relation))
        return idc_postgres_select(scan->arena, relation, slice, statement, err);
    status = learn_all(session, scan, relation, err);
    return status == IDC_OK ? idc_postgres_write(scan->arena, relation, &select, statement, err)
                            : status;
}

IdcStatus
idc_postgres_statement_modify(IdcPostgresSession *session, IdcSourceScan *scan,
                              const IdcModify *modify, IdcText *sql, IdcError *err)
{
    IdcPostgresSelect select = { .look = look, .host = session->host };
    IdcStatus status = learn_all(session, scan, modify->where, err);

    if (status != IDC_OK)
        return status;
    return idc_postgres_write_modify(scan->arena, modify, &select, sql, err);
}

IdcStatus
idc_postgres_takes_copy(IdcPostgresSession *session, IdcSourceScan *scan, const IdcRelation *table,
                        bool *takes_copy, IdcError *err)
{
    IdcStatus status = learn_all(session, scan, table, err);
    const IdcPostgresTable *known = status == IDC_OK ? find(session->host, table) : NULL;

    *takes_copy = known != NULL && known->takes_copy;
    return status;
}

IdcStatus
idc_postgres_check_ctid(IdcPostgresSession *session, IdcSourceScan *scan, const IdcRelation *table,
                        IdcError *err)
{
    IdcStatus status = learn_all(session, scan, table, err);
    const IdcPostgresTable *known = status == IDC_OK ? find(session->host, table) : NULL;

    if (status != IDC_OK || known == NULL || known->is_one)
        return status;
    (void) idc_fail(err, IDC_UNSUPPORTED,
                    "table \"%s\" is of several tables at the source: ctid does not name its rows",
                    table->name);
    idc_error_set_hint(err, "give the columns of the table's key the option key 'true'");
    return IDC_UNSUPPORTED;
}
