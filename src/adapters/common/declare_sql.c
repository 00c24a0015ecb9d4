/*
 * declare_sql.c - the nodes of a relation become the clauses of a SELECT.
 */
#include "adapters/common/declare_sql.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How far a SELECT has come: a clause goes in if none that SQL runs later is there. */
typedef enum Stage {
    FROM,
    WHERE,
    GROUPED,
    HAVING,
    WINDOWED,
    DISTINCT_ROWS,
    ORDERED,
    LIMITED
} Stage;

/* All texts are of the arena, NULL where there is no such clause. */
typedef struct Block {
    Stage stage;
    bool is_join; /* from has more than one table */
    const char *from, *where, *group, *having, *order, *limit;
    IdcSqlColumn *columns;
    size_t column_count;
} Block;

void
idc_sql_fail(IdcSql *sql, const char *sqlstate, const char *format, ...)
{
    char message[512];
    va_list args;

    if (sql->is_broken)
        return;
    va_start(args, format);
    (void) vsnprintf(message, sizeof message, format, args);
    va_end(args);
    sql->is_broken = true;
    sql->status = idc_fail(&sql->err, IDC_BAD_VALUE, "%s", message);
    if (sqlstate != NULL)
        idc_error_set_sqlstate(&sql->err, sqlstate);
}

static IdcStatus
broken(const IdcSql *sql, IdcError *err)
{
    if (sql->status == IDC_OK)
        return idc_fail_no_memory(err);
    if (err != NULL)
        *err = sql->err;
    return sql->status;
}

/* What was appended to text, as a string of the arena; text is done. */
static const char *
keep(IdcSql *sql, IdcText *text)
{
    const char *kept =
        text->is_broken ? NULL : idc_arena_strndup(sql->arena, text->data, text->len);

    idc_text_done(text);
    sql->is_broken |= kept == NULL;
    return kept == NULL ? "" : kept;
}

static IdcSqlColumn *
new_columns(IdcSql *sql, size_t count)
{
    IdcSqlColumn *columns = idc_arena_alloc_array(sql->arena, count + 1, sizeof *columns);

    sql->is_broken |= columns == NULL;
    return columns;
}

static void
write_select(const Block *block, bool with_names, IdcText *text)
{
    idc_text_append(text, block->stage == DISTINCT_ROWS ? "SELECT DISTINCT " : "SELECT ");
    for (size_t i = 0; i < block->column_count; i++) {
        idc_text_append(text, i == 0 ? "" : ", ");
        idc_text_append(text, block->columns[i].sql);
        if (with_names)
            idc_text_append_format(text, " AS c%zu", i);
    }
    if (block->column_count == 0)
        idc_text_append(text, "1");
    idc_text_append_format(text, " FROM %s", block->from);
    if (block->where != NULL)
        idc_text_append_format(text, " WHERE %s", block->where);
    if (block->group != NULL)
        idc_text_append_format(text, " GROUP BY %s", block->group);
    if (block->having != NULL)
        idc_text_append_format(text, " HAVING %s", block->having);
    if (block->order != NULL)
        idc_text_append_format(text, " ORDER BY %s", block->order);
    if (block->limit != NULL)
        idc_text_append_format(text, " LIMIT %s", block->limit);
}

/* The block as a table of the next one. */
static void
wrap(IdcSql *sql, Block *block)
{
    IdcSqlColumn *columns = new_columns(sql, block->column_count);
    int alias = ++sql->alias_count;
    IdcText text;

    if (columns == NULL)
        return;
    idc_text_init(&text, 0);
    idc_text_append_char(&text, '(');
    write_select(block, true, &text);
    idc_text_append_format(&text, ") AS q%d", alias);
    for (size_t i = 0; i < block->column_count; i++) {
        columns[i] = block->columns[i];
        columns[i].sql = idc_arena_printf(sql->arena, "q%d.c%zu", alias, i);
        sql->is_broken |= columns[i].sql == NULL;
    }
    *block = (Block){ .stage = FROM,
                      .from = keep(sql, &text),
                      .columns = columns,
                      .column_count = block->column_count };
}

/* Make room for a clause: those of later stages go into a sub-select. */
static void
reach(IdcSql *sql, Block *block, Stage latest)
{
    if (block->stage > latest && !sql->is_broken)
        wrap(sql, block);
}

/* ---- conditions ---- */

