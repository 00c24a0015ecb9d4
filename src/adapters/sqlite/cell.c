/*
 * cell.c - a value of SQLite as a value of PostgreSQL's type, or why it is none.
 *
 * The storage class must be the type's own: a text is no number, whatever it says. Numbers must fit
 * exactly.
 */
#include "adapters/sqlite/work.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/decode.h"

static const char SYNTAX[] = "22P02", RANGE[] = "22003", MISMATCH[] = "42804", DATETIME[] = "22007";

/* Integers up to here are floating-point numbers too. */
static const sqlite3_int64 EXACT_DOUBLE = INT64_C(1) << 53, EXACT_FLOAT = INT64_C(1) << 24;

IdcSqliteCell
idc_sqlite_column_cell(sqlite3_stmt *statement, int column)
{
    IdcSqliteCell cell = { .storage = sqlite3_column_type(statement, column) };

    switch (cell.storage) {
    case SQLITE_INTEGER:
        cell.integer = sqlite3_column_int64(statement, column);
        break;
    case SQLITE_FLOAT:
        cell.real = sqlite3_column_double(statement, column);
        break;
    case SQLITE_TEXT:
        cell.bytes = (const char *) sqlite3_column_text(statement, column);
        cell.len = (size_t) sqlite3_column_bytes(statement, column);
        break;
    case SQLITE_BLOB:
        cell.bytes = sqlite3_column_blob(statement, column);
        cell.len = (size_t) sqlite3_column_bytes(statement, column);
        break;
    default:
        break;
    }
    return cell;
}

IdcSqliteCell
idc_sqlite_value_cell(sqlite3_value *value)
{
    IdcSqliteCell cell = { .storage = sqlite3_value_type(value) };

    switch (cell.storage) {
    case SQLITE_INTEGER:
        cell.integer = sqlite3_value_int64(value);
        break;
    case SQLITE_FLOAT:
        cell.real = sqlite3_value_double(value);
        break;
    case SQLITE_TEXT:
        cell.bytes = (const char *) sqlite3_value_text(value);
        cell.len = (size_t) sqlite3_value_bytes(value);
        break;
    case SQLITE_BLOB:
        cell.bytes = sqlite3_value_blob(value);
        cell.len = (size_t) sqlite3_value_bytes(value);
        break;
    default:
        break;
    }
    return cell;
}

static IdcFit
misfit(IdcValueProblem *problem, const char *sqlstate, const char *reason)
{
    problem->sqlstate = sqlstate;
    problem->reason = reason;
    return IDC_FITS_NOT;
}

static const char *
storage_reason(int storage)
{
    switch (storage) {
    case SQLITE_INTEGER:
        return "it is an INTEGER";
    case SQLITE_FLOAT:
        return "it is a REAL";
    case SQLITE_TEXT:
        return "it is a TEXT";
    default:
        return "it is a BLOB";
    }
}

static IdcFit
wrong_storage(const IdcSqliteCell *cell, IdcValueProblem *problem)
{
    return misfit(problem, MISMATCH, storage_reason(cell->storage));
}

static IdcFit
check_integer(const IdcSqliteCell *cell, sqlite3_int64 least, sqlite3_int64 most,
              IdcValueProblem *problem)
{
    if (cell->storage != SQLITE_INTEGER)
        return wrong_storage(cell, problem);
    if (cell->integer < least || cell->integer > most)
        return misfit(problem, RANGE, "it is out of range");
    return IDC_FITS;
}

static IdcFit
check_real(const IdcSqliteCell *cell, sqlite3_int64 exact, IdcValueProblem *problem)
{
    if (cell->storage == SQLITE_FLOAT)
        return IDC_FITS;
    if (cell->storage != SQLITE_INTEGER)
        return wrong_storage(cell, problem);
    if (cell->integer < -exact || cell->integer > exact)
        return misfit(problem, RANGE, "it is an INTEGER too big for a floating-point number");
    return IDC_FITS;
}

/* float8 to float4 as PostgreSQL does it. */
static IdcFit
check_single(const IdcSqliteCell *cell, IdcValueProblem *problem)
{
    float single = (float) cell->real;

    if (cell->storage != SQLITE_FLOAT)
        return check_real(cell, EXACT_FLOAT, problem);
    if ((isinf(single) && !isinf(cell->real)) || (single == 0 && cell->real != 0))
        return misfit(problem, RANGE, "it is out of range");
    return IDC_FITS;
}

/* varchar(n): a longer text is none, also if only blanks are too many. */
static bool
is_too_long(IdcType type, const char *text, size_t len)
{
    size_t count = 0;

    if (type.oid != IDC_TYPE_VARCHAR || type.modifier < 4)
        return false;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char) text[i] & 0xC0) != 0x80;
    return count > (size_t) type.modifier - 4;
}

