/*
 * parameters.c - the user's placeholders as $1, $2 … and the values as libpq takes them.
 *
 * The SQL is read twice: once to see which of the styles it uses, once to write it. It is read by
 * the lexer, so a placeholder is never found inside a string, a quoted name or a comment.
 */
#include "query/query.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "query/lexer.h"
#include "query/literal.h"

/* Type OIDs of pg_type.dat; they are part of PostgreSQL's protocol and never change. */
enum {
    OID_UNKNOWN = 0,
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT4 = 23,
    OID_FLOAT8 = 701,
    OID_DATE = 1082,
    OID_TIME = 1083,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_INTERVAL = 1186,
    OID_TIMETZ = 1266,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_BOOL_ARRAY = 1000,
    OID_BYTEA_ARRAY = 1001,
    OID_INT4_ARRAY = 1007,
    OID_INT8_ARRAY = 1016,
    OID_FLOAT8_ARRAY = 1022,
    OID_TIMESTAMP_ARRAY = 1115,
    OID_DATE_ARRAY = 1182,
    OID_TIME_ARRAY = 1183,
    OID_TIMESTAMPTZ_ARRAY = 1185,
    OID_INTERVAL_ARRAY = 1187,
    OID_NUMERIC_ARRAY = 1231,
    OID_TIMETZ_ARRAY = 1270,
    OID_UUID_ARRAY = 2951
};

/* The protocol counts parameters in 16 bits. */
enum { MAX_PARAMETERS = 65535 };

/* ---- finding placeholders ---- */

typedef enum PieceKind {
    PIECE_TEXT,
    PIECE_DOLLAR,       /* $n */
    PIECE_PERCENT,      /* %s */
    PIECE_PERCENT_NAME, /* %(name)s */
    PIECE_COLON_NAME,   /* :name */
    PIECE_TWO_PERCENT,  /* %% */
    PIECE_KIND_COUNT
} PieceKind;

/* name: of the two named kinds, or the digits of $n. */
typedef struct Piece {
    PieceKind kind;
    const char *text;
    size_t len;
    const char *name;
    size_t name_len;
} Piece;

typedef struct Scanner {
    IdcLexer lexer;
    size_t bracket_depth;
    const IdcParameter *parameters;
    size_t count;
} Scanner;

static bool
name_is(const IdcParameter *parameter, const char *name, size_t len)
{
    return parameter->name != NULL && strlen(parameter->name) == len &&
           memcmp(parameter->name, name, len) == 0;
}

/* The index of the parameter with this name, or count. */
static size_t
parameter_lookup(const IdcParameter *parameters, size_t count, const char *name, size_t len)
{
    size_t i = 0;

    while (i < count && !name_is(&parameters[i], name, len))
        i++;
    return i;
}

static bool
ends_here(const IdcLexer *lexer, const char *at)
{
    return at >= lexer->end || !idc_lexer_continues_word(*at);
}

/* Behind a percent sign: %%, %s or %(name)s; anything else is the operator. */
static void
scan_percent(Scanner *scanner, Piece *piece)
{
    IdcLexer *lexer = &scanner->lexer;
    const char *at = lexer->at, *close;

    if (at >= lexer->end)
        return;
    if (*at == '%') {
        piece->kind = PIECE_TWO_PERCENT;
        lexer->at = at + 1;
    } else if (*at == 's' && ends_here(lexer, at + 1)) {
        piece->kind = PIECE_PERCENT;
        lexer->at = at + 1;
    } else if (*at == '(' && (close = memchr(at, ')', (size_t) (lexer->end - at))) != NULL &&
               close > at + 1 && close + 1 < lexer->end && close[1] == 's' &&
               ends_here(lexer, close + 2)) {
        piece->kind = PIECE_PERCENT_NAME;
        piece->name = at + 1;
        piece->name_len = (size_t) (close - at) - 1;
        lexer->at = close + 2;
    }
    piece->len = (size_t) (lexer->at - piece->text);
}

/*
 * Behind a colon that is no cast. Within brackets a[i:j] is a slice, unless j is the name of a
 * parameter.
 */
