/*
 * declare_plan.c - a relation that was agreed to, as what its requests ask for; and what it costs.
 */
#include "adapters/rest/rest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t
count_conjuncts(const IdcRelation *relation)
{
    size_t count = 0;

    for (; relation != NULL; relation = relation->input)
        count += relation->kind == IDC_REL_FILTER ? relation->expr_count : 0;
    return count;
}

static bool
is_matched(const IdcRestPlan *plan, const char *param, size_t len)
{
    for (size_t i = 0; i < plan->match_count; i++)
        if (strlen(plan->matches[i].param) == len &&
            memcmp(plan->matches[i].param, param, len) == 0)
            return true;
    return false;
}

/* A column whose value is that of its parameter needs the value, not a range. */
static bool
is_column_matched(const IdcRestPlan *plan, size_t column)
{
    for (size_t i = 0; i < plan->match_count; i++) {
        const IdcRestMatch *match = &plan->matches[i];

        if (match->column_index == column &&
            (!match->column.is_from_request || match->use == IDC_REST_EQ ||
             match->use == IDC_REST_IN))
            return true;
    }
    return false;
}

/* The column of the scan that fills in a placeholder; its name is what a user knows. */
static const char *
filler_of(const IdcRestPlan *plan, const char *param, size_t len)
{
    IdcRestColumn column;

    for (size_t i = 0; i < plan->scan->column_count; i++) {
        idc_rest_column_read(&plan->table, &plan->scan->columns[i], &column);
        if (column.params[IDC_REST_EQ] != NULL && strlen(column.params[IDC_REST_EQ]) == len &&
            memcmp(column.params[IDC_REST_EQ], param, len) == 0)
            return column.name;
    }
    return NULL;
}

static IdcStatus
find_missing(IdcArena *arena, IdcRestPlan *plan, IdcError *err)
{
    const char *at = plan->table.endpoint, *begin, *name;
    size_t len;

    while (idc_rest_placeholder_next(&at, &begin, &name, &len)) {
        const char *column = filler_of(plan, name, len);

        if (is_matched(plan, name, len))
            continue;
        plan->is_missing_known = column != NULL;
        plan->missing = idc_arena_printf(
            arena, "column \"%.*s\" needs a value: the endpoint \"%s\" asks for it (add %.*s = …)",
            column != NULL ? (int) strlen(column) : (int) len, column != NULL ? column : name,
            plan->table.endpoint, column != NULL ? (int) strlen(column) : (int) len,
            column != NULL ? column : name);
        return plan->missing != NULL ? IDC_OK : idc_fail_no_memory(err);
    }
    for (size_t i = 0; i < plan->scan->column_count; i++) {
        IdcRestColumn column;

        idc_rest_column_read(&plan->table, &plan->scan->columns[i], &column);
        if (!column.is_required || is_column_matched(plan, i))
            continue;
        plan->is_missing_known = true;
        plan->missing = idc_arena_printf(
            arena, "column \"%s\" needs a value: the API does not answer without it (add %s = …)",
            column.name, column.name);
        return plan->missing != NULL ? IDC_OK : idc_fail_no_memory(err);
    }
    return IDC_OK;
}

static IdcStatus
add_filter(IdcRestPlan *plan, const IdcRelation *filter, IdcError *err)
{
    for (size_t i = 0; i < filter->expr_count; i++) {
        IdcRestMatch *match = &plan->matches[plan->match_count];
        const IdcExpr *conjunct = filter->exprs[i];

        /* What a predicate on a NULL or on an empty list became when its values were bound. */
        if (conjunct->kind == IDC_EXPR_CONSTANT) {
            plan->is_empty = plan->is_empty || conjunct->text == NULL || conjunct->text[0] != 't';
            continue;
        }

        idc_rest_match(&plan->table, plan->scan, conjunct, match);
        if (match->push == IDC_PUSH_NO)
            return idc_fail(err, IDC_UNSUPPORTED, "a predicate cannot be sent to the API: %s",
                            match->why);
        plan->match_count++;
    }
    return IDC_OK;
}

/* instant.query(): the request is "GET /path", or the path alone. */
static void
read_native(IdcRestPlan *plan)
{
    const char *request = plan->scan->native;

    if (strncmp(request, "GET ", 4) == 0)
        request += 4;
    plan->table.endpoint = request;
    plan->table.not_found_is_empty = false;
}

