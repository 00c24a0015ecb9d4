/*
 * fuzz_query.c - whatever a user gives as filter, value, name or SQL stays inside its own token.
 *
 * The first byte chooses what the rest is: a typed condition, SQL with parameters, or names and
 * values of a table request.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "query/lexer.h"
#include "query/query.h"

static const IdcTableColumn columns[] = {
    { "t", "text", "text", 'S', false },       { "i", "integer", "int4", 'N', false },
    { "n", "numeric", "numeric", 'N', false }, { "bin", "bytea", "bytea", 'U', false },
    { "b", "boolean", "bool", 'B', false },    { "ts", "timestamp", "timestamp", 'D', false },
    { "tz", "timetz", "timetz", 'D', false },  { "e", "mood", "mood", 'E', false },
};

enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

/* Counts the tokens, and stops the program if they are not the whole text or one has no end. */
static size_t
count_tokens(const char *sql, size_t len, bool must_end)
{
    size_t covered = 0, count = 0;
    IdcLexer lexer;
    IdcToken token;

    idc_lexer_init(&lexer, sql, len);
    while (idc_lexer_next(&lexer, &token)) {
        if (token.text != sql + covered || token.len == 0 || (must_end && !token.is_terminated))
            abort();
        covered += token.len;
        count++;
    }
    if (covered != len)
        abort();
    return count;
}

/* "col" = '…'::type must always be the same number of tokens, whatever the value is. */
static void
check_select(const char *text, size_t len)
{
    static const char *const all[] = { "t", "i" };

    for (size_t c = 0; c < COLUMN_COUNT; c++)
        for (int kind = IDC_VALUE_NULL; kind <= IDC_VALUE_ARRAY; kind++) {
            IdcValue value = { (IdcValueKind) kind, IDC_VALUE_NULL, text, len };
            IdcFilter filter = { columns[c].name, "eq", &value, 1 };
            IdcTable table = {
                .schema = "s", .name = "t", .columns = columns, .column_count = COLUMN_COUNT
            };
            IdcTableRequest request = { &filter, 1, all, 2, NULL, 0, -1, -1 };
            IdcText sql;
            size_t count;

            idc_text_init(&sql, 0);
            if (idc_select_build(&table, &request, &sql, NULL) == IDC_OK) {
                count = count_tokens(sql.data, sql.len, true);
                /* 13 before the condition, at most 22 in it: (name = literal::type AT TIME ZONE
                 * 'UTC'). */
                if (count < 20 || count > 32)
                    abort();
            }
            idc_text_done(&sql);
        }
}

static void
check_names(const char *text)
{
    IdcTableColumn odd = { text, "text", "text", 'S', false };
    IdcTable table = { .schema = text, .name = text, .columns = &odd, .column_count = 1 };
    IdcTableRequest request = { .order_by = &text, .order_by_count = 1, .limit = 1, .offset = 1 };
    IdcText sql;

    idc_text_init(&sql, 0);
    if (idc_select_build(&table, &request, &sql, NULL) == IDC_OK &&
        count_tokens(sql.data, sql.len, true) != 23)
        abort();
    idc_text_done(&sql);
}

static void
check_parameters(IdcArena *arena, const char *sql)
{
    IdcParameter positional[2] = { { NULL, { IDC_VALUE_INT, 0, "1", 1 } },
                                   { NULL, { IDC_VALUE_TEXT, 0, sql, strlen(sql) } } };
    IdcParameter named[2] = { positional[0], positional[1] };
    IdcBoundParameter *bound;
    size_t bound_count;
    IdcText text;

    named[0].name = "a";
    named[1].name = "b";
    for (size_t count = 0; count <= 2; count++)
        for (int is_named = 0; is_named < 2; is_named++) {
            idc_text_init(&text, 0);
            if (idc_parameters_bind(arena, sql, is_named ? named : positional, count, &text, &bound,
                                    &bound_count, NULL) == IDC_OK) {
                (void) count_tokens(idc_text_string(&text), text.len, false);
                if (bound_count != count)
                    abort();
            }
            idc_text_done(&text);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    IdcArena *arena = idc_arena_new(0);
    IdcFilter filter;
    const char *lines[1], *text;
    IdcRemotePiece *pieces;
    size_t piece_count;

    if (size == 0 || arena == NULL ||
        (text = idc_arena_strndup(arena, (const char *) data + 1, size - 1)) == NULL) {
        idc_arena_free(arena);
        return 0;
    }
    (void) count_tokens(text, size - 1, false);
    switch (data[0] % 5) {
    case 0:
        if (idc_filter_parse(arena, text, &filter, NULL) == IDC_OK)
            for (size_t i = 0; i < filter.value_count; i++)
                check_select(filter.values[i].data, filter.values[i].len);
        break;
    case 1:
        check_parameters(arena, text);
        break;
    case 2:
        check_names(text);
        break;
    case 3:
        lines[0] = text;
        (void) !idc_explain_pieces(arena, lines, 1, &pieces, &piece_count, NULL);
        break;
    default:
        check_select(text, size - 1);
    }
    idc_arena_free(arena);
    return 0;
}