static void
scan_colon(Scanner *scanner, Piece *piece)
{
    IdcLexer *lexer = &scanner->lexer;
    const char *at = lexer->at;
    size_t len = 0;

    if (at >= lexer->end || !idc_lexer_starts_word(*at))
        return;
    while (at + len < lexer->end && idc_lexer_continues_word(at[len]))
        len++;
    if (scanner->bracket_depth > 0 &&
        parameter_lookup(scanner->parameters, scanner->count, at, len) == scanner->count)
        return;
    piece->kind = PIECE_COLON_NAME;
    piece->name = at;
    piece->name_len = len;
    lexer->at = at + len;
    piece->len = len + 1;
}

static bool
scan_next(Scanner *scanner, Piece *piece)
{
    IdcToken token;

    if (!idc_lexer_next(&scanner->lexer, &token))
        return false;
    *piece = (Piece){ .kind = PIECE_TEXT, .text = token.text, .len = token.len };
    if (token.kind == IDC_TOKEN_PARAMETER) {
        piece->kind = PIECE_DOLLAR;
        piece->name = token.text + 1;
        piece->name_len = token.len - 1;
    } else if (token.kind == IDC_TOKEN_OTHER) {
        char c = *token.text;

        if (c == '[')
            scanner->bracket_depth++;
        else if (c == ']' && scanner->bracket_depth > 0)
            scanner->bracket_depth--;
        else if (c == '%')
            scan_percent(scanner, piece);
        else if (c == ':')
            scan_colon(scanner, piece);
    }
    return true;
}

/* ---- from placeholders to $n ---- */

/*
 * order[0 .. bound_count): which parameter each $n stands for; number_of[i]: the $n of parameter i,
 * 0 when it has none yet.
 */
typedef struct Binding {
    const IdcParameter *parameters;
    size_t count;
    size_t *order, *number_of;
    size_t bound_count;
    size_t seen[PIECE_KIND_COUNT];
    bool is_named;
} Binding;

static IdcStatus
fail_parameters(IdcError *err, const char *message)
{
    IdcStatus status = idc_fail(err, IDC_BAD_VALUE, "%s", message);

    idc_error_set_sqlstate(err, "42P02");
    return status;
}

static IdcStatus
fail_count(const Binding *binding, size_t wanted, IdcError *err)
{
    IdcStatus status = idc_fail(
        err, IDC_BAD_VALUE, "the statement has %zu placeholder%s, and %zu parameter%s given",
        wanted, wanted == 1 ? "" : "s", binding->count, binding->count == 1 ? " is" : "s are");

    idc_error_set_sqlstate(err, "42P02");
    return status;
}

static IdcStatus
check_style(const Binding *binding, IdcError *err)
{
    size_t positional = binding->seen[PIECE_DOLLAR] + binding->seen[PIECE_PERCENT];
    size_t named = binding->seen[PIECE_PERCENT_NAME] + binding->seen[PIECE_COLON_NAME];
    IdcStatus status;

    if (!binding->is_named && positional > 0 && binding->seen[PIECE_DOLLAR] > 0 &&
        binding->seen[PIECE_PERCENT] > 0)
        return fail_parameters(err, "the statement mixes $1 and %s");
    if (binding->is_named && positional > 0)
        return fail_parameters(err, "the parameters have names, but the statement uses $1 or %s");
    if (!binding->is_named && positional == 0 && named > 0)
        return fail_parameters(err, "the statement uses named placeholders, but the parameters "
                                    "have no names");
    if ((binding->is_named ? named : positional) > 0)
        return IDC_OK;
    status = fail_count(binding, 0, err);
    idc_error_set_hint(err, binding->is_named ? "write :name or %%(name)s where the value belongs"
                                              : "write $1, $2 … or %%s where the values belong");
    return status;
}

static IdcStatus
check_names(const Binding *binding, IdcError *err)
{
    const IdcParameter *parameters = binding->parameters;
    IdcStatus status;

    for (size_t i = 0; i < binding->count; i++) {
        if ((parameters[i].name != NULL) != binding->is_named)
            return fail_parameters(err, "some parameters have names and some do not");
        if (binding->is_named &&
            parameter_lookup(parameters, i, parameters[i].name, strlen(parameters[i].name)) < i) {
            status =
                idc_fail(err, IDC_BAD_VALUE, "parameter \"%s\" is given twice", parameters[i].name);
            idc_error_set_sqlstate(err, "42P02");
            return status;
        }
    }
    return IDC_OK;
}