IdcStatus
idc_rest_plan(IdcArena *arena, const IdcOptionSet *server_options, const IdcRelation *relation,
              IdcRestPlan *plan, IdcError *err)
{
    *plan = (IdcRestPlan){ .scan = idc_relation_base(relation) };
    idc_rest_table_read(server_options, &plan->scan->options, &plan->table);
    if (plan->scan->name == NULL)
        read_native(plan);
    plan->matches =
        idc_arena_alloc_array(arena, count_conjuncts(relation) + 1, sizeof *plan->matches);
    if (plan->matches == NULL)
        return idc_fail_no_memory(err);
    for (; relation != plan->scan; relation = relation->input) {
        IdcStatus status = IDC_OK;

        if (relation->kind == IDC_REL_FILTER) {
            status = add_filter(plan, relation, err);
        } else if (relation->kind == IDC_REL_SORT && plan->sort == NULL) {
            plan->sort = relation;
        } else if (relation->kind == IDC_REL_LIMIT && plan->limit == NULL) {
            plan->limit = relation->limit;
            plan->offset = relation->offset;
        } else {
            status = idc_fail(err, IDC_UNSUPPORTED,
                              "a REST API answers scans, filters, orders and "
                              "limits only");
        }
        if (status != IDC_OK)
            return status;
    }
    if (plan->scan->name == NULL && strchr(plan->table.endpoint, ' ') != NULL)
        return idc_fail(err, IDC_BAD_VALUE,
                        "a request is GET and a path behind base_url, such as GET /customers/7, "
                        "with blanks of the path as %%20");
    if (plan->scan->name == NULL)
        return idc_rest_endpoint_check("the request", plan->table.endpoint, err);
    if (idc_rest_table_check(&plan->table, err) != IDC_OK)
        return IDC_BAD_CONFIG;
    return plan->is_empty ? IDC_OK : find_missing(arena, plan, err);
}

/* ---- costs ---- */

enum {
    COST_REQUEST = 500, /* about 50 ms in units of a page read */
    ROWS_UNKNOWN_PAGED = 1000000,
    ROWS_UNKNOWN = 1000,
    ROWS_BY_PARAMETER = 100 /* of a table that nobody knows whole: /users/{id}/orders */
};

static const double COST_ROW = 0.05;

/* A LIMIT that is sent is never worse than one that stops reading: let no tie decide. */
static const double LIMIT_DISCOUNT = 0.9;

static double
table_rows(const IdcRestPlan *plan, double analysed)
{
    if (analysed >= 0)
        return analysed > 1 ? analysed : 1;
    if (plan->table.row_count >= 0)
        return plan->table.row_count > 1 ? (double) plan->table.row_count : 1;
    return plan->table.paging == IDC_REST_ONE_PAGE ? ROWS_UNKNOWN : ROWS_UNKNOWN_PAGED;
}

static double
answer_rows(const IdcRestPlan *plan, const IdcEstimateQuestion *question)
{
    double rows = table_rows(plan, question->table_rows) * question->selectivity;
    double keys = 0;
    bool is_known = question->table_rows >= 0 || plan->table.row_count >= 0;

    for (size_t i = 0; i < plan->match_count; i++) {
        const IdcRestMatch *match = &plan->matches[i];
        bool is_equality = match->use == IDC_REST_EQ || match->use == IDC_REST_IN;

        if (!is_equality)
            continue;
        /* Of a list that is not known yet, as many as one request takes are a good guess. */
        if (match->column.is_key && idc_rest_match_is_open(match))
            keys = (double) match->batch;
        else if (match->column.is_key)
            keys = match->is_in ? (double) match->value_count : 1;
        else if (!is_known && rows > ROWS_BY_PARAMETER * (double) match->value_count)
            rows = ROWS_BY_PARAMETER * (double) match->value_count;
    }
    if (keys > 0 && rows > keys)
        rows = keys;
    return rows > 1 ? rows : 1;
}

static double
request_count(const IdcRestPlan *plan, double rows)
{
    double chains = 1;

    for (size_t i = 0; i < plan->match_count; i++) {
        const IdcRestMatch *match = &plan->matches[i];

        if (match->is_in && !idc_rest_match_is_open(match))
            chains *= ceil((double) match->value_count / (double) match->batch);
    }
    if (plan->table.paging == IDC_REST_ONE_PAGE)
        return chains;
    return chains + ceil(rows / (double) plan->table.page_size) - 1;
}

void
idc_rest_estimate(const IdcEstimateQuestion *question, IdcArena *arena, IdcEstimate *estimate)
{
    IdcRestPlan plan;
    double rows, fetched;

    *estimate = (IdcEstimate){ .rows = ROWS_UNKNOWN, .startup_cost = COST_REQUEST };
    estimate->total_cost = COST_REQUEST + ROWS_UNKNOWN * COST_ROW;
    if (idc_rest_plan(arena, question->server_options, question->relation, &plan, NULL) != IDC_OK)
        return;
    estimate->impossible = plan.missing;
    rows = fetched = answer_rows(&plan, question);
    if (plan.limit != NULL && plan.limit->kind == IDC_EXPR_CONSTANT && plan.limit->text != NULL) {
        double limit = strtod(plan.limit->text, NULL);

        if (limit < rows)
            rows = fetched = limit;
    }
    estimate->rows = rows;
    estimate->total_cost = request_count(&plan, fetched) * COST_REQUEST + fetched * COST_ROW;
    if (plan.limit != NULL) {
        estimate->startup_cost *= LIMIT_DISCOUNT;
        estimate->total_cost *= LIMIT_DISCOUNT;
    }
}