static IdcFit
check_text(IdcType type, const IdcSqliteCell *cell, IdcValueProblem *problem)
{
    if (cell->storage != SQLITE_TEXT)
        return wrong_storage(cell, problem);
    if (memchr(cell->bytes, '\0', cell->len) != NULL)
        return misfit(problem, "22021", "it holds a NUL, which no text can");
    if (!idc_utf8_is_valid(cell->bytes, cell->len))
        return misfit(problem, "22021", "it is not UTF-8");
    if (is_too_long(type, cell->bytes, cell->len))
        return misfit(problem, "22001", "it is too long");
    return IDC_FITS;
}

static IdcFit
check_day(const IdcSqliteCell *cell, IdcValueProblem *problem)
{
    if (cell->storage != SQLITE_TEXT)
        return wrong_storage(cell, problem);
    if (cell->len != 10 || !idc_sqlite_is_day(cell->bytes, cell->len))
        return misfit(problem, DATETIME, "it is no day written YYYY-MM-DD");
    return IDC_FITS;
}

/* Comparisons look at the first ten bytes (declare_dialect.c), so those must be the day. */
static IdcFit
check_moment(const IdcSqliteCell *cell, IdcValueProblem *problem)
{
    if (cell->storage != SQLITE_TEXT)
        return wrong_storage(cell, problem);
    if (!idc_sqlite_is_day(cell->bytes, cell->len) ||
        (cell->len > 10 && cell->bytes[10] != ' ' && cell->bytes[10] != 'T') ||
        strspn(cell->bytes + 10, " T0123456789:.+-Z") != cell->len - 10)
        return misfit(problem, DATETIME, "it is no time written YYYY-MM-DD hh:mm:ss");
    return IDC_FITS;
}

static IdcFit
check_numeric(const IdcSqliteCell *cell, IdcValueProblem *problem)
{
    if (cell->storage == SQLITE_BLOB)
        return wrong_storage(cell, problem);
    return IDC_FITS;
}

static IdcFit
check_uuid(const IdcSqliteCell *cell, IdcValueProblem *problem)
{
    if (cell->storage == SQLITE_TEXT)
        return IDC_FITS;
    if (cell->storage != SQLITE_BLOB)
        return wrong_storage(cell, problem);
    return cell->len == 16 ? IDC_FITS : misfit(problem, SYNTAX, "it is no BLOB of 16 bytes");
}

IdcFit
idc_sqlite_check(IdcType type, IdcColumnKind kind, const IdcSqliteCell *cell,
                 IdcValueProblem *problem)
{
    if (cell->storage == SQLITE_NULL)
        return IDC_FITS_NULL;
    if (cell->bytes == NULL && cell->storage == SQLITE_TEXT)
        return IDC_FITS_NO_MEMORY;
    switch (kind) {
    case IDC_KIND_BOOL:
        return check_integer(cell, 0, 1, problem);
    case IDC_KIND_INT16:
        return check_integer(cell, INT16_MIN, INT16_MAX, problem);
    case IDC_KIND_INT32:
        return check_integer(cell, INT32_MIN, INT32_MAX, problem);
    case IDC_KIND_INT64:
        return check_integer(cell, INT64_MIN, INT64_MAX, problem);
    case IDC_KIND_UINT32:
        return check_integer(cell, 0, UINT32_MAX, problem);
    case IDC_KIND_FLOAT32:
        return check_single(cell, problem);
    case IDC_KIND_FLOAT64:
        return check_real(cell, EXACT_DOUBLE, problem);
    case IDC_KIND_NUMERIC_DECIMAL:
    case IDC_KIND_NUMERIC_STRING:
        return check_numeric(cell, problem);
    case IDC_KIND_BYTES:
        return cell->storage == SQLITE_BLOB ? IDC_FITS : wrong_storage(cell, problem);
    case IDC_KIND_UUID:
        return check_uuid(cell, problem);
    case IDC_KIND_DATE:
        return check_day(cell, problem);
    case IDC_KIND_TIMESTAMP:
    case IDC_KIND_TIMESTAMPTZ:
        return check_moment(cell, problem);
    default:
        return check_text(type, cell, problem);
    }
}

/* ---- appending ---- */

static IdcFit
append_integer(IdcColumn *column, sqlite3_int64 value)
{
    int64_t at = column->length++;

    switch (column->width) {
    case 2:
        ((int16_t *) column->values)[at] = (int16_t) value;
        break;
    case 4:
        ((uint32_t *) column->values)[at] = (uint32_t) value;
        break;
    default:
        ((int64_t *) column->values)[at] = value;
        break;
    }
    return IDC_FITS;
}

static IdcFit
append_real(IdcColumn *column, const IdcSqliteCell *cell)
{
    double value = cell->storage == SQLITE_INTEGER ? (double) cell->integer : cell->real;
    int64_t at = column->length++;

    if (column->kind == IDC_KIND_FLOAT32)
        ((float *) column->values)[at] = (float) value;
    else
        ((double *) column->values)[at] = value;
    return IDC_FITS;
}

static IdcFit
append_bytes(IdcColumn *column, const char *bytes, size_t len)
{
    return idc_column_append_text(column, bytes == NULL ? "" : bytes, len, len)
               ? IDC_FITS
               : IDC_FITS_NO_MEMORY;
}