static IdcStatus
fail_unknown_name(IdcArena *arena, const Binding *binding, const Piece *piece, IdcError *err)
{
    const char **names = idc_arena_alloc_array(arena, binding->count, sizeof *names);
    const char *name = idc_arena_strndup(arena, piece->name, piece->name_len), *nearest;
    IdcStatus status;

    if (names == NULL || name == NULL)
        return idc_fail_no_memory(err);
    for (size_t i = 0; i < binding->count; i++)
        names[i] = binding->parameters[i].name;
    status = idc_fail(err, IDC_BAD_VALUE, "no parameter \"%s\" is given", name);
    idc_error_set_sqlstate(err, "42P02");
    nearest = idc_nearest_word(name, names, binding->count);
    if (nearest != NULL)
        idc_error_set_hint(err, "did you mean \"%s\"?", nearest);
    return status;
}

/* The n of $n; 0 and what is beyond the parameters are errors. */
static IdcStatus
dollar_number(const Binding *binding, const Piece *piece, size_t *number, IdcError *err)
{
    size_t value = 0;
    IdcStatus status;

    for (size_t i = 0; i < piece->name_len && value <= MAX_PARAMETERS; i++)
        value = value * 10 + (size_t) (piece->name[i] - '0');
    if (value >= 1 && value <= binding->count) {
        *number = value;
        return IDC_OK;
    }
    status = idc_fail(err, IDC_BAD_VALUE, "there is no parameter $%.*s: %zu %s given",
                      (int) (piece->name_len < 20 ? piece->name_len : 20), piece->name,
                      binding->count, binding->count == 1 ? "is" : "are");
    idc_error_set_sqlstate(err, "42P02");
    return status;
}

/* Which $n the placeholder is. */
static IdcStatus
placeholder_number(IdcArena *arena, Binding *binding, const Piece *piece, size_t *number,
                   IdcError *err)
{
    size_t i = 0;
    IdcStatus status;

    if (piece->kind == PIECE_DOLLAR) {
        if ((status = dollar_number(binding, piece, number, err)) == IDC_OK)
            binding->number_of[*number - 1] = *number;
        return status;
    }
    if (piece->kind == PIECE_PERCENT) {
        i = binding->bound_count;
        if (i >= binding->count)
            return fail_count(binding, binding->seen[PIECE_PERCENT], err);
    } else {
        i = parameter_lookup(binding->parameters, binding->count, piece->name, piece->name_len);
        if (i == binding->count)
            return fail_unknown_name(arena, binding, piece, err);
    }
    if (binding->number_of[i] == 0) {
        binding->order[binding->bound_count++] = i;
        binding->number_of[i] = binding->bound_count;
    }
    *number = binding->number_of[i];
    return IDC_OK;
}

static bool
is_placeholder(const Binding *binding, PieceKind kind)
{
    if (binding->is_named)
        return kind == PIECE_PERCENT_NAME || kind == PIECE_COLON_NAME;
    return kind == PIECE_DOLLAR || kind == PIECE_PERCENT;
}

static IdcStatus
write_sql(IdcArena *arena, Binding *binding, const char *sql, IdcText *bound_sql, IdcError *err)
{
    Scanner scanner = { .parameters = binding->parameters, .count = binding->count };
    bool has_percent = binding->seen[PIECE_PERCENT] + binding->seen[PIECE_PERCENT_NAME] > 0;
    size_t number = 0;
    IdcStatus status;
    Piece piece;

    idc_lexer_init(&scanner.lexer, sql, strlen(sql));
    while (scan_next(&scanner, &piece)) {
        if (is_placeholder(binding, piece.kind)) {
            status = placeholder_number(arena, binding, &piece, &number, err);
            if (status != IDC_OK)
                return status;
            /* "limit%s" must not become the name limit$1. */
            if (piece.text > sql && piece.kind != PIECE_DOLLAR &&
                idc_lexer_continues_word(piece.text[-1]))
                idc_text_append_char(bound_sql, ' ');
            idc_text_append_format(bound_sql, "$%zu", number);
        } else if (piece.kind == PIECE_TWO_PERCENT && has_percent) {
            idc_text_append_char(bound_sql, '%');
        } else {
            idc_text_append_len(bound_sql, piece.text, piece.len);
        }
    }
    return idc_text_check(bound_sql, err);
}

