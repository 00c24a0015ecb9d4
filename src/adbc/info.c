/*
 * info.c - what driver and hub are, and which kinds of tables there are.
 */
#include "adbc/calls.h"
#include "adbc/cells.h"
#include "adbc/run.h"
#include "adbc/table.h"

/* The children of info_value, by the number that a value of the union carries. */
enum { CHOICE_TEXT, CHOICE_BOOL, CHOICE_INT };

static const AdbcField number_item = { "item", "i", false, NULL, 0 };
static const AdbcField text_item = { "item", "u", false, NULL, 0 };
static const AdbcField entry_fields[] = {
    { "key", "i", true, NULL, 0 },
    { "value", "+l", false, &number_item, 1 },
};
static const AdbcField entries = { "entries", "+s", true, entry_fields, 2 };
static const AdbcField value_fields[] = {
    { "string_value", "u", false, NULL, 0 },
    { "bool_value", "b", false, NULL, 0 },
    { "int64_value", "l", false, NULL, 0 },
    { "int32_bitmask", "i", false, NULL, 0 },
    { "string_list", "+l", false, &text_item, 1 },
    { "int32_to_int32_list_map", "+m", false, &entries, 1 },
};
static const AdbcField info_fields[] = {
    { "info_name", "I", true, NULL, 0 },
    { "info_value", "+ud:0,1,2,3,4,5", false, value_fields, 6 },
};
static const AdbcField info_root = { "", "+s", true, info_fields, 2 };

static const AdbcField type_fields[] = { { "table_type", "u", true, NULL, 0 } };
static const AdbcField type_root = { "", "+s", true, type_fields, 1 };

static void
append_info(AdbcColumn *table, uint32_t code, int8_t choice, const char *text, int64_t number)
{
    AdbcColumn *value = idc_adbc_child(table, 1);

    idc_adbc_append_int(idc_adbc_child(table, 0), code);
    if (choice == CHOICE_TEXT)
        idc_adbc_append_text(idc_adbc_child(value, CHOICE_TEXT), text);
    else
        idc_adbc_append_int(idc_adbc_child(value, (size_t) choice), number);
    idc_adbc_append_choice(value, choice);
    idc_adbc_append_end(table);
}

/* A code that is unknown here is left out, as ADBC wants it. */
static void
append_code(AdbcColumn *table, uint32_t code, const char *server_version)
{
    switch (code) {
    case ADBC_INFO_VENDOR_NAME:
        append_info(table, code, CHOICE_TEXT, "PostgreSQL", 0);
        break;
    case ADBC_INFO_VENDOR_VERSION:
        append_info(table, code, CHOICE_TEXT, server_version, 0);
        break;
    case ADBC_INFO_VENDOR_SQL:
        append_info(table, code, CHOICE_BOOL, NULL, 1);
        break;
    case ADBC_INFO_VENDOR_SUBSTRAIT:
        append_info(table, code, CHOICE_BOOL, NULL, 0);
        break;
    case ADBC_INFO_DRIVER_NAME:
        append_info(table, code, CHOICE_TEXT, "Instant Data Connector", 0);
        break;
    case ADBC_INFO_DRIVER_VERSION:
        append_info(table, code, CHOICE_TEXT, instant_version(), 0);
        break;
    case ADBC_INFO_DRIVER_ADBC_VERSION:
        append_info(table, code, CHOICE_INT, NULL, ADBC_VERSION_1_1_0);
        break;
    default:
        break;
    }
}

AdbcStatusCode
idc_adbc_connection_info(struct AdbcConnection *connection, const uint32_t *codes,
                         size_t code_count, struct ArrowArrayStream *stream,
                         struct AdbcError *error)
{
    static const uint32_t all[] = {
        ADBC_INFO_VENDOR_NAME,         ADBC_INFO_VENDOR_VERSION, ADBC_INFO_VENDOR_SQL,
        ADBC_INFO_VENDOR_SUBSTRAIT,    ADBC_INFO_DRIVER_NAME,    ADBC_INFO_DRIVER_VERSION,
        ADBC_INFO_DRIVER_ADBC_VERSION,
    };
    static const AdbcOptions no_options = { 0 };
    Connection *made = idc_adbc_connection(connection, true, error);
    struct ArrowArrayStream answer = { 0 };
    AdbcCells *cells;
    AdbcColumn *table;
    int64_t affected;
    bool has_row = false;
    AdbcStatusCode code;

    if (made == NULL)
        return ADBC_STATUS_INVALID_STATE;
    code = idc_adbc_run_stream(&(AdbcRun){ .session = made->session,
                                           .sql = "SELECT pg_catalog.current_setting("
                                                  "'server_version')",
                                           .options = &no_options },
                               &answer, &affected, error);
    if (code != ADBC_STATUS_OK)
        return code;
    cells = idc_adbc_cells_open(&answer, error);
    if (cells == NULL)
        return ADBC_STATUS_INTERNAL;
    code = idc_adbc_cells_next(cells, &has_row, error);
    table = code == ADBC_STATUS_OK ? idc_adbc_table_new(&info_root) : NULL;
    if (codes == NULL) {
        codes = all;
        code_count = sizeof all / sizeof *all;
    }
    for (size_t i = 0; i < code_count && table != NULL; i++)
        append_code(table, codes[i], has_row ? idc_adbc_cell(cells, 0) : NULL);
    idc_adbc_cells_close(cells);
    return code == ADBC_STATUS_OK ? idc_adbc_table_stream(table, stream, error) : code;
}

AdbcStatusCode
idc_adbc_connection_table_types(struct AdbcConnection *connection, struct ArrowArrayStream *stream,
                                struct AdbcError *error)
{
    /* As objects.c names them. */
    static const char *const types[] = { "table", "partitioned_table", "view", "materialized_view",
                                         "foreign_table" };
    AdbcColumn *table;

    if (idc_adbc_connection(connection, true, error) == NULL)
        return ADBC_STATUS_INVALID_STATE;
    table = idc_adbc_table_new(&type_root);
    for (size_t i = 0; i < sizeof types / sizeof *types && table != NULL; i++) {
        idc_adbc_append_text(idc_adbc_child(table, 0), types[i]);
        idc_adbc_append_end(table);
    }
    return idc_adbc_table_stream(table, stream, error);
}
