/*
 * trees.h - relations for the tests: one of sales by hand, and any number by chance (seeded).
 */
#ifndef TESTS_RELATION_TREES_H
#define TESTS_RELATION_TREES_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "relation/message.h"
#include "relation/relation.h"

static const IdcType type_bool = { IDC_TYPE_BOOL, -1 };
static const IdcType type_int4 = { IDC_TYPE_INT4, -1 };
static const IdcType type_int8 = { IDC_TYPE_INT8, -1 };
static const IdcType type_text = { IDC_TYPE_TEXT, -1 };
static const IdcType type_float8 = { IDC_TYPE_FLOAT8, -1 };
static const IdcType type_date = { IDC_TYPE_DATE, -1 };
static const IdcType type_timestamp = { IDC_TYPE_TIMESTAMP, -1 };
static const IdcType type_numeric = { IDC_TYPE_NUMERIC, -1 };
static const IdcType type_money = { IDC_TYPE_NUMERIC, (15 << 16 | 2) + 4 }; /* numeric(15,2) */

/* orders [id, amount, customer, placed, open], with an option each for the table and a column. */
static inline const IdcRelation *
tree_orders(IdcArena *arena)
{
    static const IdcOptionPair table[] = { { "endpoint", "/orders" } };
    static const IdcOptionPair column[] = { { "param", "id" }, { "path", "a.b" } };
    IdcOptionSet options = { table, 1 };
    IdcRelationColumn columns[] = {
        { "id", type_int8, IDC_COLLATION_NONE, true, { column, 2 } },
        { "amount", type_money, IDC_COLLATION_NONE, false, { 0 } },
        { "customer", type_text, IDC_COLLATION_LOCALE, false, { 0 } },
        { "placed", type_timestamp, IDC_COLLATION_NONE, false, { 0 } },
        { "open", type_bool, IDC_COLLATION_NONE, false, { 0 } },
    };

    return idc_relation_scan(arena, "orders", &options, columns, 5);
}

static inline const IdcRelation *
tree_customers(IdcArena *arena)
{
    IdcRelationColumn columns[] = {
        { "id", type_int8, IDC_COLLATION_NONE, true, { 0 } },
        { "name", type_text, IDC_COLLATION_C, false, { 0 } },
    };

    return idc_relation_scan(arena, "customers", NULL, columns, 2);
}

static inline const IdcExpr *
tree_compare(IdcArena *arena, IdcCompare op, const IdcExpr *a, const IdcExpr *b)
{
    const IdcExpr *args[] = { a, b };

    return idc_expr_new(arena, IDC_EXPR_COMPARE, op, type_bool, a->collation, args, 2);
}

static inline const IdcExpr *
tree_one(IdcArena *arena, IdcExprKind kind, int32_t op, IdcType type, const IdcExpr *arg)
{
    return idc_expr_new(arena, kind, op, type, IDC_COLLATION_NONE, &arg, 1);
}

static inline const IdcExpr *
tree_two(IdcArena *arena, IdcExprKind kind, int32_t op, IdcType type, const IdcExpr *a,
         const IdcExpr *b)
{
    const IdcExpr *args[] = { a, b };

    return idc_expr_new(arena, kind, op, type, IDC_COLLATION_C, args, 2);
}

/* ---- by chance ---- */

typedef struct Chance {
    uint64_t state;
    IdcArena *arena;
} Chance;

static inline unsigned
chance(Chance *c, unsigned below)
{
    c->state = c->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned) (c->state >> 33) % below;
}

/* The types that the trees are made of; each has every kind of leaf. */
static inline IdcType
chance_type(Chance *c)
{
    static const IdcType types[] = { { IDC_TYPE_BOOL, -1 },   { IDC_TYPE_INT4, -1 },
                                     { IDC_TYPE_INT8, -1 },   { IDC_TYPE_TEXT, -1 },
                                     { IDC_TYPE_FLOAT8, -1 }, { IDC_TYPE_NUMERIC, -1 },
                                     { IDC_TYPE_DATE, -1 },   { IDC_TYPE_TIMESTAMP, -1 } };

    return types[chance(c, sizeof types / sizeof *types)];
}

