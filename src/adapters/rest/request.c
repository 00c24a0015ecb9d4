/*
 * request.c - the values of predicates, cut into what one request takes.
 */
#include "adapters/rest/work.h"

#include <stdlib.h>
#include <string.h>

/* A value, its text without what makes no difference, and where it was: the first of equal ones
 * stays, in its place. */
typedef struct Item {
    const IdcExpr *value;
    const char *text;
    size_t len, place;
} Item;

/* 1.50 is 1.5, and -0 is 0: two requests would bring their rows twice. */
static Item
item_of(const IdcExpr *value, size_t place)
{
    Item item = { .value = value, .text = value->text, .len = strlen(value->text), .place = place };

    if ((value->type.oid == IDC_TYPE_FLOAT4 || value->type.oid == IDC_TYPE_FLOAT8) &&
        strcmp(item.text, "-0") == 0) {
        item.text++;
        item.len--;
    }
    if (value->type.oid == IDC_TYPE_NUMERIC && strchr(item.text, '.') != NULL) {
        while (item.text[item.len - 1] == '0')
            item.len--;
        item.len -= item.text[item.len - 1] == '.';
    }
    return item;
}

static int
compare_equality(const Item *left, const Item *right)
{
    int order = memcmp(left->text, right->text, left->len < right->len ? left->len : right->len);

    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

static int
compare_text(const void *a, const void *b)
{
    const Item *left = a, *right = b;
    int order = compare_equality(left, right);

    if (order != 0)
        return order;
    return left->place < right->place ? -1 : 1;
}

static int
compare_place(const void *a, const void *b)
{
    const Item *left = a, *right = b;

    return left->place < right->place ? -1 : 1;
}

/* "", "." and ".." are no segments of a path: there is no such row. */
static bool
can_be_segment(const char *text)
{
    return text[0] != '\0' && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static size_t
collect(const IdcRestMatch *match, Item *items)
{
    size_t count = 0;

    for (size_t i = 0; i < match->value_count; i++) {
        const IdcExpr *value = idc_rest_match_value(match, i);

        if (value->kind != IDC_EXPR_CONSTANT || value->text == NULL ||
            (match->place == IDC_REST_IN_PATH && !can_be_segment(value->text)))
            continue;
        items[count] = item_of(value, count);
        count++;
    }
    return count;
}

static size_t
make_unique(Item *items, size_t count)
{
    size_t kept = 0;

    if (count < 2)
        return count;
    qsort(items, count, sizeof *items, compare_text);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_equality(&items[kept - 1], &items[i]) != 0)
            items[kept++] = items[i];
    qsort(items, kept, sizeof *items, compare_place);
    return kept;
}

/* A list by commas cannot have a value with a comma. */
static bool
has_comma(const IdcRestMatch *match, const IdcExpr *value)
{
    return match->use == IDC_REST_IN && match->place == IDC_REST_IN_QUERY &&
           !match->column.in_repeats && strchr(value->text, ',') != NULL;
}

static IdcStatus
set_values(IdcArena *arena, IdcRestMatch *match, const Item *items, size_t count,
           size_t *comma_count, IdcError *err)
{
    const IdcExpr **values = idc_arena_alloc_array(arena, count + 1, sizeof(const IdcExpr *));
    size_t front = 0, back = count;

    if (values == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < count; i++)
        values[has_comma(match, items[i].value) ? --back : front++] = items[i].value;
    *comma_count = count - front;
    match->value = NULL;
    match->values = values;
    match->value_count = count;
    if (*comma_count > 0 && match->column.params[IDC_REST_EQ] == NULL)
        return idc_fail(
            err, IDC_BAD_VALUE,
            "a value for column \"%s\" has a comma, so it cannot be in a list: give the "
            "column the option in_style \"repeat\" if the API takes it, or param",
            match->column.name);
    return IDC_OK;
}

static IdcStatus
cut(IdcArena *arena, const IdcRestMatch *match, size_t comma_count, IdcRestBatches *batches,
    IdcError *err)
{
    size_t listed = match->value_count - comma_count;
    size_t batch = match->is_in ? (size_t) match->batch : listed;

    batches->slices = idc_arena_alloc_array(arena, match->value_count + 1, sizeof *batches->slices);
    if (batches->slices == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < listed; i += batch)
        batches->slices[batches->count++] =
            (IdcRestSlice){ .first = i, .count = listed - i < batch ? listed - i : batch };
    for (size_t i = listed; i < match->value_count; i++)
        batches->slices[batches->count++] =
            (IdcRestSlice){ .first = i, .count = 1, .is_single = true };
    return IDC_OK;
}

static IdcStatus
prepare(IdcArena *arena, IdcRestMatch *match, IdcRestBatches *batches, IdcError *err)
{
    Item *items = idc_arena_alloc_array(arena, match->value_count + 1, sizeof *items);
    size_t count, comma_count = 0;
    IdcStatus status;

    if (items == NULL)
        return idc_fail_no_memory(err);
    count = make_unique(items, collect(match, items));
    status = set_values(arena, match, items, count, &comma_count, err);
    if (status != IDC_OK)
        return status;
    return count == 0 ? IDC_OK : cut(arena, match, comma_count, batches, err);
}

static void
set_slices(IdcRestChains *chains)
{
    for (size_t i = 0; i < chains->match_count; i++)
        chains->slices[i] = chains->batches[i].slices[chains->digits[i]];
}

IdcStatus
idc_rest_chains_init(IdcArena *arena, IdcRestPlan *plan, IdcRestChains *chains, IdcError *err)
{
    size_t count = plan->match_count;

    *chains = (IdcRestChains){
        .batches = idc_arena_alloc_array(arena, count + 1, sizeof *chains->batches),
        .digits = idc_arena_alloc_array(arena, count + 1, sizeof *chains->digits),
        .slices = idc_arena_alloc_array(arena, count + 1, sizeof *chains->slices),
        .match_count = count,
    };
    if (chains->batches == NULL || chains->digits == NULL || chains->slices == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        IdcStatus status = prepare(arena, &plan->matches[i], &chains->batches[i], err);

        if (status != IDC_OK)
            return status;
        if (chains->batches[i].count == 0)
            chains->is_empty = true;
    }
    if (!chains->is_empty)
        set_slices(chains);
    return IDC_OK;
}

bool
idc_rest_chains_next(IdcRestChains *chains)
{
    for (size_t i = 0; i < chains->match_count; i++) {
        if (++chains->digits[i] < chains->batches[i].count) {
            set_slices(chains);
            return true;
        }
        chains->digits[i] = 0;
    }
    return false;
}
