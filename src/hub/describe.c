/*
 * describe.c - Parse and Describe, then a plan for each column.
 */
#include "hub/describe.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "arrow/pgtype.h"
#include "hub/conn_private.h"

static const IdcWrap no_wrap = { "", "" };
static const IdcWrap wrap_text = { "", "::pg_catalog.text" };
static const IdcWrap wrap_text_array = { "", "::pg_catalog.text[]" };
static const IdcWrap wrap_numeric = { "", "::pg_catalog.numeric" };
static const IdcWrap wrap_numeric_array = { "", "::pg_catalog.numeric[]" };
/* The casts of these to text print a netmask that their output functions leave out. */
static const IdcWrap wrap_inet = { "pg_catalog.inet_out(", ")::pg_catalog.text" };
static const IdcWrap wrap_cidr = { "pg_catalog.cidr_out(", ")::pg_catalog.text" };
static const IdcWrap wrap_net_array = { "", "::pg_catalog.text::pg_catalog.text[]" };

static_assert((int) IDC_PG_NUMERIC_FLOAT64 == (int) IDC_NUMERIC_FLOAT64 &&
                  (int) IDC_PG_NUMERIC_DECIMAL == (int) IDC_NUMERIC_DECIMAL &&
                  (int) IDC_PG_NUMERIC_STRING == (int) IDC_NUMERIC_STRING,
              "the modes are the same ones");

/* What format_type calls a built-in type. */
static const char *const formal_names[][2] = {
    { "bool", "boolean" },
    { "char", "\"char\"" },
    { "int8", "bigint" },
    { "int2", "smallint" },
    { "int4", "integer" },
    { "float4", "real" },
    { "float8", "double precision" },
    { "varchar", "character varying" },
    { "time", "time without time zone" },
    { "timestamp", "timestamp without time zone" },
    { "timestamptz", "timestamp with time zone" },
    { "timetz", "time with time zone" },
    { "bit", "\"bit\"" },
    { "varbit", "bit varying" },
};

/* The type under all domains, with the modifier that the innermost one gives it. */
static const IdcTypeInfo *
type_under_domains(const IdcTypeCache *cache, uint32_t oid, int32_t *modifier)
{
    const IdcTypeInfo *type = idc_type_find(cache, oid);

    for (int depth = 0; type != NULL && type->type.kind == 'd' && depth < IDC_PG_DOMAIN_DEPTH;
         depth++) {
        if (type->type.base_modifier >= 0)
            *modifier = type->type.base_modifier;
        type = idc_type_find(cache, type->type.base);
    }
    return type;
}

static IdcStatus
copy_labels(IdcArena *arena, const IdcTypeInfo *type, IdcColumnSpec *spec, IdcError *err)
{
    const char **labels = idc_arena_alloc_array(arena, type->label_count + 1, sizeof *labels);

    if (labels == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < type->label_count; i++) {
        labels[i] = idc_arena_strdup(arena, type->labels[i]);
        if (labels[i] == NULL)
            return idc_fail_no_memory(err);
    }
    spec->labels = labels;
    spec->label_count = type->label_count;
    return IDC_OK;
}

/* Everything but a list. */
static IdcStatus
plan_scalar(IdcArena *arena, const IdcTypeInfo *type, int32_t modifier, IdcNumericMode mode,
            IdcColumnSpec *spec, IdcWrap *wrap, IdcError *err)
{
    switch (idc_pg_plan_scalar(type != NULL ? &type->type : NULL, modifier, (IdcPgNumericMode) mode,
                               spec)) {
    case IDC_PG_DIRECT:
        *wrap = no_wrap;
        break;
    case IDC_PG_AS_TEXT:
        *wrap = wrap_text;
        break;
    case IDC_PG_AS_NUMERIC:
        *wrap = wrap_numeric;
        break;
    case IDC_PG_AS_NETWORK:
        *wrap = type->type.oid == IDC_PG_INET ? wrap_inet : wrap_cidr;
        break;
    }
    return spec->kind == IDC_KIND_ENUM ? copy_labels(arena, type, spec, err) : IDC_OK;
}

