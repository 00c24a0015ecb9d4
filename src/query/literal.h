/*
 * literal.h - one value as an exact SQL literal that compares with one column as the user means it.
 *
 * In:   a column of the hub's catalogue, a value of the caller
 * Out:  SQL text such as '5'::integer
 * Next: query/select.c puts it behind an operator
 */
#ifndef IDC_QUERY_LITERAL_H
#define IDC_QUERY_LITERAL_H

#include "query/query.h"

/* Whether the column is of a kind of text, and so has LIKE. */
bool idc_literal_column_is_text(const IdcTableColumn *column);

/* Whether values of the column's type can be compared at all (json and xml cannot). */
bool idc_literal_column_is_comparable(const IdcTableColumn *column);

/*
 * Append the value as a literal of the column's own type, or of a wider one where the value does
 * not fit. A value whose kind cannot be compared with the column: IDC_BAD_VALUE naming column, type
 * and kind. NULL is not a value to compare with and is refused; the caller asks IS NULL.
 */
IDC_CHECKED IdcStatus idc_literal_append(IdcText *sql, const IdcTableColumn *column,
                                         const IdcValue *value, IdcError *err);

/* The right side of LIKE: text, whatever kind of text the column is. */
IDC_CHECKED IdcStatus idc_literal_append_pattern(IdcText *sql, const IdcTableColumn *column,
                                                 const IdcValue *value, IdcError *err);

/* "an integer", "a date" …: the kind in an error message. */
const char *idc_value_kind_name(IdcValueKind kind);

/* How a number is written; shared by literals and parameters. */
typedef enum IdcNumberForm {
    IDC_NUMBER_BAD,
    IDC_NUMBER_INTEGER, /* sign and digits */
    IDC_NUMBER_DECIMAL, /* also a fraction or an exponent */
    IDC_NUMBER_NAN,
    IDC_NUMBER_INFINITY,
    IDC_NUMBER_MINUS_INFINITY
} IdcNumberForm;

IdcNumberForm idc_number_form(const char *data, size_t len);

/* The integer at data fits a signed integer of so many bytes (2, 4 or 8). */
bool idc_integer_fits(const char *data, size_t len, int bytes);

#endif