static inline const char *
chance_text(Chance *c, IdcType type)
{
    static const char *const texts[] = {
        "",
        "a",
        "it's",
        "100%",
        "line\nfeed",
        "\\",
        "日本",
        "x y",
        "a very long text that goes on and on, more than a person "
        "would want to read in a plan, and still not at its end…"
    };

    switch (type.oid) {
    case IDC_TYPE_BOOL:
        return chance(c, 2) == 0 ? "t" : "f";
    case IDC_TYPE_INT4:
    case IDC_TYPE_INT8:
        return idc_arena_printf(c->arena, "%d", (int) chance(c, 2000) - 1000);
    case IDC_TYPE_FLOAT8:
    case IDC_TYPE_NUMERIC:
        return chance(c, 9) == 0 ? "NaN" : idc_arena_printf(c->arena, "%d.5", (int) chance(c, 99));
    case IDC_TYPE_DATE:
        return chance(c, 9) == 0 ? "-infinity" : "2024-02-29";
    case IDC_TYPE_TIMESTAMP:
        return chance(c, 9) == 0 ? "0044-03-15 12:00:00 BC" : "2024-02-29 23:59:59.999999";
    default:
        return texts[chance(c, sizeof texts / sizeof *texts)];
    }
}

static inline const IdcExpr *
chance_leaf(Chance *c, const IdcRelation *input, IdcType type)
{
    size_t column_count =
        input->column_count + (input->kind == IDC_REL_JOIN && input->join >= IDC_JOIN_SEMI
                                   ? input->right->column_count
                                   : 0);

    for (int tries = 0; column_count > 0 && tries < 4; tries++) {
        const IdcExpr *expr = idc_expr_column(c->arena, input, chance(c, (unsigned) column_count));

        if (expr->type.oid == type.oid)
            return expr;
    }
    if (chance(c, 5) == 0)
        return idc_expr_parameter(c->arena, type,
                                  (int32_t) chance(c, 4) * 17 + (int32_t) (type.oid % 17), false);
    return idc_expr_constant(c->arena, type, chance(c, 8) == 0 ? NULL : chance_text(c, type));
}

static inline const IdcExpr *chance_expr(Chance *c, const IdcRelation *input, IdcType type,
                                         int depth);

/* count arguments of one type, appended. */
static inline void
chance_args(Chance *c, const IdcRelation *input, IdcType type, int depth, const IdcExpr **args,
            size_t *count, size_t more)
{
    while (more-- > 0)
        args[(*count)++] = chance_expr(c, input, type, depth - 1);
}

static inline const IdcExpr *
chance_condition(Chance *c, const IdcRelation *input, int depth)
{
    static const IdcExprKind kinds[] = { IDC_EXPR_AND,     IDC_EXPR_OR,     IDC_EXPR_NOT,
                                         IDC_EXPR_COMPARE, IDC_EXPR_IN,     IDC_EXPR_LIKE,
                                         IDC_EXPR_IS_NULL, IDC_EXPR_IS_TRUE };
    IdcExprKind kind = kinds[chance(c, sizeof kinds / sizeof *kinds)];
    IdcType type = kind == IDC_EXPR_LIKE ? type_text
                   : kind == IDC_EXPR_COMPARE || kind == IDC_EXPR_IN || kind == IDC_EXPR_IS_NULL
                       ? chance_type(c)
                       : type_bool;
    const IdcExpr *args[16];
    size_t count = 0, wanted = kind == IDC_EXPR_AND || kind == IDC_EXPR_OR ? 2 + chance(c, 3)
                               : kind == IDC_EXPR_COMPARE || kind == IDC_EXPR_LIKE ? 2
                               : kind == IDC_EXPR_IN ? 2 + chance(c, 12)
                                                     : 1;
    int32_t op = kind == IDC_EXPR_COMPARE ? (int32_t) chance(c, IDC_COMPARE_COUNT)
                 : kind == IDC_EXPR_LIKE || kind == IDC_EXPR_IS_TRUE ? (int32_t) chance(c, 2)
                                                                     : 0;

    chance_args(c, input, type, depth, args, &count, wanted);
    if (kind == IDC_EXPR_IN && chance(c, 4) == 0) {
        args[1] = idc_expr_parameter(c->arena, type, 100 + (int32_t) (type.oid % 17), true);
        count = 2;
    }
    return idc_expr_new(c->arena, kind, op, type_bool, IDC_COLLATION_C, args, count);
}

