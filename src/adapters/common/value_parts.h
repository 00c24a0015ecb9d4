/*
 * value_parts.h - what the files value*.c share. Private to them.
 */
#ifndef IDC_ADAPTERS_COMMON_VALUE_PARTS_H
#define IDC_ADAPTERS_COMMON_VALUE_PARTS_H

#include "adapters/common/value.h"
#include "arrow/decode.h"

#define IDC_SYNTAX "22P02"
#define IDC_NUMBER_RANGE "22003"
#define IDC_TIME_RANGE "22008"

/* A text with its blanks cut off, as far as PostgreSQL's input functions cut them. */
typedef struct IdcSlice {
    const char *at, *end;
} IdcSlice;

static inline bool
idc_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool
idc_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline IdcSlice
idc_slice_trimmed(const char *text, size_t len)
{
    IdcSlice slice = { text, text + len };

    while (slice.at < slice.end && idc_is_blank(*slice.at))
        slice.at++;
    while (slice.at < slice.end && idc_is_blank(slice.end[-1]))
        slice.end--;
    return slice;
}

static inline size_t
idc_slice_len(IdcSlice slice)
{
    return (size_t) (slice.end - slice.at);
}

/* Exactly this word of lower-case letters, in any case. */
bool idc_slice_is_word(IdcSlice slice, const char *word);

static inline IdcFit
idc_misfit(IdcValueProblem *problem, const char *sqlstate, const char *reason)
{
    problem->sqlstate = sqlstate;
    problem->reason = reason;
    return IDC_FITS_NOT;
}

static inline IdcFit
idc_fit_of(IdcDecoded decoded)
{
    return decoded == IDC_DECODED                   ? IDC_FITS
           : decoded == IDC_DECODED_UNREPRESENTABLE ? IDC_FITS_ARROW
                                                    : IDC_FITS_NO_MEMORY;
}

/* value_number.c; is_json: a JSON number, of which an integer may be written as 5.0 or 1e2. */
IdcFit idc_value_integer(IdcColumn *column, IdcSlice text, bool is_json, IdcText *scratch,
                         IdcValueProblem *problem);
IdcFit idc_value_float(IdcColumn *column, IdcSlice text, IdcText *scratch,
                       IdcValueProblem *problem);
IdcFit idc_value_numeric(IdcColumn *column, int32_t modifier, IdcSlice text, IdcText *scratch,
                         IdcValueProblem *problem);
/* A decimal number times 10^scale as an integer, rounded half away from zero; else a misfit. */
IdcFit idc_value_scaled(IdcSlice text, int scale, IdcText *scratch, int64_t *number,
                        IdcValueProblem *problem);

/* value_time.c */
IdcFit idc_value_time(const IdcValueForm *form, IdcColumn *column, IdcSlice text, IdcText *scratch,
                      IdcValueProblem *problem);

/* value_bytes.c */
IdcFit idc_value_bytes(IdcColumn *column, bool is_base64, const char *text, size_t len,
                       IdcText *scratch, IdcValueProblem *problem);

/* value_array.c: true for the array types of PostgreSQL's own types; element: their elements'. */
bool idc_value_is_array(uint32_t oid, uint32_t *element);
IdcFit idc_value_array(uint32_t element, const IdcJsonValue *value, IdcText *scratch,
                       IdcValueProblem *problem);

#endif
