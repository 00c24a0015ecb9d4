/*
 * store.c - what becomes of a value that is put into a column of a file.
 *
 * A column's affinity may turn a text into a number or a number into a text. What could not be read
 * again as it was written is an error before it is written.
 */
#include "adapters/sqlite/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* So many digits of a decimal number survive in a REAL. */
enum { EXACT_DIGITS = 15 };

static bool
has_part(const char *declared, const char *const *parts)
{
    for (; *parts != NULL; parts++)
        if (strcasestr(declared, *parts) != NULL)
            return true;
    return false;
}

IdcSqliteAffinity
idc_sqlite_affinity(const char *declared)
{
    static const char *const integers[] = { "INT", NULL };
    static const char *const texts[] = { "CHAR", "CLOB", "TEXT", NULL };
    static const char *const blobs[] = { "BLOB", NULL };
    static const char *const reals[] = { "REAL", "FLOA", "DOUB", NULL };

    if (declared == NULL || declared[0] == '\0')
        return IDC_SQLITE_AS_IT_IS;
    if (has_part(declared, integers))
        return IDC_SQLITE_AS_NUMBER;
    if (has_part(declared, texts))
        return IDC_SQLITE_AS_TEXT;
    if (has_part(declared, blobs))
        return IDC_SQLITE_AS_IT_IS;
    return has_part(declared, reals) ? IDC_SQLITE_AS_REAL : IDC_SQLITE_AS_NUMBER;
}

/* A decimal number with nothing but blanks around it: all of the text, in the form of a number. */
typedef struct Number {
    bool is_number, is_integer;
    int digits; /* from the first to the last that is not 0 */
} Number;

static bool
is_blank(char letter)
{
    return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

static size_t
skip_digits(const char *text, size_t len, size_t at)
{
    while (at < len && text[at] >= '0' && text[at] <= '9')
        at++;
    return at;
}

/* Of the digits from `from` to `to`, a point among them. */
static int
significant_digits(const char *text, size_t from, size_t to)
{
    int count = 0, zeros = 0;

    for (size_t i = from; i < to; i++) {
        if (text[i] == '.' || (text[i] == '0' && count == 0))
            continue;
        if (text[i] == '0') {
            zeros++;
        } else {
            count += zeros + 1;
            zeros = 0;
        }
    }
    return count;
}

static Number
number_in(const char *text, size_t len)
{
    size_t at = 0, begin, end;
    Number none = { 0 }, found = { .is_number = true, .is_integer = true };

    while (at < len && is_blank(text[at]))
        at++;
    while (len > at && is_blank(text[len - 1]))
        len--;
    at += at < len && (text[at] == '-' || text[at] == '+');
    begin = at;
    at = skip_digits(text, len, at);
    end = at;
    if (at < len && text[at] == '.') {
        found.is_integer = false;
        at = skip_digits(text, len, at + 1);
        end = at;
    }
    found.digits = significant_digits(text, begin, end);
    if (end == begin || (end == begin + 1 && text[begin] == '.'))
        return none;
    if (at < len && (text[at] == 'e' || text[at] == 'E')) {
        found.is_integer = false;
        at += 1 + (at + 1 < len && (text[at + 1] == '-' || text[at + 1] == '+'));
        if (skip_digits(text, len, at) == at)
            return none;
        at = skip_digits(text, len, at);
    }
    return at == len ? found : none;
}

static IdcFit
misfit(IdcValueProblem *problem, const char *reason)
{
    *problem = (IdcValueProblem){ .reason = reason, .sqlstate = "22003" };
    return IDC_FITS_NOT;
}

/* A text becomes the number that it says, if it says one. */
static IdcFit
make_number(const IdcSqliteTarget *target, IdcSqliteCell *cell, IdcValueProblem *problem)
{
    bool is_numeric =
        target->kind == IDC_KIND_NUMERIC_DECIMAL || target->kind == IDC_KIND_NUMERIC_STRING;
    Number number = number_in(cell->bytes, cell->len);
    char copy[64];

    if (!number.is_number)
        return IDC_FITS;
    if (!is_numeric)
        return misfit(problem, "its column in the file would make a number of the text");
    if (cell->len >= sizeof copy)
        return misfit(problem, "its column in the file would round the number");
    memcpy(copy, cell->bytes, cell->len);
    copy[cell->len] = '\0';
    if (number.is_integer && target->affinity == IDC_SQLITE_AS_NUMBER) {
        int64_t integer;

        if (idc_int64_parse(copy[0] == '+' ? copy + 1 : copy, &integer)) {
            *cell = (IdcSqliteCell){ .storage = SQLITE_INTEGER, .integer = integer };
            return IDC_FITS;
        }
    }
    *cell = (IdcSqliteCell){ .storage = SQLITE_FLOAT, .real = strtod(copy, NULL) };
    if (number.digits > EXACT_DIGITS || isinf(cell->real) || (cell->real == 0 && number.digits > 0))
        return misfit(problem, "its column in the file would round the number");
    return IDC_FITS;
}

/* A REAL that is a whole number becomes an INTEGER where nothing is lost. */
static void
make_integer(IdcSqliteCell *cell)
{
    if (fabs(cell->real) < 9e18 && cell->real == trunc(cell->real))
        *cell = (IdcSqliteCell){ .storage = SQLITE_INTEGER, .integer = (int64_t) cell->real };
}

IdcFit
idc_sqlite_stores(const IdcSqliteTarget *target, IdcSqliteCell *cell, IdcValueProblem *problem)
{
    IdcFit fit = IDC_FITS;

    switch (target->affinity) {
    case IDC_SQLITE_AS_TEXT:
        if (cell->storage == SQLITE_INTEGER || cell->storage == SQLITE_FLOAT)
            return misfit(problem, "its column in the file would make a text of the number");
        break;
    case IDC_SQLITE_AS_NUMBER:
        if (cell->storage == SQLITE_TEXT)
            fit = make_number(target, cell, problem);
        else if (cell->storage == SQLITE_FLOAT)
            make_integer(cell);
        break;
    case IDC_SQLITE_AS_REAL:
        if (cell->storage == SQLITE_TEXT)
            fit = make_number(target, cell, problem);
        else if (cell->storage == SQLITE_INTEGER)
            *cell = (IdcSqliteCell){ .storage = SQLITE_FLOAT, .real = (double) cell->integer };
        break;
    default:
        break;
    }
    return fit == IDC_FITS ? idc_sqlite_check(target->type, target->kind, cell, problem) : fit;
}
