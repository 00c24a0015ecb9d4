/*
 * print.c - a relation as one line for people.
 */
#include "relation/print.h"

#include <string.h>

enum { SHOWN_COLUMNS = 24 };

static void print_relation(const IdcPrint *print, const IdcRelation *relation);

static void
print_input(const IdcPrint *print, const IdcRelation *input)
{
    idc_text_append(print->text, " (");
    print_relation(print, input);
    idc_text_append(print->text, ")");
}

static void
print_lock(const IdcPrint *print, const IdcRelation *scan)
{
    static const char *const locks[IDC_LOCK_COUNT] = {
        "", " for key share", " for share", " for no key update", " for update", " for write"
    };
    static const char *const waits[IDC_LOCK_WAIT_COUNT] = { "", " skip locked", " nowait" };

    idc_text_append_format(print->text, "%s%s", locks[scan->lock], waits[scan->lock_wait]);
}

static void
print_scan(const IdcPrint *print, const IdcRelation *relation)
{
    if (relation->name != NULL) {
        idc_text_append(print->text, "scan ");
        idc_print_name(print, relation->name);
    } else {
        idc_text_append(print->text, "request ");
        idc_print_quoted(print, relation->native);
    }
    idc_text_append(print->text, " [");
    for (size_t i = 0; i < relation->column_count && i < SHOWN_COLUMNS; i++) {
        idc_text_append(print->text, i == 0 ? "" : ", ");
        idc_print_name(print, relation->columns[i].name);
    }
    if (relation->column_count > SHOWN_COLUMNS)
        idc_text_append_format(print->text, ", … %zu more", relation->column_count - SHOWN_COLUMNS);
    idc_text_append(print->text, "]");
    print_lock(print, relation);
}

static bool
is_plain_column(const IdcExpr *expr, const IdcRelation *input, const char *name)
{
    const IdcRelationColumn *column =
        expr->kind == IDC_EXPR_COLUMN ? idc_ask_column(input, (size_t) expr->index) : NULL;

    return column != NULL && strcmp(column->name, name) == 0;
}

static void
print_project(const IdcPrint *print, const IdcRelation *relation)
{
    idc_text_append(print->text, "project");
    for (size_t i = 0; i < relation->expr_count; i++) {
        const char *name = relation->columns[i].name;

        idc_text_append(print->text, i == 0 ? " " : ", ");
        idc_print_expr(print, relation->exprs[i], relation->input);
        if (!is_plain_column(relation->exprs[i], relation->input, name)) {
            idc_text_append(print->text, " as ");
            idc_print_name(print, name);
        }
    }
}

/* "group by region: count(*)", or "aggregate count(*)" of all rows. */
static void
print_aggregates(const IdcPrint *print, const IdcRelation *relation)
{
    idc_text_append(print->text, relation->expr_count > 0 ? "group by" : "aggregate");
    for (size_t i = 0; i < relation->expr_count; i++) {
        idc_text_append(print->text, i == 0 ? " " : ", ");
        idc_print_expr(print, relation->exprs[i], relation->input);
    }
    if (relation->expr_count > 0 && relation->aggregate_count > 0)
        idc_text_append(print->text, ":");
    for (size_t i = 0; i < relation->aggregate_count; i++) {
        idc_text_append(print->text, i == 0 ? " " : ", ");
        idc_print_aggregate(print, &relation->aggregates[i], relation->input);
    }
}

static void
print_sort(const IdcPrint *print, const IdcRelation *relation)
{
    idc_text_append(print->text, "sort by");
    idc_print_sort_keys(print, relation->sort_keys, relation->sort_key_count, relation->input);
}

static void
print_bound(const IdcPrint *print, IdcFrameBound bound, const IdcExpr *offset)
{
    static const char *const words[IDC_FRAME_BOUND_COUNT] = { "unbounded preceding", " preceding",
                                                              "current row", " following",
                                                              "unbounded following" };

    if (offset != NULL)
        idc_print_expr(print, offset, NULL);
    idc_text_append(print->text, words[bound]);
}

