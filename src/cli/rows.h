/*
 * rows.h - a small result of the library (setup's changes, tables, health, a plan) as texts.
 *
 * In:   an InstantResult with columns of text, booleans and integers
 * Out:  all of its rows in memory
 * Next: cli/print.c
 */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include "cli/cli.h"

typedef enum CliColumnKind { CLI_COLUMN_TEXT, CLI_COLUMN_BOOL, CLI_COLUMN_NUMBER } CliColumnKind;

typedef struct CliColumn {
    char *name;
    CliColumnKind kind;
} CliColumn;

/* cells[row * column_count + column]; NULL is NULL. */
typedef struct CliRows {
    CliColumn *columns;
    size_t column_count;
    char **cells;
    size_t row_count, row_capacity;
} CliRows;

/* Reads the result to its end and frees it, also on failure; the error is then printed and the exit
 * code returned. */
int cli_rows_read(Cli *cli, InstantResult *result, CliRows *rows);
void cli_rows_done(CliRows *rows);

/* The cell in the column called name; "" where there is no such column or it is NULL. */
const char *cli_rows_text(const CliRows *rows, size_t row, const char *name);
bool cli_rows_is_null(const CliRows *rows, size_t row, const char *name);

/* A new set of rows made here: columns first, then row after row. False: out of memory. */
bool cli_rows_add_column(CliRows *rows, const char *name, CliColumnKind kind);
bool cli_rows_add(CliRows *rows, const char *const *cells);

#endif