static IdcStatus
plan_list(IdcArena *arena, const IdcTypeCache *cache, const IdcTypeInfo *type, int32_t modifier,
          int dimensions, IdcNumericMode mode, IdcColumnSpec *spec, IdcWrap *wrap, IdcError *err)
{
    const IdcTypeInfo *inner = type_under_domains(cache, type->type.element, &modifier);
    IdcColumnSpec *element = idc_arena_alloc(arena, sizeof *element);
    IdcStatus status;

    if (element == NULL)
        return idc_fail_no_memory(err);
    element->name = "item";
    element->type_name = "";
    if (inner != NULL && inner->type.element != 0) {
        /* An array of a domain over an array: its elements are arrays themselves, as text. */
        element->kind = IDC_KIND_TEXT;
        *wrap = wrap_text_array;
    } else {
        status = plan_scalar(arena, inner, modifier, mode, element, wrap, err);
        if (status != IDC_OK)
            return status;
        if (inner != NULL && inner->type.oid == IDC_PG_MONEY)
            *wrap = wrap_numeric_array;
        else if (inner != NULL &&
                 (inner->type.oid == IDC_PG_INET || inner->type.oid == IDC_PG_CIDR))
            *wrap = wrap_net_array;
        else if (wrap->after[0] != '\0')
            *wrap = wrap_text_array;
    }
    spec->kind = IDC_KIND_LIST;
    spec->dimensions = dimensions > 0 ? dimensions : 1;
    spec->element = element;
    return IDC_OK;
}

/* What a column is called and how deep its arrays go, as the catalogue says. */
typedef struct Column {
    uint32_t oid, table;
    int32_t modifier;
    int position, dimensions;
    const char *type_name;
} Column;

/* format_type without asking, for what plain queries are made of; NULL: ask. */
static const char *
plain_type_name(IdcArena *arena, const IdcTypeCache *cache, const Column *column)
{
    const IdcTypeInfo *type = idc_type_find(cache, column->oid);
    const IdcTypeInfo *element = NULL;
    const char *name;
    int32_t modifier = column->modifier;

    if (type == NULL || type->type.oid >= 16384 || type->type.kind != 'b' || column->oid > 4000)
        return NULL;
    if (type->type.element != 0) {
        element = idc_type_find(cache, type->type.element);
        if (element == NULL || column->table != 0 || modifier >= 0)
            return NULL;
    }
    name = element != NULL ? element->type.name : type->type.name;
    for (size_t i = 0; i < sizeof formal_names / sizeof formal_names[0]; i++)
        if (strcmp(formal_names[i][0], name) == 0)
            name = formal_names[i][1];
    if (element != NULL)
        return idc_arena_printf(arena, "%s[]", name);
    if (modifier < 0)
        return name;
    if (type->type.oid == IDC_PG_NUMERIC)
        return idc_arena_printf(arena, "numeric(%d,%d)", ((modifier - 4) >> 16) & 0xFFFF,
                                (((modifier - 4) & 0x7FF) ^ 0x400) - 0x400);
    if (type->type.oid == 1043 || type->type.oid == 1042)
        return idc_arena_printf(arena, "%s(%d)", type->type.oid == 1043 ? name : "character",
                                modifier - 4);
    return NULL;
}

/* A description names the type below a domain, so the table's column has to say how deep that is.
 */
static const char columns_sql[] =
    "SELECT pg_catalog.format_type(c.oid, c.modifier),"
    " COALESCE(NULLIF((SELECT a.attndims FROM pg_catalog.pg_attribute a"
    "   WHERE a.attrelid = c.relation AND a.attnum = c.position), 0),"
    "  (SELECT t.typndims FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t"
    "   ON t.oid = a.atttypid WHERE a.attrelid = c.relation AND a.attnum = c.position), 0)"
    " FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), "
    "pg_catalog.unnest($2::pg_catalog.int4[]),"
    "  pg_catalog.unnest($3::pg_catalog.oid[]), pg_catalog.unnest($4::pg_catalog.int4[])) WITH "
    "ORDINALITY"
    "  AS c(oid, modifier, relation, position, n) ORDER BY c.n";