static void
print_frame(const IdcPrint *print, const IdcWindow *window)
{
    static const char *const modes[] = { "range", "rows", "groups" };
    static const char *const exclusions[IDC_EXCLUSION_COUNT] = { "", " exclude current row",
                                                                 " exclude group",
                                                                 " exclude ties" };

    idc_text_append_format(print->text, " %s between ", modes[window->mode]);
    print_bound(print, window->start, window->start_offset);
    idc_text_append(print->text, " and ");
    print_bound(print, window->end, window->end_offset);
    idc_text_append(print->text, exclusions[window->exclusion]);
}

/* "rank() over (partition by region order by amount desc)" */
static void
print_window(const IdcPrint *print, const IdcWindow *window, const IdcRelation *input)
{
    bool is_plain_frame = window->mode == IDC_FRAME_RANGE &&
                          window->start == IDC_FRAME_UNBOUNDED_PRECEDING &&
                          window->end == IDC_FRAME_CURRENT && window->exclusion == 0;

    idc_print_aggregate(print, &window->function, input);
    idc_text_append(print->text, " over (");
    for (size_t i = 0; i < window->partition_count; i++) {
        idc_text_append(print->text, i == 0 ? "partition by " : ", ");
        idc_print_expr(print, window->partition[i], input);
    }
    if (window->order_count > 0) {
        idc_text_append(print->text, window->partition_count > 0 ? " order by" : "order by");
        idc_print_sort_keys(print, window->order, window->order_count, input);
    }
    if (!is_plain_frame)
        print_frame(print, window);
    idc_text_append(print->text, ")");
}

static void
print_windows(const IdcPrint *print, const IdcRelation *relation)
{
    idc_text_append(print->text, "window");
    for (size_t i = 0; i < relation->window_count; i++) {
        idc_text_append(print->text, i == 0 ? " " : ", ");
        print_window(print, &relation->windows[i], relation->input);
    }
}

static void
print_limit(const IdcPrint *print, const IdcRelation *relation)
{
    /* Numbers of rows are no data: they are shown always. */
    IdcPrint bounds = { print->text, true, false };

    idc_text_append(print->text, "limit ");
    if (relation->limit != NULL)
        idc_print_expr(&bounds, relation->limit, NULL);
    else
        idc_text_append(print->text, "all");
    if (relation->offset != NULL) {
        idc_text_append(print->text, " offset ");
        idc_print_expr(&bounds, relation->offset, NULL);
    }
}

static void
print_join(const IdcPrint *print, const IdcRelation *relation)
{
    static const char *const names[IDC_JOIN_KIND_COUNT] = { "join",      "left join", "right join",
                                                            "full join", "semi join", "anti join" };

    idc_text_append(print->text, names[relation->join]);
    if (relation->expr_count > 0) {
        idc_text_append(print->text, " on ");
        idc_print_conjuncts(print, relation->exprs, relation->expr_count, relation);
    }
}

static void
print_relation(const IdcPrint *print, const IdcRelation *relation)
{
    switch (relation->kind) {
    case IDC_REL_FILTER:
        idc_text_append(print->text, "filter ");
        idc_print_conjuncts(print, relation->exprs, relation->expr_count, relation->input);
        break;
    case IDC_REL_PROJECT:
        print_project(print, relation);
        break;
    case IDC_REL_AGGREGATE:
        print_aggregates(print, relation);
        break;
    case IDC_REL_DISTINCT:
        idc_text_append(print->text, "distinct");
        break;
    case IDC_REL_SORT:
        print_sort(print, relation);
        break;
    case IDC_REL_LIMIT:
        print_limit(print, relation);
        break;
    case IDC_REL_JOIN:
        print_join(print, relation);
        break;
    case IDC_REL_WINDOW:
        print_windows(print, relation);
        break;
    default:
        print_scan(print, relation);
        return;
    }
    print_input(print, relation->input);
    if (relation->right != NULL)
        print_input(print, relation->right);
}

void
idc_relation_print(const IdcRelation *relation, bool with_values, IdcText *text)
{
    IdcPrint print = { text, with_values, false };

    print_relation(&print, relation);
}

void
idc_expr_print(const IdcExpr *expr, const IdcRelation *input, bool with_values, IdcText *text)
{
    IdcPrint print = { text, with_values, false };

    idc_print_expr(&print, expr, input);
}