static inline const IdcExpr *
chance_case(Chance *c, const IdcRelation *input, IdcType type, int depth)
{
    const IdcExpr *args[3] = { chance_expr(c, input, type_bool, depth - 1),
                               chance_expr(c, input, type, depth - 1),
                               chance_expr(c, input, type, depth - 1) };
    bool is_case = chance(c, 2) == 0;

    return idc_expr_new(c->arena, is_case ? IDC_EXPR_CASE : IDC_EXPR_COALESCE, 0, type,
                        IDC_COLLATION_NONE, is_case ? args : args + 1, is_case ? 3 : 2);
}

static inline const IdcExpr *
chance_function(Chance *c, const IdcRelation *input, IdcType type, int depth)
{
    const IdcExpr *a = chance_expr(c, input, type, depth - 1);
    const IdcExpr *b = chance_expr(c, input, type, depth - 1);

    switch (type.oid) {
    case IDC_TYPE_TEXT:
        return chance(c, 2) == 0 ? tree_two(c->arena, IDC_EXPR_FUNCTION, IDC_FN_CONCAT, type, a, b)
                                 : tree_one(c->arena, IDC_EXPR_FUNCTION, IDC_FN_LOWER, type, a);
    case IDC_TYPE_INT4:
    case IDC_TYPE_INT8:
    case IDC_TYPE_NUMERIC:
        return chance(c, 4) == 0 ? tree_one(c->arena, IDC_EXPR_ARITHMETIC, IDC_NEGATE, type, a)
                                 : tree_two(c->arena, IDC_EXPR_ARITHMETIC,
                                            (int32_t) chance(c, IDC_NEGATE), type, a, b);
    case IDC_TYPE_FLOAT8:
        return tree_one(c->arena, IDC_EXPR_FUNCTION, IDC_FN_SQRT, type, a);
    case IDC_TYPE_TIMESTAMP:
        return tree_two(c->arena, IDC_EXPR_FUNCTION, IDC_FN_DATE_TRUNC, type,
                        idc_expr_constant(c->arena, type_text, "month"), a);
    default:
        return tree_two(c->arena, IDC_EXPR_FUNCTION, IDC_FN_GREATEST, type, a, b);
    }
}

static inline const IdcExpr *
chance_call(Chance *c, const IdcRelation *input, IdcType type, int depth)
{
    static const char *const names[] = { "repeat", "variadic_one", "&&", "<", "~", NULL, NULL };
    IdcCallKind how = (IdcCallKind) chance(c, IDC_CALL_COUNT);
    const IdcExpr *args[2] = { chance_expr(c, input, chance_type(c), depth - 1),
                               chance_expr(c, input, chance_type(c), depth - 1) };
    bool is_bool = how == IDC_CALL_ANY || how == IDC_CALL_ALL;
    size_t count = how == IDC_CALL_FUNCTION                               ? chance(c, 3)
                   : how == IDC_CALL_OPERATOR || how == IDC_CALL_VARIADIC ? 1 + chance(c, 2)
                                                                          : 2;

    if (is_bool && type.oid != IDC_TYPE_BOOL)
        how = IDC_CALL_OPERATOR;
    return idc_expr_call(c->arena, how, names[how], type, IDC_COLLATION_NONE, args, count);
}

static inline const IdcExpr *
chance_expr(Chance *c, const IdcRelation *input, IdcType type, int depth)
{
    if (depth <= 0 || chance(c, 4) == 0)
        return chance_leaf(c, input, type);
    if (chance(c, 6) == 0)
        return chance_call(c, input, type, depth);
    switch (chance(c, type.oid == IDC_TYPE_BOOL ? 6 : 3)) {
    case 0:
        return chance_case(c, input, type, depth);
    case 1:
        return tree_one(c->arena, IDC_EXPR_CAST, 0, type,
                        chance_expr(c, input, chance_type(c), depth - 1));
    case 2:
        return chance_function(c, input, type, depth);
    default:
        return chance_condition(c, input, depth);
    }
}

