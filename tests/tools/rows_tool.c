/*
 * rows_tool.c - the readers of src/adapters/common, for tests that are not written in C.
 *
 *     rows_tool value OID MODIFIER < texts     each ends with a NUL; a line of answer for each:
 *                                              "=" and the value (column_text.h), "arrow" (right,
 *                                              but Arrow cannot hold it), or "!" and why not
 *     rows_tool json < documents               each ends with a byte 0x01: "=" or "!" and why not;
 *                                              read whole, byte by byte, and as one row
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/adapters/column_text.h"
#include "adapters/common/json_row.h"
#include "adapters/common/rows.h"
#include "arrow/decode.h"

static char *
read_all(size_t *len)
{
    size_t capacity = 1 << 16, used = 0;
    char *bytes = malloc(capacity);

    while (bytes != NULL) {
        size_t got = fread(bytes + used, 1, capacity - used, stdin);

        used += got;
        if (got == 0)
            break;
        if (used == capacity)
            bytes = realloc(bytes, capacity *= 2);
    }
    if (bytes == NULL)
        exit(2);
    *len = used;
    return bytes;
}

static IdcBatchBuilder *
new_builder(const IdcColumnSpec *spec, size_t count)
{
    IdcBatchOptions options = { .batch_rows = 1 << 20, .single_batch = true };
    IdcBatchBuilder *builder;
    IdcError err;

    if (idc_batch_builder_new(spec, count, &options, &builder, &err) != IDC_OK)
        exit(2);
    return builder;
}

static void
answer_value(const IdcValueForm *form, IdcBatchBuilder *builder, const char *text, size_t len)
{
    IdcText scratch, printed;
    IdcValueProblem problem;
    IdcError err;
    char *exact = malloc(len + 1);

    /* A copy without a byte too many, so that the sanitizer sees reads behind it. */
    if (exact == NULL || idc_batch_begin_row(builder, &err) != IDC_OK)
        exit(2);
    memcpy(exact, text, len);
    idc_text_init(&scratch, 0);
    idc_text_init(&printed, 0);
    switch (
        idc_value_append_text(form, &builder->columns[0], exact, len, len, &scratch, &problem)) {
    case IDC_FITS:
        idc_batch_end_row(builder);
        column_text_value(&builder->columns[0], 0, &printed);
        printf("=%s\n", idc_text_string(&printed));
        break;
    case IDC_FITS_ARROW:
        puts("arrow");
        break;
    case IDC_FITS_NOT:
        printf("!%s %s\n", problem.sqlstate, problem.reason);
        break;
    default:
        exit(2);
    }
    idc_batch_clear(builder);
    idc_text_done(&scratch);
    idc_text_done(&printed);
    free(exact);
}

static int
run_values(const char *oid, const char *modifier)
{
    IdcValueForm form = { .type = { (uint32_t) strtoul(oid, NULL, 10),
                                    (int32_t) strtol(modifier, NULL, 10) } };
    IdcColumnSpec spec = { .name = "v" };
    IdcBatchBuilder *builder;
    size_t len;
    char *bytes = read_all(&len);

    idc_type_column(form.type, &spec);
    builder = new_builder(&spec, 1);
    for (char *at = bytes, *end; at < bytes + len; at = end + 1) {
        end = memchr(at, 0, (size_t) (bytes + len - at));
        if (end == NULL)
            end = bytes + len;
        answer_value(&form, builder, at, (size_t) (end - at));
    }
    idc_batch_builder_free(builder);
    free(bytes);
    return 0;
}

/* In pieces of so many bytes; the rows are whatever is at "/rows of this test", so all is checked.
 */
static bool
is_document(const char *text, size_t len, size_t piece, IdcError *err)
{
    IdcRowsOptions options = { .path = "/rows of this test",
                               .missing_is_empty = true,
                               .max_depth = IDC_JSON_MAX_DEPTH };
    IdcArena *arena = idc_arena_new(0);
    IdcBatchBuilder *builder = new_builder(NULL, 0);
    IdcRows *rows = NULL;
    size_t used;
    bool is_full;
    IdcStatus status = idc_rows_new(arena, &options, NULL, 0, &rows, err);

    for (size_t at = 0; at < len && status == IDC_OK; at += piece)
        status = idc_rows_feed(rows, text + at, len - at < piece ? len - at : piece, builder, &used,
                               &is_full, err);
    if (status == IDC_OK)
        status = idc_rows_finish(rows, builder, err);
    idc_batch_builder_free(builder);
    idc_arena_free(arena);
    return status == IDC_OK;
}

static int
run_documents(void)
{
    size_t len;
    char *bytes = read_all(&len);

    for (char *at = bytes, *end; at < bytes + len; at = end + 1) {
        IdcError err;
        bool is_whole, is_in_bytes, is_row;
        bool has_mark = len >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0;

        end = memchr(at, 1, (size_t) (bytes + len - at));
        if (end == NULL)
            end = bytes + len;
        is_row =
            idc_json_is_valid(at + (has_mark ? 3 : 0), (size_t) (end - at) - (has_mark ? 3 : 0));
        is_in_bytes = is_document(at, (size_t) (end - at), 1, &err);
        is_whole = is_document(at, (size_t) (end - at), len, &err);
        if (is_row != is_whole || is_in_bytes != is_whole)
            printf("? row %d, bytes %d, whole %d\n", is_row, is_in_bytes, is_whole);
        else
            printf("%s%s\n", is_whole ? "=" : "!", is_whole ? "" : err.message);
    }
    free(bytes);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "value") == 0)
        return run_values(argv[2], argv[3]);
    if (argc == 2 && strcmp(argv[1], "json") == 0)
        return run_documents();
    fputs("usage: rows_tool value OID MODIFIER | rows_tool json\n", stderr);
    return 2;
}
