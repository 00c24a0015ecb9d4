/*
 * declare_explain.c - the requests of a relation for EXPLAIN VERBOSE.
 */
#include "adapters/rest/rest.h"

#include <string.h>

static void
explain_values(const IdcRestPlan *plan, IdcArena *arena, IdcRestPageValues *page)
{
    const IdcRestTable *table = &plan->table;
    int64_t size = table->page_size, limit = 0;

    *page = (IdcRestPageValues){ 0 };
    if (table->limit_param != NULL && plan->limit != NULL &&
        plan->limit->kind == IDC_EXPR_PARAMETER) {
        page->limit = idc_arena_printf(arena, "{$%d}", (int) plan->limit->index + 1);
    } else if (table->limit_param != NULL) {
        if (plan->limit != NULL && plan->limit->text != NULL &&
            idc_int64_parse(plan->limit->text, &limit) &&
            (table->paging == IDC_REST_ONE_PAGE || limit < size))
            size = limit;
        if (plan->limit != NULL || table->paging != IDC_REST_ONE_PAGE)
            page->limit = idc_arena_printf(arena, "%lld", (long long) size);
    }
    if (table->paging == IDC_REST_BY_PAGE)
        page->page = idc_arena_printf(arena, "%lld", (long long) table->page_start);
    if (table->paging == IDC_REST_BY_OFFSET && plan->offset != NULL)
        page->offset = plan->offset->kind == IDC_EXPR_PARAMETER
                           ? idc_arena_printf(arena, "{$%d}", (int) plan->offset->index + 1)
                           : plan->offset->text;
    else if (table->paging == IDC_REST_BY_OFFSET)
        page->offset = "0";
}

static void
explain_pages(const IdcRestTable *table, IdcText *text)
{
    static const char *const ways[] = {
        [IDC_REST_BY_PAGE] = "by number",
        [IDC_REST_BY_OFFSET] = "by offset",
        [IDC_REST_BY_KEY] = "after the last row's key",
        [IDC_REST_BY_CURSOR] = "by cursor",
        [IDC_REST_BY_NEXT] = "by the address in the answer",
        [IDC_REST_BY_LINK] = "by the header Link",
    };
    bool has_total =
        table->total != NULL || table->total_pages != NULL || table->total_header != NULL;

    if (table->paging == IDC_REST_ONE_PAGE)
        return;
    idc_text_append_format(text, "pages: %s", ways[table->paging]);
    if (table->limit_param != NULL)
        idc_text_append_format(text, ", of %lld rows", (long long) table->page_size);
    if (has_total && (table->paging == IDC_REST_BY_PAGE || table->paging == IDC_REST_BY_OFFSET))
        idc_text_append_format(text, ", %lld at a time", (long long) table->parallel_pages);
    idc_text_append_char(text, '\n');
}

static void
explain_batches(const IdcRestPlan *plan, IdcText *text)
{
    for (size_t i = 0; i < plan->match_count; i++) {
        const IdcRestMatch *match = &plan->matches[i];

        if (match->is_in && match->batch == 1)
            idc_text_append_format(text, "requests: one for each value of \"%s\"\n",
                                   match->column.name);
        if (!match->is_in || match->batch == 1)
            continue;
        idc_text_append_format(text, "requests: one for each %lld values of \"%s\"\n",
                               (long long) match->batch, match->column.name);
    }
}

static void
explain_plan(const IdcRestPlan *plan, IdcArena *arena, IdcText *text)
{
    IdcRestSlice *slices = idc_arena_alloc_array(arena, plan->match_count + 1, sizeof *slices);
    IdcRestPageValues page;
    IdcText part;

    if (slices == NULL)
        return;
    for (size_t i = 0; i < plan->match_count; i++) {
        slices[i].count = plan->matches[i].value_count;
        if ((int64_t) slices[i].count > plan->matches[i].batch)
            slices[i].count = (size_t) plan->matches[i].batch;
    }
    explain_values(plan, arena, &page);
    idc_text_init(&part, 0);
    if (idc_rest_write_url(plan, slices, &page, &part, NULL) == IDC_OK)
        idc_text_append_format(text, "%s %s\n", plan->table.method, idc_text_string(&part));
    idc_text_clear(&part);
    if (plan->table.body != NULL && idc_rest_write_body(plan, slices, &page, &part, NULL) == IDC_OK)
        idc_text_append_format(text, "body: %s\n", idc_text_string(&part));
    idc_text_done(&part);
    explain_batches(plan, text);
    explain_pages(&plan->table, text);
}

void
idc_rest_explain(const IdcOptionSet *server_options, const IdcRelation *relation, IdcText *text)
{
    IdcArena *arena = idc_arena_new(0);
    IdcRestPlan plan;

    if (arena == NULL)
        return;
    if (idc_rest_plan(arena, server_options, relation, &plan, NULL) == IDC_OK)
        explain_plan(&plan, arena, text);
    idc_arena_free(arena);
}
