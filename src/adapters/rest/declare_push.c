/*
 * declare_push.c - what can be pushed: the planner's questions.
 */
#include "adapters/rest/rest.h"

#include <string.h>

static const char why_form[] = "not of a form that a parameter can take";
static const char why_taken[] = "the parameter is used already";

/* The scan below, if nothing but filters, sorts and limits is above it. */
static const IdcRelation *
scan_below(const IdcRelation *relation)
{
    while (relation != NULL && (relation->kind == IDC_REL_FILTER ||
                                relation->kind == IDC_REL_SORT || relation->kind == IDC_REL_LIMIT))
        relation = relation->input;
    return relation != NULL && relation->kind == IDC_REL_SCAN ? relation : NULL;
}

static bool
has_kind_below(const IdcRelation *relation, IdcRelationKind kind)
{
    for (relation = relation->input; relation != NULL; relation = relation->input)
        if (relation->kind == kind)
            return true;
    return false;
}

static bool
is_same_param(const IdcRestMatch *a, const IdcRestMatch *b)
{
    return a->place == b->place && strcmp(a->param, b->param) == 0;
}

/* A filter below uses the parameter of `match` already. */
static bool
is_taken(const IdcRestTable *table, const IdcRelation *scan, const IdcRelation *filter,
         const IdcRestMatch *match)
{
    IdcRestMatch other;

    for (const IdcRelation *below = filter->input; below != scan; below = below->input)
        for (size_t i = 0; below->kind == IDC_REL_FILTER && i < below->expr_count; i++) {
            idc_rest_match(table, scan, below->exprs[i], &other);
            if (other.push != IDC_PUSH_NO && is_same_param(&other, match))
                return true;
        }
    return false;
}

static IdcPush
can_filter(const IdcRestTable *table, const IdcRelation *scan, const IdcRelation *filter,
           const char **why)
{
    IdcRestMatch match;

    if (has_kind_below(filter, IDC_REL_LIMIT) || filter->expr_count != 1) {
        *why = why_form;
        return IDC_PUSH_NO;
    }
    idc_rest_match(table, scan, filter->exprs[0], &match);
    if (match.push != IDC_PUSH_NO && (*why = idc_rest_match_refusal(scan, &match)) != NULL)
        return IDC_PUSH_NO;
    *why = match.why;
    if (match.push != IDC_PUSH_NO && is_taken(table, scan, filter, &match)) {
        *why = why_taken;
        return IDC_PUSH_NO;
    }
    return match.push;
}

/* Could a filter below make more than one request, whose answers would come one after the other? */
static bool
is_one_chain(const IdcRestTable *table, const IdcRelation *scan, const IdcRelation *relation)
{
    IdcRestMatch match;

    for (; relation != scan; relation = relation->input)
        for (size_t i = 0; relation->kind == IDC_REL_FILTER && i < relation->expr_count; i++) {
            idc_rest_match(table, scan, relation->exprs[i], &match);
            if (match.is_in)
                return false;
        }
    return true;
}

static bool
can_sort_by(const IdcRestTable *table, const IdcRelation *scan, const IdcSortKey *key)
{
    const IdcRelationColumn *column;
    IdcRestColumn read;
    bool is_text, first;

    if (key->expr->kind != IDC_EXPR_COLUMN || (size_t) key->expr->index >= scan->column_count)
        return false;
    column = &scan->columns[key->expr->index];
    is_text = idc_rest_type_family(column->type.oid) == IDC_TYPE_TEXT;
    if (!idc_rest_is_comparable(column->type.oid) || column->type.oid == IDC_TYPE_OTHER ||
        (is_text && key->collation != IDC_COLLATION_C))
        return false;
    idc_rest_column_read(table, column, &read);
    if (read.is_from_request)
        return false;
    if (column->is_not_null)
        return true;
    if (table->sort_nulls == NULL)
        return false;
    first = strcmp(table->sort_nulls, "first") == 0 ||
            strcmp(table->sort_nulls, key->is_descending ? "large" : "small") == 0;
    return first == key->nulls_first;
}