typedef struct Guards {
    const IdcSql *sql;
    const IdcSqlColumn *input;
    bool *is_guarded; /* by number of the raw column */
    IdcText *text;
} Guards;

static bool
add_guard(const IdcExpr *expr, void *argument)
{
    Guards *guards = argument;
    const IdcSqlColumn *column;

    if (expr->kind != IDC_EXPR_COLUMN)
        return true;
    column = &guards->input[expr->index];
    if (column->raw >= 0 && !guards->is_guarded[column->raw]) {
        guards->is_guarded[column->raw] = true;
        (void) guards->sql->dialect->guard(guards->sql, column, guards->text);
    }
    return true;
}

/* Conjuncts with what must hold for their columns; NULL: there are none. before: goes first. */
static const char *
conditions(IdcSql *sql, const char *before, const IdcExpr *const *exprs, size_t count,
           const IdcSqlColumn *input)
{
    Guards guards = { .sql = sql, .input = input };
    IdcText text;

    if (count == 0)
        return before;
    guards.is_guarded = idc_arena_alloc(sql->arena, sql->raw_count + 1);
    sql->is_broken |= guards.is_guarded == NULL;
    if (sql->is_broken)
        return before;
    idc_text_init(&text, 0);
    guards.text = &text;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 || before != NULL)
            idc_text_append(&text, i > 0 ? " AND " : before);
        if (i == 0 && before != NULL)
            idc_text_append(&text, " AND ");
        idc_sql_expr(sql, exprs[i], input, IDC_SQL_CONDITION, &text);
        if (sql->dialect->guard != NULL && !sql->is_explain)
            idc_expr_walk(exprs[i], add_guard, &guards);
    }
    return keep(sql, &text);
}

/* ---- nodes ---- */

static void build(IdcSql *sql, const IdcRelation *relation, Block *block);

static int
add_raw(IdcSql *sql, const IdcRelation *scan, const IdcRelationColumn *column)
{
    IdcSqlRaw *raw;

    if (sql->raw_count == sql->raw_capacity) {
        size_t capacity = 2 * sql->raw_capacity + 16;
        IdcSqlRaw *raws = idc_arena_alloc_array(sql->arena, capacity, sizeof *raws);

        sql->is_broken |= raws == NULL;
        if (raws == NULL)
            return -1;
        if (sql->raw_count > 0)
            memcpy(raws, sql->raws, sql->raw_count * sizeof *raws);
        sql->raws = raws;
        sql->raw_capacity = capacity;
    }
    raw = &sql->raws[sql->raw_count];
    *raw = (IdcSqlRaw){ .scan = scan, .column = column };
    if (sql->on_raw != NULL)
        sql->on_raw(sql->host, raw);
    return (int) sql->raw_count++;
}

static void
build_scan(IdcSql *sql, const IdcRelation *scan, Block *block)
{
    int alias = ++sql->alias_count;
    IdcText text;

    idc_text_init(&text, 0);
    sql->dialect->table(sql, scan, &text);
    idc_text_append_format(&text, " AS t%d", alias);
    *block = (Block){ .stage = FROM,
                      .from = keep(sql, &text),
                      .columns = new_columns(sql, scan->column_count),
                      .column_count = scan->column_count };
    for (size_t i = 0; i < scan->column_count && !sql->is_broken; i++) {
        idc_text_init(&text, 0);
        idc_text_append_format(&text, "t%d.", alias);
        idc_sql_identifier(sql, sql->dialect->column_name(&scan->columns[i]), &text);
        block->columns[i].sql = keep(sql, &text);
        block->columns[i].raw = add_raw(sql, scan, &scan->columns[i]);
        block->columns[i].is_not_null = scan->columns[i].is_not_null;
    }
}

static void
build_filter(IdcSql *sql, const IdcRelation *relation, Block *block)
{
    reach(sql, block, sql->dialect->wraps_having ? WHERE : HAVING);
    if (sql->is_broken)
        return;
    if (block->stage <= WHERE) {
        block->where =
            conditions(sql, block->where, relation->exprs, relation->expr_count, block->columns);
        block->stage = WHERE;
    } else {
        block->having =
            conditions(sql, block->having, relation->exprs, relation->expr_count, block->columns);
        block->stage = HAVING;
    }
}