/* Positional parameters are bound as they come, and each must be used. */
static IdcStatus
check_all_used(Binding *binding, IdcError *err)
{
    IdcStatus status;

    for (size_t i = 0; i < binding->count; i++) {
        if (binding->number_of[i] != 0)
            continue;
        if (binding->seen[PIECE_PERCENT] > 0 && !binding->is_named)
            return fail_count(binding, binding->seen[PIECE_PERCENT], err);
        if (binding->is_named)
            status = idc_fail(err, IDC_BAD_VALUE, "parameter \"%s\" is given but not used",
                              binding->parameters[i].name);
        else
            status = idc_fail(err, IDC_BAD_VALUE, "parameter $%zu is given but not used", i + 1);
        idc_error_set_sqlstate(err, "42P02");
        return status;
    }
    if (binding->seen[PIECE_DOLLAR] > 0 && !binding->is_named) {
        for (size_t i = 0; i < binding->count; i++)
            binding->order[i] = i;
        binding->bound_count = binding->count;
    }
    return IDC_OK;
}

/* ---- values ---- */

static uint32_t
integer_oid(const char *data, size_t len)
{
    return idc_integer_fits(data, len, 4)   ? OID_INT4
           : idc_integer_fits(data, len, 8) ? OID_INT8
                                            : OID_NUMERIC;
}

/* The narrowest array type that holds every integer of {1,NULL,30000000000}. */
static uint32_t
integer_array_oid(const char *data, size_t len)
{
    uint32_t oid = OID_INT4_ARRAY;

    for (size_t i = 0, start; i < len; i++) {
        uint32_t element;

        if (!isdigit((unsigned char) data[i]))
            continue;
        start = i > 0 && data[i - 1] == '-' ? i - 1 : i;
        while (i < len && isdigit((unsigned char) data[i]))
            i++;
        element = integer_oid(data + start, i - start);
        if (element == OID_NUMERIC)
            return OID_NUMERIC_ARRAY;
        if (element == OID_INT8)
            oid = OID_INT8_ARRAY;
    }
    return oid;
}

static uint32_t
array_oid(const IdcValue *value)
{
    switch (value->element) {
    case IDC_VALUE_BOOL:
        return OID_BOOL_ARRAY;
    case IDC_VALUE_INT:
        return integer_array_oid(value->data, value->len);
    case IDC_VALUE_FLOAT:
        return OID_FLOAT8_ARRAY;
    case IDC_VALUE_NUMERIC:
        return OID_NUMERIC_ARRAY;
    case IDC_VALUE_BYTES:
        return OID_BYTEA_ARRAY;
    case IDC_VALUE_DATE:
        return OID_DATE_ARRAY;
    case IDC_VALUE_TIME:
        return OID_TIME_ARRAY;
    case IDC_VALUE_TIMETZ:
        return OID_TIMETZ_ARRAY;
    case IDC_VALUE_TIMESTAMP:
        return OID_TIMESTAMP_ARRAY;
    case IDC_VALUE_TIMESTAMPTZ:
        return OID_TIMESTAMPTZ_ARRAY;
    case IDC_VALUE_INTERVAL:
        return OID_INTERVAL_ARRAY;
    case IDC_VALUE_UUID:
        return OID_UUID_ARRAY;
    default:
        return OID_UNKNOWN;
    }
}

/* Text and JSON stay unknown: the server then takes them as whatever the place wants. */
static uint32_t
value_oid(const IdcValue *value)
{
    switch (value->kind) {
    case IDC_VALUE_BOOL:
        return OID_BOOL;
    case IDC_VALUE_INT:
        return integer_oid(value->data, value->len);
    case IDC_VALUE_FLOAT:
        return OID_FLOAT8;
    case IDC_VALUE_NUMERIC:
        return OID_NUMERIC;
    case IDC_VALUE_BYTES:
        return OID_BYTEA;
    case IDC_VALUE_DATE:
        return OID_DATE;
    case IDC_VALUE_TIME:
        return OID_TIME;
    case IDC_VALUE_TIMETZ:
        return OID_TIMETZ;
    case IDC_VALUE_TIMESTAMP:
        return OID_TIMESTAMP;
    case IDC_VALUE_TIMESTAMPTZ:
        return OID_TIMESTAMPTZ;
    case IDC_VALUE_INTERVAL:
        return OID_INTERVAL;
    case IDC_VALUE_UUID:
        return OID_UUID;
    case IDC_VALUE_ARRAY:
        return array_oid(value);
    default:
        return OID_UNKNOWN;
    }
}