static inline const IdcRelation *
chance_scan(Chance *c)
{
    IdcRelationColumn columns[6];
    size_t count = chance(c, 7);

    memset(columns, 0, sizeof columns);
    for (size_t i = 0; i < count; i++) {
        static const char *const names[] = { "id", "Name", "amount", "", "a\"b", "été" };

        columns[i].name = names[chance(c, 6)];
        columns[i].type = chance_type(c);
        columns[i].collation =
            columns[i].type.oid == IDC_TYPE_TEXT ? IDC_COLLATION_C : IDC_COLLATION_NONE;
        columns[i].is_not_null = chance(c, 2) == 0;
    }
    if (chance(c, 5) == 0)
        return idc_relation_native(c->arena, "{\"find\": 'all'}", columns, count);
    return idc_relation_scan(c->arena, chance(c, 2) == 0 ? "orders" : "Order Items", NULL, columns,
                             count);
}

static inline size_t
chance_keys(Chance *c, const IdcRelation *input, int depth, IdcSortKey keys[3], size_t count)
{
    for (size_t i = 0; i < count; i++)
        keys[i] = (IdcSortKey){ chance_expr(c, input, chance_type(c), depth), chance(c, 2) == 0,
                                chance(c, 2) == 0, IDC_COLLATION_C };
    return count;
}

/* An aggregate by its name; parts: memory for what it points to. */
typedef struct CallParts {
    const IdcExpr *args[2];
    IdcSortKey order[3];
} CallParts;

static inline IdcAggregate
chance_call_aggregate(Chance *c, const IdcRelation *input, int depth, bool has_order,
                      CallParts *parts)
{
    IdcAggregate made = { .kind = IDC_AGG_CALL,
                          .name = "string_agg",
                          .type = type_text,
                          .args = parts->args,
                          .arg_count = chance(c, 3),
                          .order = parts->order };

    for (size_t i = 0; i < made.arg_count; i++)
        parts->args[i] = chance_expr(c, input, chance_type(c), depth - 1);
    if (has_order)
        made.order_count = chance_keys(c, input, depth - 1, parts->order, chance(c, 3));
    made.is_within_group = made.order_count > 0 && chance(c, 2) == 0;
    made.is_distinct = has_order && !made.is_within_group && chance(c, 2) == 0;
    made.filter = chance(c, 3) == 0 ? chance_expr(c, input, type_bool, depth - 1) : NULL;
    return made;
}

static inline const IdcRelation *
chance_windows(Chance *c, const IdcRelation *input, int depth)
{
    const IdcExpr *partition[2] = { chance_expr(c, input, chance_type(c), depth - 1),
                                    chance_expr(c, input, chance_type(c), depth - 1) };
    IdcSortKey order[3];
    CallParts parts;
    IdcWindow window = { .function = chance_call_aggregate(c, input, depth, false, &parts),
                         .partition = partition,
                         .partition_count = chance(c, 3),
                         .order = order,
                         .mode = (IdcFrameMode) chance(c, 3),
                         .start = (IdcFrameBound) chance(c, IDC_FRAME_UNBOUNDED_FOLLOWING),
                         .exclusion = (IdcFrameExclusion) chance(c, IDC_EXCLUSION_COUNT) };

    window.order_count = chance_keys(c, input, depth - 1, order, chance(c, 3));
    window.end = (IdcFrameBound) (window.start + chance(c, IDC_FRAME_BOUND_COUNT - window.start));
    if (window.end == IDC_FRAME_UNBOUNDED_PRECEDING)
        window.end = IDC_FRAME_CURRENT;
    if (window.start == IDC_FRAME_PRECEDING || window.start == IDC_FRAME_FOLLOWING)
        window.start_offset = idc_expr_constant(c->arena, type_int8, "2");
    if (window.end == IDC_FRAME_PRECEDING || window.end == IDC_FRAME_FOLLOWING)
        window.end_offset = idc_expr_parameter(c->arena, type_int8, 201, false);
    return idc_relation_window(c->arena, input, &window, 1);
}