/* Ask for the names of those columns that have none. */
static IdcStatus
ask_columns(IdcConn *conn, IdcCall *call, IdcArena *arena, Column *columns, size_t count,
            IdcError *err)
{
    IdcText lists[4];
    const char *parameters[4];
    IdcTextRows rows = { 0 };
    IdcStatus status = IDC_OK;
    size_t wanted = 0, row = 0;

    for (size_t i = 0; i < 4; i++) {
        idc_text_init(&lists[i], 0);
        idc_text_append_char(&lists[i], '{');
    }
    for (size_t i = 0; i < count; i++) {
        const Column *column = &columns[i];
        int64_t numbers[4] = { column->oid, column->modifier, column->table, column->position };

        if (column->type_name != NULL)
            continue;
        for (size_t j = 0; j < 4; j++)
            idc_text_append_format(&lists[j], "%s%lld", wanted > 0 ? "," : "",
                                   (long long) numbers[j]);
        wanted++;
    }
    for (size_t i = 0; i < 4; i++) {
        idc_text_append_char(&lists[i], '}');
        parameters[i] = idc_text_string(&lists[i]);
        if (status == IDC_OK)
            status = idc_text_check(&lists[i], err);
    }
    if (status == IDC_OK && wanted > 0)
        status = idc_conn_query(conn, call, arena, columns_sql, parameters, 4, &rows, err);
    for (size_t i = 0; i < count && status == IDC_OK; i++) {
        int64_t dimensions = 0;

        if (columns[i].type_name != NULL || row >= rows.row_count)
            continue;
        columns[i].type_name = rows.values[2 * row] != NULL ? rows.values[2 * row] : "???";
        if (rows.values[2 * row + 1] != NULL &&
            idc_int64_parse(rows.values[2 * row + 1], &dimensions))
            columns[i].dimensions = (int) dimensions;
        row++;
    }
    for (size_t i = 0; i < 4; i++)
        idc_text_done(&lists[i]);
    return status;
}

static IdcStatus
look_up_types(IdcConn *conn, IdcCall *call, IdcArena *arena, const Column *columns, size_t count,
              IdcError *err)
{
    uint32_t *unknown = idc_arena_alloc_array(arena, count + 1, sizeof *unknown);
    size_t unknown_count = 0;

    if (unknown == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < count; i++)
        if (idc_type_find(conn->types, columns[i].oid) == NULL)
            unknown[unknown_count++] = columns[i].oid;
    return unknown_count == 0
               ? IDC_OK
               : idc_type_look_up(conn->types, conn, call, unknown, unknown_count, err);
}

static IdcStatus
plan_columns(IdcConn *conn, IdcArena *arena, const Column *columns, const PGresult *described,
             IdcNumericMode numeric, IdcDescription *made, IdcError *err)
{
    for (size_t i = 0; i < made->column_count; i++) {
        int32_t modifier = columns[i].modifier;
        const IdcTypeInfo *type = type_under_domains(conn->types, columns[i].oid, &modifier);
        IdcColumnSpec *spec = &made->specs[i];
        IdcStatus status;

        spec->name = idc_arena_strdup(arena, PQfname(described, (int) i));
        spec->type_name = idc_arena_strdup(arena, columns[i].type_name);
        if (spec->name == NULL || spec->type_name == NULL)
            return idc_fail_no_memory(err);
        status = type != NULL && type->type.element != 0
                     ? plan_list(arena, conn->types, type, modifier, columns[i].dimensions, numeric,
                                 spec, &made->wraps[i], err)
                     : plan_scalar(arena, type, modifier, numeric, spec, &made->wraps[i], err);
        if (status != IDC_OK)
            return status;
        if (made->wraps[i].after[0] != '\0')
            made->needs_wrap = true;
    }
    return IDC_OK;
}