static IdcStatus
bind_value(IdcArena *arena, const IdcValue *value, size_t number, IdcBoundParameter *bound,
           IdcError *err)
{
    bool is_binary = value->kind == IDC_VALUE_BYTES;

    if (value->kind == IDC_VALUE_NULL)
        return IDC_OK;
    if (value->len >= INT_MAX)
        return idc_fail(err, IDC_BAD_VALUE, "parameter %zu is longer than 2 GB", number);
    if (value->kind == IDC_VALUE_INT &&
        idc_number_form(value->data, value->len) != IDC_NUMBER_INTEGER)
        return idc_fail(err, IDC_BAD_VALUE, "parameter %zu is not a whole number", number);
    if (!is_binary && value->len > 0) {
        if (memchr(value->data, '\0', value->len) != NULL)
            return idc_fail(err, IDC_BAD_VALUE,
                            "parameter %zu holds a NUL byte, which PostgreSQL cannot store",
                            number);
        if (!idc_utf8_is_valid(value->data, value->len))
            return idc_fail(err, IDC_BAD_VALUE, "parameter %zu is not valid UTF-8", number);
    }
    bound->data = idc_arena_strndup(arena, value->data, value->len);
    if (bound->data == NULL)
        return idc_fail_no_memory(err);
    bound->len = (int) value->len;
    bound->is_binary = is_binary;
    bound->type_oid = value_oid(value);
    return IDC_OK;
}

static void
count_pieces(Binding *binding, const char *sql)
{
    Scanner scanner = { .parameters = binding->parameters, .count = binding->count };
    Piece piece;

    idc_lexer_init(&scanner.lexer, sql, strlen(sql));
    while (scan_next(&scanner, &piece))
        binding->seen[piece.kind]++;
}

static IdcStatus
bind_all(IdcArena *arena, const char *sql, Binding *binding, IdcText *bound_sql,
         IdcBoundParameter **bound, IdcError *err)
{
    IdcBoundParameter *items;
    IdcStatus status;

    if (binding->count > MAX_PARAMETERS)
        return idc_fail(err, IDC_BAD_VALUE, "%zu parameters are more than the %d that are possible",
                        binding->count, MAX_PARAMETERS);
    binding->order = idc_arena_alloc_array(arena, binding->count, sizeof *binding->order);
    binding->number_of = idc_arena_alloc_array(arena, binding->count, sizeof *binding->number_of);
    items = idc_arena_alloc_array(arena, binding->count, sizeof *items);
    if (binding->order == NULL || binding->number_of == NULL || items == NULL)
        return idc_fail_no_memory(err);
    if ((status = check_names(binding, err)) != IDC_OK)
        return status;
    count_pieces(binding, sql);
    if ((status = check_style(binding, err)) != IDC_OK ||
        (status = write_sql(arena, binding, sql, bound_sql, err)) != IDC_OK ||
        (status = check_all_used(binding, err)) != IDC_OK)
        return status;
    for (size_t i = 0; i < binding->bound_count; i++) {
        const IdcValue *value = &binding->parameters[binding->order[i]].value;

        if ((status = bind_value(arena, value, i + 1, &items[i], err)) != IDC_OK)
            return status;
    }
    *bound = items;
    return IDC_OK;
}

IdcStatus
idc_parameters_bind(IdcArena *arena, const char *sql, const IdcParameter *parameters, size_t count,
                    IdcText *bound_sql, IdcBoundParameter **bound, size_t *bound_count,
                    IdcError *err)
{
    Binding binding = { .parameters = parameters,
                        .count = count,
                        .is_named = count > 0 && parameters[0].name != NULL };
    size_t start = bound_sql->len;
    IdcBoundParameter *items = NULL;
    IdcStatus status;

    if (count == 0) {
        idc_text_append(bound_sql, sql);
        status = idc_text_check(bound_sql, err);
    } else {
        status = bind_all(arena, sql, &binding, bound_sql, &items, err);
    }
    if (status == IDC_OK) {
        *bound = items;
        *bound_count = binding.bound_count;
    } else if (bound_sql->data != NULL) {
        bound_sql->len = start;
        bound_sql->data[start] = '\0';
    }
    return status;
}
