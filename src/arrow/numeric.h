/*
 * numeric.h - PostgreSQL's numeric, as its digits lie in memory.
 *
 * In:   numeric_send's bytes, or the digits of a value inside the server
 * Out:  a value in a column of kind NUMERIC_FLOAT64, NUMERIC_DECIMAL or NUMERIC_STRING
 */
#ifndef IDC_ARROW_NUMERIC_H
#define IDC_ARROW_NUMERIC_H

#include "arrow/builder.h"

enum {
    IDC_NUMERIC_POSITIVE = 0x0000,
    IDC_NUMERIC_NEGATIVE = 0x4000,
    IDC_NUMERIC_NAN = 0xC000,
    IDC_NUMERIC_INFINITY = 0xD000,
    IDC_NUMERIC_MINUS_INFINITY = 0xF000,
    IDC_NUMERIC_MAX_DISPLAY_SCALE = 0x3FFF,
    IDC_NUMERIC_BASE = 10000
};

/*
 * The sum of digits[i] * 10000^(weight - i), with its sign (one of those above). Digits are in the
 * machine's byte order, each from 0 to 9999; dscale is at most IDC_NUMERIC_MAX_DISPLAY_SCALE.
 */
typedef struct IdcNumeric {
    int16_t weight;
    uint16_t sign;
    uint16_t dscale; /* digits printed after the point */
    int count;
    const int16_t *digits;
} IdcNumeric;

/* Powers of ten that 64 bits hold: 10^0 to 10^IDC_MOST_POWERS. */
enum { IDC_MOST_POWERS = 19 };
extern const uint64_t idc_powers_of_ten[IDC_MOST_POWERS + 1];

/* The nearest double: NaN and infinities are kept, finite values beyond it are unrepresentable. */
IdcDecoded idc_numeric_to_float64(IdcText *scratch, const IdcNumeric *numeric, double *result);
/*
 * Decimals as the wire has them (decode.h), which may lie at any address, as the nearest doubles;
 * target may be at any address too.
 */
void idc_decimals_to_float64(const void *decimals, size_t count, int scale, uint8_t *target);
/* The value times 10^scale as a signed integer in the machine's byte order. */
IdcDecoded idc_numeric_to_decimal(const IdcNumeric *numeric, int precision, int scale,
                                  uint8_t result[16]);
/* What numeric_out prints, without a NUL; text has room for idc_numeric_text_room bytes. */
size_t idc_numeric_text_room(const IdcNumeric *numeric);
size_t idc_numeric_to_text(const IdcNumeric *numeric, char *text);

/* As the column's kind says; there must be room for one more value. */
IdcDecoded idc_column_append_numeric(IdcColumn *column, const IdcNumeric *numeric);
/* The same of numeric_send's bytes, which nobody has checked. readable >= len: bytes from value on
 * that may be read. */
IdcDecoded idc_column_append_wire_numeric(IdcColumn *column, const uint8_t *value, size_t len,
                                          size_t readable);

#endif
