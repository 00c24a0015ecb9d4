/*
 * write_table.c - the columns that are written, as the server has them.
 *
 * A statement on the table holds it as it is until the transaction ends (a metadata lock), so what
 * the server says of its columns after that stays true, and is asked once a transaction.
 */
#include "adapters/mysql/write.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

enum { FIELD_NAME, FIELD_TYPE, FIELD_COLLATION, FIELD_NULL, FIELD_KEY, FIELD_DEFAULT, FIELD_EXTRA };

typedef struct Table {
    struct Table *next;
    const char *name; /* as it stands in statements */
    IdcMysqlTarget *targets;
    size_t count;
} Table;

/* Of one transaction. */
struct IdcMysqlKnown {
    IdcArena *arena;
    uint64_t transaction;
    Table *tables;
};

void
idc_mysql_known_free(struct IdcMysqlKnown *known)
{
    if (known != NULL)
        idc_arena_free(known->arena);
    idc_free(known);
}

/* Empty if it is of another transaction. */
static struct IdcMysqlKnown *
known_of(IdcMysqlConn *conn, uint64_t transaction)
{
    struct IdcMysqlKnown *known = conn->known;

    if (known != NULL && known->transaction == transaction && transaction != 0)
        return known;
    idc_mysql_known_free(known);
    conn->known = known = idc_calloc(1, sizeof *known);
    if (known == NULL)
        return NULL;
    known->transaction = transaction;
    known->arena = idc_arena_new(0);
    if (known->arena == NULL) {
        idc_free(known);
        conn->known = NULL;
    }
    return conn->known;
}

/* ---- members of "enum('a','b''c')" ---- */

static size_t
count_members(const char *type)
{
    size_t count = 0;

    for (const char *at = strchr(type, '\''); at != NULL && *at == '\''; count++) {
        do {
            at++;
            if (at[0] == '\'' && at[1] == '\'')
                at++;
            else if (at[0] == '\'')
                break;
        } while (*at != '\0');
        if (*at == '\'')
            at++;
        if (*at == ',')
            at++;
    }
    return count;
}

static IdcStatus
read_members(IdcArena *arena, const char *type, IdcMysqlTarget *target, IdcError *err)
{
    size_t most = count_members(type);
    const char **members = idc_arena_alloc_array(arena, most + 1, sizeof *members);
    const char *at = strchr(type, '\'');

    if (members == NULL)
        return idc_fail_no_memory(err);
    while (at != NULL && *at == '\'' && target->member_count < most) {
        char *member = idc_arena_alloc(arena, strlen(at) + 1);
        size_t len = 0;

        if (member == NULL)
            return idc_fail_no_memory(err);
        for (at++; *at != '\0' && (at[0] != '\'' || at[1] == '\''); at++) {
            at += at[0] == '\'' ? 1 : 0;
            member[len++] = *at;
        }
        members[target->member_count++] = member;
        at += at[0] == '\'' ? 1 : 0;
        at += at[0] == ',' ? 1 : 0;
    }
    target->members = members;
    return IDC_OK;
}

/* ---- the server's answer ---- */

static IdcStatus
read_target(IdcArena *arena, MYSQL_ROW row, IdcMysqlTarget *target, IdcError *err)
{
    const char *collation = row[FIELD_COLLATION];

    target->name = idc_arena_strdup(arena, row[FIELD_NAME]);
    if (collation != NULL)
        collation = idc_arena_strdup(arena, collation);
    if (target->name == NULL || (collation == NULL && row[FIELD_COLLATION] != NULL))
        return idc_fail_no_memory(err);
    if (!idc_mysql_remote_read(row[FIELD_TYPE], collation, &target->remote))
        target->remote.kind = IDC_MYSQL_UNKNOWN;
    target->is_not_null = row[FIELD_NULL] != NULL && strcasecmp(row[FIELD_NULL], "NO") == 0;
    target->is_automatic =
        row[FIELD_EXTRA] != NULL && strcasestr(row[FIELD_EXTRA], "auto_increment") != NULL;
    if (target->remote.kind == IDC_MYSQL_ENUM || target->remote.kind == IDC_MYSQL_SET)
        return read_members(arena, row[FIELD_TYPE], target, err);
    return IDC_OK;
}

static IdcStatus
read_table(IdcArena *arena, MYSQL_RES *result, Table *table, IdcError *err)
{
    size_t rows = (size_t) mysql_num_rows(result);
    IdcStatus status = IDC_OK;
    MYSQL_ROW row;

    table->targets = idc_arena_alloc_array(arena, rows + 1, sizeof *table->targets);
    if (table->targets == NULL)
        return idc_fail_no_memory(err);
    while (status == IDC_OK && table->count < rows && (row = mysql_fetch_row(result)) != NULL)
        status = read_target(arena, row, &table->targets[table->count++], err);
    return status;
}

static IdcStatus
ask(IdcMysqlWriter *writer, const char *format, const char *name, MYSQL_RES **result, IdcError *err)
{
    IdcStatus status;

    idc_text_clear(&writer->sql);
    idc_text_append_format(&writer->sql, format, name);
    writer->summary = NULL;
    status = idc_mysql_write_run(writer, result, err);
    if (status == IDC_OK && *result == NULL)
        status = idc_fail(err, IDC_SOURCE_FAILED, "the server has no answer to \"%s\"", format);
    return status;
}

