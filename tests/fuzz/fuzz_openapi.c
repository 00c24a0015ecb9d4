/*
 * fuzz_openapi.c - a document that a server, or anybody, wrote: JSON or YAML.
 *
 * Whatever tables come out of it have names and options that the adapter itself accepts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/rest/openapi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7 loses 4 KiB where it gives up within a quoted text. */
const char *
__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

static void
check_options(IdcOptionLevel level, const IdcOptionSet *options)
{
    IdcError err;

    if (idc_adapter_options_check(&idc_declaration_rest, level, options, &err) != IDC_OK)
        abort();
}

static void
check_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > IDC_OPENAPI_NAME_BYTES || !idc_utf8_is_valid(name, len))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    IdcArena *arena = idc_arena_new((size_t) 256 << 20);
    const IdcImportedTable *tables;
    const IdcNode *root;
    size_t count;

    if (arena == NULL)
        return 0;
    if (idc_document_read(arena, (const char *) data, size, &root, NULL) == IDC_OK &&
        idc_openapi_tables(arena, root, "https://api.example/v1", &tables, &count, NULL) == IDC_OK)
        for (size_t i = 0; i < count; i++) {
            check_name(tables[i].name);
            check_options(IDC_OPTION_TABLE, &tables[i].options);
            for (size_t c = 0; c < tables[i].column_count; c++) {
                check_name(tables[i].columns[c].name);
                check_options(IDC_OPTION_COLUMN, &tables[i].columns[c].options);
            }
        }
    idc_arena_free(arena);
    return 0;
}