/* A column that is one of the input's stays it; all else is computed. */
static IdcSqlColumn
project_one(IdcSql *sql, const IdcExpr *expr, const IdcSqlColumn *input)
{
    IdcText text;

    if (expr->kind == IDC_EXPR_COLUMN)
        return input[expr->index];
    idc_text_init(&text, 0);
    idc_sql_expr(sql, expr, input, IDC_SQL_VALUE, &text);
    return (IdcSqlColumn){ .sql = keep(sql, &text), .raw = -1 };
}

static void
build_project(IdcSql *sql, const IdcRelation *relation, Block *block)
{
    IdcSqlColumn *columns = new_columns(sql, relation->expr_count);

    if (block->stage == DISTINCT_ROWS)
        reach(sql, block, WINDOWED);
    for (size_t i = 0; i < relation->expr_count && !sql->is_broken; i++)
        columns[i] = project_one(sql, relation->exprs[i], block->columns);
    block->columns = columns;
    block->column_count = relation->expr_count;
}

static void
append_value(IdcSql *sql, const IdcExpr *expr, IdcCollation by, bool is_order,
             const IdcSqlColumn *input, IdcText *text)
{
    if (sql->dialect->key != NULL) {
        sql->dialect->key(sql, expr, input, text);
        return;
    }
    idc_sql_expr(sql, expr, input, IDC_SQL_VALUE, text);
    idc_text_append(text, sql->dialect->collate(expr->type, by, is_order));
}

static bool
is_not_null(const IdcExpr *expr, const IdcSqlColumn *input)
{
    return expr->kind == IDC_EXPR_COLUMN && input[expr->index].is_not_null;
}

static const char *
aggregate_name(IdcAggregateKind kind)
{
    switch (kind) {
    case IDC_AGG_COUNT_ROWS:
    case IDC_AGG_COUNT:
        return "count";
    case IDC_AGG_SUM:
        return "sum";
    case IDC_AGG_AVG:
        return "avg";
    case IDC_AGG_MIN:
        return "min";
    case IDC_AGG_MAX:
        return "max";
    default:
        return "";
    }
}

static void
append_argument(IdcSql *sql, const IdcAggregate *aggregate, const IdcSqlColumn *input,
                IdcText *text)
{
    bool is_order = aggregate->kind == IDC_AGG_MIN || aggregate->kind == IDC_AGG_MAX;

    append_value(sql, aggregate->arg, aggregate->collation, is_order, input, text);
}

static IdcSqlColumn
aggregate_one(IdcSql *sql, const IdcAggregate *aggregate, const IdcSqlColumn *input)
{
    IdcText text;

    idc_text_init(&text, 0);
    if (sql->dialect->aggregate == NULL || !sql->dialect->aggregate(sql, aggregate, input, &text)) {
        idc_text_append_format(&text, "%s(%s", aggregate_name(aggregate->kind),
                               aggregate->is_distinct ? "DISTINCT " : "");
        if (aggregate->arg == NULL)
            idc_text_append_char(&text, '*');
        else
            append_argument(sql, aggregate, input, &text);
        idc_text_append_char(&text, ')');
    }
    if (aggregate->filter != NULL && !sql->dialect->writes_filters) {
        idc_text_append(&text, " FILTER (WHERE ");
        idc_sql_expr(sql, aggregate->filter, input, IDC_SQL_VALUE, &text);
        idc_text_append_char(&text, ')');
    }
    return (IdcSqlColumn){
        .sql = keep(sql, &text),
        .raw = -1,
        .form = sql->dialect->form_of_aggregate == NULL
                    ? 0
                    : sql->dialect->form_of_aggregate(sql, aggregate),
        .is_not_null = aggregate->kind <= IDC_AGG_COUNT,
    };
}

/* A key of a group; *grouped_by is what GROUP BY says. */
static IdcSqlColumn
group_key(IdcSql *sql, const IdcExpr *key, const IdcSqlColumn *input, const char **grouped_by)
{
    IdcSqlColumn column = { .raw = -1, .is_not_null = is_not_null(key, input) };
    IdcText text;

    idc_text_init(&text, 0);
    if (sql->dialect->key != NULL) {
        sql->dialect->key(sql, key, input, &text);
        column.form = sql->dialect->form_of_key == NULL ? 0 : sql->dialect->form_of_key(key);
        *grouped_by = column.sql = keep(sql, &text);
        if (sql->dialect->group != NULL) {
            idc_text_init(&text, 0);
            sql->dialect->group(sql, key, column.sql, &text);
            *grouped_by = keep(sql, &text);
        }
        return column;
    }
    idc_sql_expr(sql, key, input, IDC_SQL_VALUE, &text);
    column.sql = keep(sql, &text);
    *grouped_by = idc_arena_printf(sql->arena, "%s%s", column.sql,
                                   sql->dialect->collate(key->type, key->collation, false));
    sql->is_broken |= *grouped_by == NULL;
    return column;
}