/* The next page begins behind the last row's key: in another order rows would be left out. */
static bool
is_order_of_pages(const IdcRestTable *table, const IdcRelation *scan, const IdcRelation *sort)
{
    const IdcSortKey *key = &sort->sort_keys[0];
    IdcRestColumn column;

    if (table->paging != IDC_REST_BY_KEY)
        return true;
    if (sort->sort_key_count != 1 || key->is_descending || table->cursor == NULL)
        return false;
    idc_rest_column_read(table, &scan->columns[key->expr->index], &column);
    return column.path != NULL
               ? strcmp(column.path, table->cursor) == 0
               : table->cursor[0] == '/' && strcmp(column.name, table->cursor + 1) == 0;
}

static IdcPush
can_sort(const IdcRestTable *table, const IdcRelation *scan, const IdcRelation *sort,
         const char **why)
{
    *why = "the API's order is not declared exact (sort_param, sort_exact)";
    if (table->sort_param == NULL || !table->sort_is_exact)
        return IDC_PUSH_NO;
    *why = "the API's order of these keys is not PostgreSQL's";
    for (size_t i = 0; i < sort->sort_key_count; i++)
        if (!can_sort_by(table, scan, &sort->sort_keys[i]))
            return IDC_PUSH_NO;
    *why = "the pages follow their key, in no other order";
    if (!is_order_of_pages(table, scan, sort))
        return IDC_PUSH_NO;
    *why = "several requests have no order together";
    if (has_kind_below(sort, IDC_REL_LIMIT) || has_kind_below(sort, IDC_REL_SORT) ||
        !is_one_chain(table, scan, sort->input))
        return IDC_PUSH_NO;
    *why = NULL;
    return IDC_PUSH_EXACT;
}

static IdcPush
can_limit(const IdcRestTable *table, const IdcRelation *scan, const IdcRelation *limit,
          const char **why)
{
    *why = NULL;
    if (has_kind_below(limit, IDC_REL_LIMIT)) {
        *why = why_form;
        return IDC_PUSH_NO;
    }
    if (limit->offset == NULL)
        return IDC_PUSH_EXACT;
    *why = "only the page style offset can begin in the middle";
    if (table->paging != IDC_REST_BY_OFFSET || !is_one_chain(table, scan, limit->input))
        return IDC_PUSH_NO;
    *why = NULL;
    return IDC_PUSH_EXACT;
}

IdcPush
idc_rest_can_push(const IdcPushQuestion *question, const char **why)
{
    const IdcRelation *relation = question->relation;
    const IdcRelation *scan = scan_below(relation);
    IdcRestTable table;

    *why = "a REST API has no such thing";
    if (scan == NULL)
        return IDC_PUSH_NO;
    idc_rest_table_read(question->server_options, &scan->options, &table);
    switch (relation->kind) {
    case IDC_REL_SCAN:
        *why = NULL;
        return IDC_PUSH_EXACT;
    case IDC_REL_FILTER:
        return can_filter(&table, scan, relation, why);
    case IDC_REL_SORT:
        return can_sort(&table, scan, relation, why);
    case IDC_REL_LIMIT:
        return question->is_exact_below ? can_limit(&table, scan, relation, why) : IDC_PUSH_NO;
    default:
        return IDC_PUSH_NO;
    }
}

int64_t
idc_rest_key_batch(const IdcPushQuestion *question, const IdcExpr *conjunct)
{
    const IdcRelation *scan = scan_below(question->relation);
    IdcRestTable table;
    IdcRestMatch match;

    if (scan == NULL)
        return 1;
    idc_rest_table_read(question->server_options, &scan->options, &table);
    idc_rest_match(&table, scan, conjunct, &match);
    if (match.push == IDC_PUSH_NO || match.place == IDC_REST_IN_PATH ||
        match.column.is_from_request || match.column.params[IDC_REST_IN] == NULL)
        return 1;
    return match.column.in_batch;
}