static IdcFit
append_parsed(IdcType type, IdcColumn *column, const char *text, size_t len, IdcText *scratch,
              IdcValueProblem *problem)
{
    IdcValueForm form = { .type = type };

    return idc_value_append_text(&form, column, text, len, len, scratch, problem);
}

/* The shortest text that is the same REAL: what SQLite's user has seen and written. */
static void
real_text(double real, char *text, size_t size)
{
    if (isinf(real)) {
        (void) snprintf(text, size, "%sInfinity", real < 0 ? "-" : "");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void) snprintf(text, size, "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
}

static IdcFit
append_numeric(IdcType type, IdcColumn *column, const IdcSqliteCell *cell, IdcText *scratch,
               IdcValueProblem *problem)
{
    char text[40];

    if (cell->storage == SQLITE_TEXT)
        return append_parsed(type, column, cell->bytes, cell->len, scratch, problem);
    if (cell->storage == SQLITE_INTEGER)
        (void) snprintf(text, sizeof text, "%" PRId64, (int64_t) cell->integer);
    else
        real_text(cell->real, text, sizeof text);
    return append_parsed(type, column, text, strlen(text), scratch, problem);
}

static IdcFit
append_uuid(IdcType type, IdcColumn *column, const IdcSqliteCell *cell, IdcText *scratch,
            IdcValueProblem *problem)
{
    static const char digits[] = "0123456789abcdef";
    char hex[32];

    if (cell->storage == SQLITE_TEXT)
        return append_parsed(type, column, cell->bytes, cell->len, scratch, problem);
    for (size_t i = 0; i < 16; i++) {
        hex[2 * i] = digits[(unsigned char) cell->bytes[i] >> 4];
        hex[2 * i + 1] = digits[(unsigned char) cell->bytes[i] & 15];
    }
    return append_parsed(type, column, hex, sizeof hex, scratch, problem);
}

IdcFit
idc_sqlite_append(IdcType type, IdcColumn *column, const IdcSqliteCell *cell, IdcText *scratch,
                  IdcValueProblem *problem)
{
    IdcFit fit = idc_sqlite_check(type, column->kind, cell, problem);

    if (fit != IDC_FITS)
        return fit;
    switch (column->kind) {
    case IDC_KIND_BOOL:
        (void) idc_column_append_bool(column, cell->integer != 0);
        return IDC_FITS;
    case IDC_KIND_INT16:
    case IDC_KIND_INT32:
    case IDC_KIND_INT64:
    case IDC_KIND_UINT32:
        return append_integer(column, cell->integer);
    case IDC_KIND_FLOAT32:
    case IDC_KIND_FLOAT64:
        return append_real(column, cell);
    case IDC_KIND_NUMERIC_DECIMAL:
    case IDC_KIND_NUMERIC_STRING:
        return append_numeric(type, column, cell, scratch, problem);
    case IDC_KIND_BYTES:
        return append_bytes(column, cell->bytes, cell->len);
    case IDC_KIND_UUID:
        return append_uuid(type, column, cell, scratch, problem);
    case IDC_KIND_TEXT:
        /* JSON has a grammar; other texts were checked. */
        if (type.oid != IDC_TYPE_JSON && type.oid != IDC_TYPE_JSONB)
            return append_bytes(column, cell->bytes, cell->len);
        return append_parsed(type, column, cell->bytes, cell->len, scratch, problem);
    default:
        return append_parsed(type, column, cell->bytes, cell->len, scratch, problem);
    }
}

/* ---- texts ---- */

static void
append_hex(const IdcSqliteCell *cell, IdcText *text)
{
    for (size_t i = 0; i < cell->len; i++)
        idc_text_append_format(text, "%02x", (unsigned char) cell->bytes[i]);
}

/* A timestamp with time zone that names none is UTC here, and of the session's in the hub. */
static bool
has_zone(const IdcSqliteCell *cell)
{
    for (size_t i = 10; i < cell->len; i++)
        if (strchr("Z+-", cell->bytes[i]) != NULL)
            return true;
    return false;
}

void
idc_sqlite_cell_text(IdcType type, IdcColumnKind kind, const IdcSqliteCell *cell, IdcText *text)
{
    char number[40];

    switch (cell->storage) {
    case SQLITE_INTEGER:
        if (kind == IDC_KIND_BOOL)
            idc_text_append(text, cell->integer != 0 ? "t" : "f");
        else
            idc_text_append_format(text, "%" PRId64, (int64_t) cell->integer);
        break;
    case SQLITE_FLOAT:
        real_text(cell->real, number, sizeof number);
        idc_text_append(text, number);
        break;
    case SQLITE_BLOB:
        if (kind != IDC_KIND_UUID)
            idc_text_append(text, "\\x");
        append_hex(cell, text);
        break;
    default:
        idc_text_append_len(text, cell->bytes, cell->len);
        if (type.oid == IDC_TYPE_TIMESTAMPTZ && !has_zone(cell))
            idc_text_append(text, "+00");
        break;
    }
}
