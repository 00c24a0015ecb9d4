/*
 * rest_relation.h - relations over a REST table, made in a line, for the tests of the adapter.
 */
#ifndef TEST_REST_RELATION_H
#define TEST_REST_RELATION_H

#include <string.h>

#include "adapters/rest/rest.h"

enum { TEST_MAX_OPTIONS = 16, TEST_MAX_COLUMNS = 12 };

/* "name=value;name=value": values have no semicolon. */
static inline IdcOptionSet
options_of(IdcArena *arena, const char *text)
{
    IdcOptionPair *pairs = idc_arena_alloc_array(arena, TEST_MAX_OPTIONS, sizeof *pairs);
    IdcOptionSet set = { .items = pairs };

    while (text != NULL && *text != '\0') {
        const char *equals = strchr(text, '=');
        size_t len = strcspn(equals + 1, ";");

        pairs[set.count].name = idc_arena_strndup(arena, text, (size_t) (equals - text));
        pairs[set.count++].value = idc_arena_strndup(arena, equals + 1, len);
        text = equals + 1 + len;
        text += *text == ';';
    }
    return set;
}

typedef struct TestColumn {
    const char *name;
    uint32_t oid;
    const char *options;
} TestColumn;

/* columns ends with a name of NULL. */
static inline IdcRelation *
scan_of(IdcArena *arena, const char *table_options, const TestColumn *columns)
{
    IdcRelationColumn made[TEST_MAX_COLUMNS] = { 0 };
    IdcOptionSet options = options_of(arena, table_options);
    size_t count = 0;

    for (; columns[count].name != NULL; count++) {
        made[count].name = columns[count].name;
        made[count].type = (IdcType){ columns[count].oid, -1 };
        made[count].options = options_of(arena, columns[count].options);
    }
    return idc_relation_scan(arena, "t", &options, made, count);
}

static inline IdcExpr *
constant(IdcArena *arena, uint32_t oid, const char *text)
{
    return idc_expr_constant(arena, (IdcType){ oid, -1 }, text);
}

static inline IdcExpr *
compare_by(IdcArena *arena, const IdcRelation *input, IdcCompare op, size_t column,
           const IdcExpr *value, IdcCollation collation)
{
    const IdcExpr *args[2] = { idc_expr_column(arena, input, column), value };

    return idc_expr_new(arena, IDC_EXPR_COMPARE, op, (IdcType){ IDC_TYPE_BOOL, -1 }, collation,
                        args, 2);
}

static inline IdcExpr *
compare(IdcArena *arena, const IdcRelation *input, IdcCompare op, size_t column, const char *text)
{
    return compare_by(arena, input, op, column,
                      constant(arena, input->columns[column].type.oid, text), IDC_COLLATION_NONE);
}

static inline IdcExpr *
in_list(IdcArena *arena, const IdcRelation *input, size_t column, const char *const *texts,
        size_t count)
{
    const IdcExpr *args[300] = { idc_expr_column(arena, input, column) };

    for (size_t i = 0; i < count; i++)
        args[i + 1] = constant(arena, input->columns[column].type.oid, texts[i]);
    return idc_expr_new(arena, IDC_EXPR_IN, 0, (IdcType){ IDC_TYPE_BOOL, -1 }, IDC_COLLATION_NONE,
                        args, count + 1);
}

static inline IdcExpr *
in_parameter(IdcArena *arena, const IdcRelation *input, size_t column, int32_t index)
{
    const IdcExpr *args[2] = {
        idc_expr_column(arena, input, column),
        idc_expr_parameter(arena, input->columns[column].type, index, true),
    };

    return idc_expr_new(arena, IDC_EXPR_IN, 0, (IdcType){ IDC_TYPE_BOOL, -1 }, IDC_COLLATION_NONE,
                        args, 2);
}

static inline IdcExpr *
like(IdcArena *arena, const IdcRelation *input, size_t column, const char *pattern)
{
    const IdcExpr *args[2] = { idc_expr_column(arena, input, column),
                               constant(arena, IDC_TYPE_TEXT, pattern) };

    return idc_expr_new(arena, IDC_EXPR_LIKE, 0, (IdcType){ IDC_TYPE_BOOL, -1 },
                        IDC_COLLATION_LOCALE, args, 2);
}

static inline IdcRelation *
filter(IdcArena *arena, const IdcRelation *input, const IdcExpr *conjunct)
{
    return idc_relation_filter(arena, input, &conjunct, 1);
}

#endif
