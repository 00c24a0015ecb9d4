/*
 * print.h - rows in memory as a table, CSV or JSON.
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "cli/output.h"
#include "cli/rows.h"

/* Every format but arrow. */
int cli_print_rows(CliOutput *output, const CliRows *rows, CliFormat format);

#endif
