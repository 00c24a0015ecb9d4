/*
 * json_check.h - is a text a JSON document? (RFC 8259; for options, not for rows)
 */
#ifndef IDC_ADAPTERS_JSON_CHECK_H
#define IDC_ADAPTERS_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8, one value, at most IDC_JSON_CHECK_DEPTH arrays and objects in each other.
 * *position (may be NULL): the byte at which it is not. */
enum { IDC_JSON_CHECK_DEPTH = 64 };
bool idc_json_check(const char *text, size_t *position);

#endif
