/*
 * filter_parse.c - a condition as people type it: amount > 100, day between a and b, kind in (a,
 * b).
 */
#include "query/query.h"

#include <string.h>
#include <strings.h>

#include "query/lexer.h"
#include "query/literal.h"

/* at moves over text; values grows in the arena. */
typedef struct Parser {
    IdcArena *arena;
    const char *text;
    const char *at;
    IdcValue *values;
    size_t count, capacity;
    IdcError *err;
} Parser;

static void
skip_space(Parser *parser)
{
    while (*parser->at == ' ' || (*parser->at >= '\t' && *parser->at <= '\r'))
        parser->at++;
}

/* How much of the text an error shows: never half a character. */
static int
shown_len(const char *text, size_t longest)
{
    size_t len = strnlen(text, longest);

    while (len > 0 && ((unsigned char) text[len] & 0xC0) == 0x80)
        len--;
    return (int) len;
}

static IdcStatus
fail_at(Parser *parser, const char *expected)
{
    IdcStatus status;

    if (*parser->at == '\0')
        status = idc_fail(parser->err, IDC_BAD_VALUE, "filter \"%.*s\" ends where %s should be",
                          shown_len(parser->text, 200), parser->text, expected);
    else
        status =
            idc_fail(parser->err, IDC_BAD_VALUE, "filter \"%.*s\" has \"%.*s\" where %s should be",
                     shown_len(parser->text, 200), parser->text, shown_len(parser->at, 40),
                     parser->at, expected);
    idc_error_set_sqlstate(parser->err, "42601");
    return status;
}

/* A key word here, in any case, as a whole word; it is then read. */
static bool
take_word(Parser *parser, const char *word)
{
    size_t len = strlen(word);

    if (strncasecmp(parser->at, word, len) != 0 || idc_lexer_continues_word(parser->at[len]))
        return false;
    parser->at += len;
    skip_space(parser);
    return true;
}

static bool
take_char(Parser *parser, char c)
{
    if (*parser->at != c)
        return false;
    parser->at++;
    skip_space(parser);
    return true;
}

/* 'a''b' or "a""b": the quote is at parser->at. */
static IdcStatus
take_quoted(Parser *parser, const char **text, size_t *text_len)
{
    char quote = *parser->at, *copy;
    const char *start = parser->at + 1, *at = start;
    size_t len = 0;

    while (*at != '\0' && (*at != quote || at[1] == quote))
        at += *at == quote ? 2 : 1;
    if (*at == '\0') {
        parser->at = at;
        return fail_at(parser, quote == '"' ? "the closing double quote" : "the closing quote");
    }
    copy = idc_arena_strndup(parser->arena, start, (size_t) (at - start));
    if (copy == NULL)
        return idc_fail_no_memory(parser->err);
    for (const char *from = start; from < at; from++) {
        copy[len++] = *from;
        if (*from == quote)
            from++;
    }
    copy[len] = '\0';
    parser->at = at + 1;
    skip_space(parser);
    *text = copy;
    *text_len = len;
    return IDC_OK;
}

static IdcStatus
take_column(Parser *parser, const char **column)
{
    const char *start = parser->at;
    size_t len;

    if (*start == '"') {
        IdcStatus status = take_quoted(parser, column, &len);

        if (status == IDC_OK && len == 0)
            return idc_fail(parser->err, IDC_BAD_VALUE, "filter \"%.*s\" names no column",
                            shown_len(parser->text, 200), parser->text);
        return status;
    }
    if (!idc_lexer_starts_word(*start))
        return fail_at(parser, "a column name");
    while (idc_lexer_continues_word(*parser->at))
        parser->at++;
    *column = idc_arena_strndup(parser->arena, start, (size_t) (parser->at - start));
    if (*column == NULL)
        return idc_fail_no_memory(parser->err);
    skip_space(parser);
    return IDC_OK;
}

/* ---- values ---- */

static IdcValueKind
bare_kind(const char *text, size_t len)
{
    switch (idc_number_form(text, len)) {
    case IDC_NUMBER_INTEGER:
        return IDC_VALUE_INT;
    case IDC_NUMBER_DECIMAL:
        return IDC_VALUE_NUMERIC;
    case IDC_NUMBER_NAN:
    case IDC_NUMBER_INFINITY:
    case IDC_NUMBER_MINUS_INFINITY:
        return IDC_VALUE_FLOAT;
    default:
        break;
    }
    if ((len == 4 && strncasecmp(text, "true", 4) == 0) ||
        (len == 5 && strncasecmp(text, "false", 5) == 0))
        return IDC_VALUE_BOOL;
    return len == 4 && strncasecmp(text, "null", 4) == 0 ? IDC_VALUE_NULL : IDC_VALUE_TEXT;
}

static IdcStatus
take_bare(Parser *parser, bool is_in_list, IdcValue *value)
{
    const char *start = parser->at;
    size_t len = strcspn(start, is_in_list ? " \t\n\v\f\r,()'\"" : " \t\n\v\f\r'\"");

    /* A second operator is a slip of the pen, not a value: x => 5. */
    if (len == 0 || strchr("=<>!", *start) != NULL)
        return fail_at(parser, "a value");
    value->data = idc_arena_strndup(parser->arena, start, len);
    if (value->data == NULL)
        return idc_fail_no_memory(parser->err);
    value->len = len;
    value->kind = bare_kind(start, len);
    parser->at += len;
    skip_space(parser);
    return IDC_OK;
}