static IdcStatus
ask_packet_bytes(IdcMysqlWriter *writer, IdcError *err)
{
    MYSQL_RES *result = NULL;
    MYSQL_ROW row;
    IdcStatus status;

    if (writer->conn->packet_bytes > 0)
        return IDC_OK;
    status = ask(writer, "SELECT @@max_allowed_packet%s", "", &result, err);
    if (status != IDC_OK)
        return status;
    row = mysql_fetch_row(result);
    writer->conn->packet_bytes =
        row == NULL || row[0] == NULL ? 1 << 20 : strtoll(row[0], NULL, 10);
    mysql_free_result(result);
    return IDC_OK;
}

/* As SHOW FULL COLUMNS, which takes ten times as long to look at rights of columns. */
static IdcStatus
ask_columns(IdcMysqlWriter *writer, const IdcRelation *scan, MYSQL_RES **result, IdcError *err)
{
    const char *database = idc_mysql_option(&scan->options, "database");
    const char *table = idc_mysql_option(&scan->options, "table");
    IdcStatus status;
    IdcText where;

    idc_text_init(&where, 0);
    if (database == NULL)
        idc_text_append(&where, "DATABASE()");
    else
        idc_mysql_append_string(database, &where);
    idc_text_append(&where, " AND TABLE_NAME = ");
    idc_mysql_append_string(table == NULL ? scan->name : table, &where);
    status = ask(writer,
                 "SELECT COLUMN_NAME, COLUMN_TYPE, COLLATION_NAME, IS_NULLABLE, COLUMN_KEY, "
                 "COLUMN_DEFAULT, EXTRA FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s",
                 idc_text_string(&where), result, err);
    idc_text_done(&where);
    return status;
}

static IdcStatus
ask_table(IdcMysqlWriter *writer, const IdcRelation *scan, struct IdcMysqlKnown *known,
          Table *table, IdcError *err)
{
    MYSQL_RES *result = NULL;
    IdcStatus status = ask(writer, "SELECT 1 FROM %s LIMIT 0", table->name, &result, err);

    if (status != IDC_OK)
        return status;
    mysql_free_result(result);
    status = ask_columns(writer, scan, &result, err);
    if (status == IDC_OK && mysql_num_rows(result) == 0) {
        /* By another spelling, where the server's names have no case. */
        mysql_free_result(result);
        result = NULL;
        status = ask(writer, "SHOW FULL COLUMNS FROM %s", table->name, &result, err);
    }
    if (status != IDC_OK)
        return status;
    status = read_table(known->arena, result, table, err);
    mysql_free_result(result);
    return status;
}

static IdcStatus
find_table(IdcMysqlWriter *writer, const IdcRelation *scan, const Table **found, IdcError *err)
{
    struct IdcMysqlKnown *known = known_of(writer->conn, writer->scan->transaction.id);
    IdcStatus status = IDC_OK;
    Table *table;
    IdcText name;

    if (known == NULL)
        return idc_fail_no_memory(err);
    idc_text_init(&name, 0);
    idc_mysql_append_table(scan, &name);
    for (table = known->tables; table != NULL; table = table->next)
        if (strcmp(table->name, idc_text_string(&name)) == 0)
            break;
    if (table == NULL) {
        table = idc_arena_alloc(known->arena, sizeof *table);
        if (table != NULL)
            table->name = idc_arena_strdup(known->arena, idc_text_string(&name));
        status = table == NULL || table->name == NULL ? idc_fail_no_memory(err)
                                                      : ask_packet_bytes(writer, err);
        if (status == IDC_OK)
            status = ask_table(writer, scan, known, table, err);
        if (status == IDC_OK) {
            table->next = known->tables;
            known->tables = table;
        }
    }
    idc_text_done(&name);
    *found = table;
    return status;
}

IdcStatus
idc_mysql_targets(IdcMysqlWriter *writer, const IdcRelation *scan, const IdcMysqlTarget ***targets,
                  IdcError *err)
{
    const IdcMysqlTarget **made =
        idc_arena_alloc_array(writer->scan->arena, scan->column_count + 1, sizeof *made);
    const Table *table = NULL;
    IdcStatus status;

    if (made == NULL)
        return idc_fail_no_memory(err);
    status = find_table(writer, scan, &table, err);
    for (size_t i = 0; status == IDC_OK && i < scan->column_count; i++) {
        const char *name = idc_mysql_option(&scan->columns[i].options, "column");

        if (name == NULL)
            name = scan->columns[i].name;
        for (size_t j = 0; j < table->count && made[i] == NULL; j++)
            if (strcasecmp(table->targets[j].name, name) == 0)
                made[i] = &table->targets[j];
        if (made[i] == NULL) {
            status = idc_fail(err, IDC_NOT_FOUND, "table %s of the server has no column \"%s\"",
                              table->name, name);
            idc_error_set_sqlstate(err, "42703");
        }
    }
    *targets = made;
    return status;
}

const IdcMysqlTarget *
idc_mysql_automatic(IdcMysqlWriter *writer)
{
    const Table *table = NULL;

    if (find_table(writer, writer->modify->table, &table, NULL) != IDC_OK)
        return NULL;
    for (size_t i = 0; i < table->count; i++)
        if (table->targets[i].is_automatic)
            return &table->targets[i];
    return NULL;
}