static void
build_aggregate(IdcSql *sql, const IdcRelation *relation, Block *block)
{
    size_t key_count = relation->expr_count;
    IdcSqlColumn *columns = new_columns(sql, key_count + relation->aggregate_count);
    IdcText group;

    reach(sql, block, WHERE);
    if (sql->is_broken)
        return;
    idc_text_init(&group, 0);
    for (size_t i = 0; i < key_count; i++) {
        const char *grouped_by = "";

        columns[i] = group_key(sql, relation->exprs[i], block->columns, &grouped_by);
        idc_text_append_format(&group, "%s%s", i == 0 ? "" : ", ", grouped_by);
    }
    sql->input = relation->input;
    for (size_t i = 0; i < relation->aggregate_count; i++)
        columns[key_count + i] = aggregate_one(sql, &relation->aggregates[i], block->columns);
    block->group = key_count == 0 ? NULL : keep(sql, &group);
    if (key_count == 0)
        idc_text_done(&group);
    block->columns = columns;
    block->column_count = key_count + relation->aggregate_count;
    block->stage = GROUPED;
    /* HAVING without GROUP BY is not for every source. */
    if (key_count == 0 && !sql->dialect->wraps_having)
        wrap(sql, block);
}

static void
build_windows(IdcSql *sql, const IdcRelation *relation, Block *block)
{
    IdcSqlColumn *columns = new_columns(sql, relation->column_count);
    size_t input_count = relation->input->column_count;

    reach(sql, block, HAVING);
    if (sql->is_broken)
        return;
    if (input_count > 0)
        memcpy(columns, block->columns, input_count * sizeof *columns);
    for (size_t i = 0; i < relation->window_count; i++) {
        IdcText text;

        idc_text_init(&text, 0);
        sql->dialect->window(sql, &relation->windows[i], block->columns, &text);
        columns[input_count + i] = (IdcSqlColumn){ .sql = keep(sql, &text), .raw = -1 };
    }
    block->columns = columns;
    block->column_count = relation->column_count;
    block->stage = WINDOWED;
}

/* Rows are compared by the values that come out, so no column stays raw. */
static void
build_distinct(IdcSql *sql, const IdcRelation *relation, Block *block)
{
    bool is_group = sql->dialect->group != NULL && block->column_count > 0;
    IdcSqlColumn *columns = new_columns(sql, block->column_count);
    IdcText group;

    reach(sql, block, is_group ? WHERE : WINDOWED);
    idc_text_init(&group, 0);
    for (size_t i = 0; i < block->column_count && !sql->is_broken; i++) {
        IdcExpr column = { .kind = IDC_EXPR_COLUMN,
                           .index = (int32_t) i,
                           .type = relation->columns[i].type,
                           .collation = relation->columns[i].collation };
        const char *grouped_by = "";

        columns[i] = group_key(sql, &column, block->columns, &grouped_by);
        idc_text_append_format(&group, "%s%s", i == 0 ? "" : ", ", grouped_by);
        if (!is_group)
            columns[i].sql = grouped_by;
    }
    if (is_group)
        block->group = keep(sql, &group);
    else
        idc_text_done(&group);
    block->columns = columns;
    block->stage = is_group ? GROUPED : DISTINCT_ROWS;
}