static inline const IdcRelation *
chance_aggregate(Chance *c, const IdcRelation *input, int depth)
{
    const IdcExpr *keys[3];
    IdcAggregate aggregates[3];
    CallParts parts[3];
    size_t key_count = chance(c, 4), count = chance(c, 4);

    for (size_t i = 0; i < key_count; i++)
        keys[i] = chance_expr(c, input, chance_type(c), depth - 1);
    memset(aggregates, 0, sizeof aggregates);
    for (size_t i = 0; i < count; i++) {
        aggregates[i].kind = (IdcAggregateKind) chance(c, IDC_AGG_KIND_COUNT);
        if (aggregates[i].kind == IDC_AGG_CALL) {
            aggregates[i] = chance_call_aggregate(c, input, depth, true, &parts[i]);
            continue;
        }
        aggregates[i].type = aggregates[i].kind <= IDC_AGG_COUNT      ? type_int8
                             : aggregates[i].kind >= IDC_AGG_BOOL_AND ? type_bool
                                                                      : type_numeric;
        aggregates[i].arg =
            aggregates[i].kind == IDC_AGG_COUNT_ROWS
                ? NULL
                : chance_expr(c, input,
                              aggregates[i].kind == IDC_AGG_COUNT ? chance_type(c)
                                                                  : aggregates[i].type,
                              depth - 1);
        aggregates[i].is_distinct = aggregates[i].arg != NULL && chance(c, 2) == 0;
        aggregates[i].filter =
            chance(c, 3) == 0 ? chance_expr(c, input, type_bool, depth - 1) : NULL;
    }
    return idc_relation_aggregate(c->arena, input, keys, key_count, aggregates, count);
}

static inline const IdcRelation *chance_relation(Chance *c, int depth);

static inline const IdcRelation *
chance_join(Chance *c, int depth)
{
    const IdcRelation *left = chance_relation(c, depth - 1), *right = chance_relation(c, depth - 1);
    IdcJoinKind kind = (IdcJoinKind) chance(c, IDC_JOIN_KIND_COUNT);
    const IdcRelation *both = idc_relation_join(c->arena, IDC_JOIN_INNER, left, right, NULL, 0);
    const IdcExpr *on = chance_expr(c, both, type_bool, depth - 1);

    return idc_relation_join(c->arena, kind, left, right, &on, 1);
}

static inline const IdcExpr *
chance_row_count(Chance *c)
{
    switch (chance(c, 3)) {
    case 0:
        return NULL;
    case 1:
        return idc_expr_constant(c->arena, type_int8, "10");
    default:
        return idc_expr_parameter(c->arena, type_int8, 200, false);
    }
}

/* A relation that has a meaning. */
static inline const IdcRelation *
chance_relation(Chance *c, int depth)
{
    const IdcRelation *input;
    const IdcExpr *exprs[3];
    IdcSortKey keys[3];
    size_t count = 1 + chance(c, 3);

    if (depth <= 0)
        return chance_scan(c);
    if (chance(c, 5) == 0)
        return chance_join(c, depth);
    input = chance_relation(c, depth - 1);
    switch (chance(c, 7)) {
    case 0:
        for (size_t i = 0; i < count; i++)
            exprs[i] = chance_expr(c, input, type_bool, depth);
        return idc_relation_filter(c->arena, input, exprs, count);
    case 1:
        for (size_t i = 0; i < count; i++)
            exprs[i] = chance_expr(c, input, chance_type(c), depth);
        return idc_relation_project(c->arena, input, exprs,
                                    (const char *const[]){ "one", "Two", "three" }, count);
    case 2:
        return chance_aggregate(c, input, depth);
    case 3:
        (void) chance_keys(c, input, depth, keys, count);
        return idc_relation_sort(c->arena, input, keys, count);
    case 4:
        return idc_relation_distinct(c->arena, input);
    case 5:
        return chance_windows(c, input, depth);
    default:
        return idc_relation_limit(c->arena, input, chance_row_count(c), chance_row_count(c));
    }
}

#endif
