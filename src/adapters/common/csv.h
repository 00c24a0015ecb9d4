/*
 * csv.h - CSV (RFC 4180) that arrives in pieces, record by record.
 *
 * In:   bytes, cut anywhere
 * Out:  the fields of one record at a time
 * Next: rows_csv.c
 *
 * Lines end with LF or CRLF (the last one need not); a field may be quoted and then hold
 * delimiters, line ends and doubled quotes. Blank lines are skipped. A byte order mark is skipped.
 */
#ifndef IDC_ADAPTERS_COMMON_CSV_H
#define IDC_ADAPTERS_COMMON_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct IdcCsvOptions {
    char delimiter;        /* 0: a comma */
    char quote;            /* 0: a double quote */
    bool no_header;        /* the first record is a row: columns are known by position */
    const char *null_text; /* an unquoted field of this text is NULL; NULL: the empty one */
    size_t max_record_bytes;
} IdcCsvOptions;

typedef struct IdcCsvField {
    const char *text;
    size_t len;
    bool is_quoted;
} IdcCsvField;

typedef struct IdcCsv IdcCsv;

IDC_CHECKED IdcStatus idc_csv_new(const IdcCsvOptions *options, IdcCsv **csv, IdcError *err);
void idc_csv_free(IdcCsv *csv);
/* Begin another document. */
void idc_csv_reset(IdcCsv *csv);

/*
 * Read on until the end of a record: *fields are good until the next call, NULL where bytes ended
 * first. *used says how many bytes were taken. is_last: nothing follows these bytes.
 */
IDC_CHECKED IdcStatus idc_csv_next(IdcCsv *csv, const char *bytes, size_t len, bool is_last,
                                   size_t *used, const IdcCsvField **fields, size_t *count,
                                   IdcError *err);
/* The line where the last record began, from 1. */
int64_t idc_csv_line(const IdcCsv *csv);

#endif