static void
append_sort_key(IdcSql *sql, const IdcSortKey *key, const IdcSqlColumn *input, IdcText *text)
{
    IdcText written;

    if (sql->dialect->order == NULL) {
        append_value(sql, key->expr, key->collation, true, input, text);
        idc_text_append(text, key->is_descending ? " DESC" : " ASC");
        idc_text_append(text, key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
        return;
    }
    idc_text_init(&written, 0);
    append_value(sql, key->expr, key->collation, true, input, &written);
    sql->dialect->order(sql, key, keep(sql, &written), is_not_null(key->expr, input), text);
}

static void
build_sort(IdcSql *sql, const IdcRelation *relation, Block *block)
{
    IdcText text;

    reach(sql, block, WINDOWED);
    if (sql->is_broken)
        return;
    idc_text_init(&text, 0);
    for (size_t i = 0; i < relation->sort_key_count; i++) {
        idc_text_append(&text, i == 0 ? "" : ", ");
        append_sort_key(sql, &relation->sort_keys[i], block->columns, &text);
    }
    block->order = keep(sql, &text);
    block->stage = ORDERED;
}

static void
build_limit(IdcSql *sql, const IdcRelation *relation, Block *block)
{
    IdcText text;

    /* write_select says DISTINCT by the stage. */
    if (block->stage == DISTINCT_ROWS)
        wrap(sql, block);
    reach(sql, block, ORDERED);
    if (sql->is_broken || (relation->limit == NULL && relation->offset == NULL))
        return;
    idc_text_init(&text, 0);
    if (relation->limit != NULL)
        idc_sql_expr(sql, relation->limit, block->columns, IDC_SQL_VALUE, &text);
    else
        idc_text_append(&text, sql->dialect->no_limit);
    if (relation->offset != NULL) {
        idc_text_append(&text, " OFFSET ");
        idc_sql_expr(sql, relation->offset, block->columns, IDC_SQL_VALUE, &text);
    }
    block->limit = keep(sql, &text);
    block->stage = LIMITED;
}

/* ---- joins ---- */

static const char *
join_words(IdcJoinKind kind)
{
    switch (kind) {
    case IDC_JOIN_LEFT:
        return "LEFT JOIN";
    case IDC_JOIN_FULL:
        return "FULL JOIN";
    default:
        return "JOIN";
    }
}

static IdcSqlColumn *
both_columns(IdcSql *sql, const Block *left, const Block *right)
{
    IdcSqlColumn *both = new_columns(sql, left->column_count + right->column_count);

    if (both == NULL)
        return NULL;
    if (left->column_count > 0)
        memcpy(both, left->columns, left->column_count * sizeof *both);
    if (right->column_count > 0)
        memcpy(both + left->column_count, right->columns, right->column_count * sizeof *both);
    return both;
}

/* Of the join as it is written: left's side comes first. */
static void
join_tables(IdcSql *sql, const IdcRelation *relation, IdcJoinKind kind, Block *left,
            const Block *right, const IdcSqlColumn *both)
{
    /* What the right side was filtered by belongs to the join's own condition. */
    const char *on = conditions(sql, right->where, relation->exprs, relation->expr_count, both);

    left->from = idc_arena_printf(
        sql->arena, right->is_join ? "%s %s (%s) ON %s" : "%s %s %s ON %s", left->from,
        join_words(kind), right->from, on == NULL ? sql->dialect->always : on);
    sql->is_broken |= left->from == NULL;
    left->is_join = true;
}

/* Rows of one side may find none of the other. */
static void
take_columns(const IdcRelation *relation, IdcSqlColumn *both, Block *block)
{
    for (size_t i = 0; i < relation->column_count; i++)
        both[i].is_not_null = both[i].is_not_null && relation->columns[i].is_not_null;
    block->columns = both;
    block->column_count = relation->column_count;
}

static void
join_half(IdcSql *sql, const IdcRelation *relation, Block *left, const Block *right,
          const IdcSqlColumn *both)
{
    const char *on = conditions(sql, right->where, relation->exprs, relation->expr_count, both);

    left->where =
        idc_arena_printf(sql->arena, "%s%s%sEXISTS (SELECT 1 FROM %s WHERE %s)",
                         left->where == NULL ? "" : left->where, left->where == NULL ? "" : " AND ",
                         relation->join == IDC_JOIN_ANTI ? "NOT " : "", right->from,
                         on == NULL ? sql->dialect->always : on);
    sql->is_broken |= left->where == NULL;
    left->stage = WHERE;
}

static void
build_join(IdcSql *sql, const IdcRelation *relation, Block *left)
{
    bool is_half = relation->join == IDC_JOIN_SEMI || relation->join == IDC_JOIN_ANTI;
    /* A filter of one side would run after a full join; a right one is a left one turned round. */
    Stage latest = relation->join == IDC_JOIN_FULL ? FROM : WHERE;
    bool is_right = relation->join == IDC_JOIN_RIGHT;
    IdcSqlColumn *both;
    Block right = { 0 };

    build(sql, relation->right, &right);
    reach(sql, left, latest);
    reach(sql, &right, latest);
    both = sql->is_broken ? NULL : both_columns(sql, left, &right);
    if (is_right) {
        Block turned = *left;

        *left = right;
        right = turned;
    }
    if (right.is_join && !is_half && !sql->dialect->nests_joins && !sql->is_broken) {
        size_t first = is_right ? 0 : left->column_count;

        wrap(sql, &right);
        if (!sql->is_broken && right.column_count > 0)
            memcpy(both + first, right.columns, right.column_count * sizeof *both);
    }
    if (sql->is_broken)
        return;
    if (is_half) {
        join_half(sql, relation, left, &right, both);
        return;
    }
    join_tables(sql, relation, is_right ? IDC_JOIN_LEFT : relation->join, left, &right, both);
    take_columns(relation, both, left);
}

/* ---- together ---- */

static void
build(IdcSql *sql, const IdcRelation *relation, Block *block)
{
    if (relation->kind == IDC_REL_SCAN) {
        build_scan(sql, relation, block);
        return;
    }
    build(sql, relation->input, block);
    if (sql->is_broken)
        return;
    switch (relation->kind) {
    case IDC_REL_FILTER:
        build_filter(sql, relation, block);
        return;
    case IDC_REL_PROJECT:
        build_project(sql, relation, block);
        return;
    case IDC_REL_AGGREGATE:
        build_aggregate(sql, relation, block);
        return;
    case IDC_REL_DISTINCT:
        build_distinct(sql, relation, block);
        return;
    case IDC_REL_SORT:
        build_sort(sql, relation, block);
        return;
    case IDC_REL_LIMIT:
        build_limit(sql, relation, block);
        return;
    case IDC_REL_WINDOW:
        build_windows(sql, relation, block);
        return;
    default:
        build_join(sql, relation, block);
        return;
    }
}

/* The columns as the dialect sends them; NULL: no memory. */
static IdcSqlColumn *
output_columns(IdcSql *sql, const IdcRelation *relation, const Block *block, bool *is_changed)
{
    IdcSqlColumn *columns = new_columns(sql, block->column_count);

    *is_changed = false;
    for (size_t i = 0; i < block->column_count && !sql->is_broken; i++) {
        IdcText text;

        idc_text_init(&text, 0);
        sql->dialect->output(sql, &block->columns[i], relation->columns[i].type, &text);
        columns[i] = block->columns[i];
        columns[i].sql = keep(sql, &text);
        *is_changed |= strcmp(columns[i].sql, block->columns[i].sql) != 0;
    }
    return columns;
}

static void
write_outputs(IdcSql *sql, const IdcRelation *relation, Block *block)
{
    bool is_changed;
    IdcSqlColumn *columns = output_columns(sql, relation, block, &is_changed);

    /* Rows are distinct by what they are, not by how they are sent. */
    if (block->stage == DISTINCT_ROWS && is_changed && !sql->is_broken) {
        wrap(sql, block);
        columns = output_columns(sql, relation, block, &is_changed);
    }
    block->columns = columns;
}

IdcStatus
idc_sql_write(IdcSql *sql, const IdcRelation *relation, const char **statement,
              const IdcSqlColumn **columns, IdcError *err)
{
    Block block = { 0 };
    IdcText text;

    sql->whole = relation;
    build(sql, relation, &block);
    if (sql->is_broken)
        return broken(sql, err);
    if (sql->dialect->output != NULL)
        write_outputs(sql, relation, &block);
    idc_text_init(&text, 0);
    write_select(&block, false, &text);
    if (sql->dialect->lock != NULL)
        sql->dialect->lock(sql, idc_relation_base(relation), &text);
    *statement = keep(sql, &text);
    *columns = block.columns;
    return sql->is_broken ? broken(sql, err) : IDC_OK;
}

IdcStatus
idc_sql_parts(IdcSql *sql, const IdcRelation *relation, IdcSqlParts *parts, IdcError *err)
{
    Block block = { 0 };

    sql->whole = relation;
    build(sql, relation, &block);
    if (sql->is_broken)
        return broken(sql, err);
    *parts = (IdcSqlParts){ .from = block.from, .where = block.where, .columns = block.columns };
    return IDC_OK;
}