static IdcValue *
value_add(Parser *parser)
{
    if (parser->count == parser->capacity) {
        size_t capacity = parser->capacity == 0 ? 4 : parser->capacity * 2;
        IdcValue *values = idc_arena_alloc_array(parser->arena, capacity, sizeof *values);

        if (values == NULL)
            return NULL;
        if (parser->count > 0)
            memcpy(values, parser->values, parser->count * sizeof *values);
        parser->values = values;
        parser->capacity = capacity;
    }
    return &parser->values[parser->count++];
}

static IdcStatus
take_value(Parser *parser, bool is_in_list)
{
    IdcValue *value = value_add(parser);

    if (value == NULL)
        return idc_fail_no_memory(parser->err);
    if (*parser->at != '\'')
        return take_bare(parser, is_in_list, value);
    value->kind = IDC_VALUE_TEXT;
    return take_quoted(parser, &value->data, &value->len);
}

static IdcStatus
take_list(Parser *parser)
{
    IdcStatus status;

    if (!take_char(parser, '('))
        return fail_at(parser, "a list in parentheses");
    if (take_char(parser, ')'))
        return IDC_OK;
    do {
        if ((status = take_value(parser, true)) != IDC_OK)
            return status;
    } while (take_char(parser, ','));
    return take_char(parser, ')') ? IDC_OK : fail_at(parser, "a comma or a closing parenthesis");
}

/* ---- operators ---- */

static bool
take_symbol(Parser *parser, const char **op)
{
    /* Longer ones first. */
    static const struct {
        const char *symbol, *op;
    } symbols[] = { { "==", "eq" }, { "!=", "ne" }, { "<>", "ne" }, { ">=", "ge" },
                    { "<=", "le" }, { "=", "eq" },  { ">", "gt" },  { "<", "lt" } };

    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        size_t len = strlen(symbols[i].symbol);

        if (strncmp(parser->at, symbols[i].symbol, len) == 0) {
            parser->at += len;
            skip_space(parser);
            *op = symbols[i].op;
            return true;
        }
    }
    return false;
}

static IdcStatus
take_between(Parser *parser)
{
    IdcStatus status = take_value(parser, false);

    if (status != IDC_OK)
        return status;
    if (!take_word(parser, "and"))
        return fail_at(parser, "\"and\"");
    return take_value(parser, false);
}

static IdcStatus
fail_not(Parser *parser, const char *word)
{
    IdcStatus status =
        idc_fail(parser->err, IDC_UNSUPPORTED, "filter \"%.*s\": there is no \"not %s\"",
                 shown_len(parser->text, 200), parser->text, word);

    idc_error_set_hint(parser->err, "of the operators only \"in\" can be negated: not in (…)");
    return status;
}

static IdcStatus
take_condition(Parser *parser, const char **op)
{
    if (take_symbol(parser, op))
        return take_value(parser, false);
    if (take_word(parser, "is")) {
        *op = take_word(parser, "not") ? "is_not_null" : "is_null";
        return take_word(parser, "null") ? IDC_OK : fail_at(parser, "\"null\" or \"not null\"");
    }
    if (take_word(parser, "not")) {
        *op = "not_in";
        if (take_word(parser, "like"))
            return fail_not(parser, "like");
        if (take_word(parser, "ilike"))
            return fail_not(parser, "ilike");
        if (take_word(parser, "between"))
            return fail_not(parser, "between");
        return take_word(parser, "in") ? take_list(parser) : fail_at(parser, "\"in\"");
    }
    if (take_word(parser, "in")) {
        *op = "in";
        return take_list(parser);
    }
    if (take_word(parser, "between")) {
        *op = "between";
        return take_between(parser);
    }
    if (take_word(parser, "like"))
        *op = "like";
    else if (take_word(parser, "ilike"))
        *op = "ilike";
    else
        return fail_at(parser, "an operator (= != > >= < <= between in like ilike is)");
    return take_value(parser, false);
}

IdcStatus
idc_filter_parse(IdcArena *arena, const char *text, IdcFilter *filter, IdcError *err)
{
    Parser parser = { .arena = arena, .text = text, .at = text, .err = err };
    const char *column = NULL, *op = NULL;
    IdcStatus status;

    if (!idc_utf8_is_valid(text, strlen(text)))
        return idc_fail(err, IDC_BAD_VALUE, "a filter is not valid UTF-8");
    skip_space(&parser);
    if ((status = take_column(&parser, &column)) != IDC_OK ||
        (status = take_condition(&parser, &op)) != IDC_OK)
        return status;
    if (*parser.at != '\0') {
        status = fail_at(&parser, "the end");
        idc_error_set_hint(err,
                           "a value with spaces is written in quotes; conditions are joined by "
                           "giving several filters");
        return status;
    }
    *filter = (IdcFilter){ column, op, parser.values, parser.count };
    return IDC_OK;
}
