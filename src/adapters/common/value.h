/*
 * value.h - a text, or a JSON value, as one value of a column of any type.
 *
 * In:   bytes that came from a source
 * Out:  a value in a column of an IdcBatchBuilder, or why there is none
 * Next: rows.h calls it for each cell
 *
 * What is accepted is what the type's input function in PostgreSQL 15 accepts and what means the
 * same under every setting. Refused although PostgreSQL takes them: dates whose order of day and
 * month depends on DateStyle; names of months; "now", "today" and the like; names of time zones
 * other than UTC, GMT and Z; years of less than four digits; AM and PM; times without colons, but
 * for HHMM and HHMMSS behind a T; hexadecimal floating-point numbers; OIDs beyond 2^32 that wrap.
 * Accepted although PostgreSQL refuses them: a date, T and a time of day for type time; a zone west
 * of UTC behind a time without colons.
 *
 * A timestamp with time zone that has no zone is UTC; the zone of a text for a timestamp without
 * time zone is ignored, as PostgreSQL does. Types that travel as text (interval, inet, enums …) are
 * checked by the hub.
 */
#ifndef IDC_ADAPTERS_COMMON_VALUE_H
#define IDC_ADAPTERS_COMMON_VALUE_H

#include "adapters/common/json.h"
#include "arrow/builder.h"
#include "relation/relation.h"

/* What a number means where a date or timestamp is wanted. */
typedef enum IdcEpoch {
    IDC_EPOCH_NONE, /* it does not fit */
    IDC_EPOCH_SECONDS,
    IDC_EPOCH_MILLISECONDS,
    IDC_EPOCH_MICROSECONDS
} IdcEpoch;

typedef struct IdcValueForm {
    IdcType type;
    IdcEpoch epoch; /* date, timestamp, timestamptz */
    bool is_base64; /* bytea: base64 or base64url instead of PostgreSQL's hex or escape form */
} IdcValueForm;

typedef enum IdcFit {
    IDC_FITS,
    IDC_FITS_NULL,  /* nothing was appended */
    IDC_FITS_ARROW, /* nothing was appended: right for PostgreSQL, not to be held by Arrow */
    IDC_FITS_NOT,   /* nothing was appended */
    IDC_FITS_NO_MEMORY
} IdcFit;

typedef struct IdcValueProblem {
    const char *reason; /* static: "out of range" */
    const char *sqlstate;
} IdcValueProblem;

/*
 * One more value in column, which must have room for it (idc_batch_begin_row) and be of the kind
 * that idc_type_column names for the type. scratch is any text, for the time of the call. readable:
 * bytes that may be read from text on, at least len. IDC_FITS_NOT fills in problem.
 */
IdcFit idc_value_append_text(const IdcValueForm *form, IdcColumn *column, const char *text,
                             size_t len, size_t readable, IdcText *scratch,
                             IdcValueProblem *problem);
IdcFit idc_value_append_json(const IdcValueForm *form, IdcColumn *column, const IdcJsonValue *value,
                             size_t readable, IdcText *scratch, IdcValueProblem *problem);

/* Days since 2000-01-01 in the Gregorian calendar without end; year 0 is 1 BC. */
int64_t idc_days_of(int64_t year, int month, int day);

#endif
