/*
 * declare_write.c - which tables can be written, and by which requests.
 */
#include "adapters/rest/rest.h"

#include <string.h>

void
idc_rest_write_read(const IdcOptionSet *server_options, const IdcOptionSet *options,
                    IdcModifyKind kind, IdcRestWrite *write)
{
    static const char *const methods[] = { [IDC_INSERT] = "insert_method",
                                           [IDC_UPDATE] = "update_method",
                                           [IDC_DELETE] = "delete_method" };
    const char *endpoint =
        idc_option_value(options, kind == IDC_INSERT ? "insert_endpoint" : "row_endpoint");

    if (endpoint == NULL && kind == IDC_INSERT)
        endpoint = idc_option_value(options, "endpoint");
    *write = (IdcRestWrite){
        .method = idc_option_value(options, methods[kind]),
        .endpoint = endpoint,
        .batch = kind == IDC_INSERT
                     ? idc_adapter_option_number(&idc_declaration_rest, options, "insert_batch")
                     : 1,
        .write_path = idc_option_value(options, "write_path"),
        .is_idempotent = idc_rest_option_bool(server_options, options, "idempotent"),
        .sends_key = idc_rest_option_bool(server_options, options, "idempotency_header"),
    };
}

unsigned
idc_rest_writes(const IdcOptionSet *server_options, const IdcRelation *table)
{
    unsigned kinds = 0;

    for (int kind = 0; kind <= IDC_DELETE; kind++) {
        IdcRestWrite write;

        idc_rest_write_read(server_options, &table->options, (IdcModifyKind) kind, &write);
        if (write.method != NULL && write.endpoint != NULL)
            kinds |= 1U << kind;
    }
    return kinds;
}

bool
idc_rest_is_key(const IdcRelation *table, size_t column)
{
    const IdcOptionSet *options = &table->columns[column].options;
    const char *endpoint = idc_option_value(&table->options, "row_endpoint");
    const char *param = idc_option_value(options, "param");

    if (idc_adapter_option_bool(&idc_declaration_rest, options, "key"))
        return true;
    return endpoint != NULL && (idc_rest_has_placeholder(endpoint, table->columns[column].name) ||
                                (param != NULL && idc_rest_has_placeholder(endpoint, param)));
}