static IdcStatus
plan(IdcConn *conn, IdcCall *call, IdcArena *arena, const PGresult *described,
     IdcNumericMode numeric, IdcDescription *description, IdcError *err)
{
    IdcDescription made = { .column_count = (size_t) PQnfields(described),
                            .parameter_count = (size_t) PQnparams(described) };
    Column *columns = idc_arena_alloc_array(arena, made.column_count + 1, sizeof *columns);
    IdcStatus status;

    made.specs = idc_arena_alloc_array(arena, made.column_count + 1, sizeof *made.specs);
    made.wraps = idc_arena_alloc_array(arena, made.column_count + 1, sizeof *made.wraps);
    if (columns == NULL || made.specs == NULL || made.wraps == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < made.column_count; i++)
        columns[i] = (Column){ .oid = PQftype(described, (int) i),
                               .table = PQftable(described, (int) i),
                               .modifier = PQfmod(described, (int) i),
                               .position = PQftablecol(described, (int) i) };
    status = look_up_types(conn, call, arena, columns, made.column_count, err);
    for (size_t i = 0; i < made.column_count; i++)
        columns[i].type_name = plain_type_name(arena, conn->types, &columns[i]);
    if (status == IDC_OK)
        status = ask_columns(conn, call, arena, columns, made.column_count, err);
    if (status == IDC_OK)
        status = plan_columns(conn, arena, columns, described, numeric, &made, err);
    if (status == IDC_OK)
        *description = made;
    return status;
}

/* Read all answers up to the Sync; described gets the one with the columns. */
static IdcStatus
read_description(IdcConn *conn, IdcCall *call, PGresult **described, IdcError *err)
{
    IdcStatus failed = IDC_OK;

    for (;;) {
        PGresult *result = NULL;
        ExecStatusType state;
        IdcStatus status = idc_conn_next_result(conn, call, &result, failed == IDC_OK ? err : NULL);

        if (status != IDC_OK)
            return failed != IDC_OK ? failed : status;
        if (result == NULL && PQstatus(conn->libpq) == CONNECTION_OK)
            continue;
        state = result != NULL ? PQresultStatus(result) : PGRES_FATAL_ERROR;
        if (state == PGRES_COMMAND_OK) {
            PQclear(*described);
            *described = result;
            continue;
        }
        if (state != PGRES_PIPELINE_SYNC && state != PGRES_PIPELINE_ABORTED && failed == IDC_OK)
            failed = idc_conn_fail(conn, result, err);
        PQclear(result);
        if (state == PGRES_PIPELINE_SYNC || PQstatus(conn->libpq) != CONNECTION_OK)
            return failed;
    }
}

IdcStatus
idc_describe(IdcConn *conn, IdcCall *call, IdcArena *arena, const char *name, const char *sql,
             const IdcSqlParameter *parameters, size_t parameter_count, IdcNumericMode numeric,
             IdcDescription *description, IdcError *err)
{
    Oid *types = idc_arena_alloc_array(arena, parameter_count + 1, sizeof *types);
    PGresult *described = NULL;
    IdcStatus status;

    if (types == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < parameter_count; i++)
        types[i] = parameters[i].type_oid;
    if (PQenterPipelineMode(conn->libpq) != 1)
        return idc_conn_fail(conn, NULL, err);
    if (PQsendPrepare(conn->libpq, name, sql, (int) parameter_count, types) != 1 ||
        PQsendDescribePrepared(conn->libpq, name) != 1 || PQpipelineSync(conn->libpq) != 1) {
        conn->is_broken = true;
        return idc_conn_fail(conn, NULL, err);
    }
    status = read_description(conn, call, &described, err);
    if (PQpipelineStatus(conn->libpq) != PQ_PIPELINE_OFF && PQexitPipelineMode(conn->libpq) != 1)
        conn->is_broken = true;
    if (status == IDC_OK)
        status = plan(conn, call, arena, described, numeric, description, err);
    PQclear(described);
    return status;
}

void
idc_describe_as_text(IdcDescription *description)
{
    for (size_t i = 0; i < description->column_count; i++) {
        IdcColumnSpec *spec = &description->specs[i];

        *spec = (IdcColumnSpec){ .name = spec->name,
                                 .type_name = spec->type_name,
                                 .kind = IDC_KIND_TEXT };
        description->wraps[i] = no_wrap;
    }
    description->needs_wrap = false;
}
