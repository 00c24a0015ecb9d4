/*
 * test_rest_openapi.c - documents as tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/rest/openapi.h"

static const char shop[] =
    "openapi: 3.1.0\n"
    "info: {title: Shop, version: '1'}\n"
    "servers: [{url: https://api.example/v1}]\n"
    "paths:\n"
    "  /customers:\n"
    "    get:\n"
    "      summary: All customers\n"
    "      parameters:\n"
    "        - $ref: '#/components/parameters/Page'\n"
    "        - {name: per_page, in: query, schema: {type: integer, maximum: 200, default: 20}}\n"
    "        - {name: status, in: query, schema: {type: string}}\n"
    "        - {name: ids, in: query, explode: false, schema: {type: array, items: {type: "
    "integer}}}\n"
    "        - {name: created_at_gte, in: query, schema: {type: string, format: date-time}}\n"
    "        - {name: color, in: query, schema: {type: string}}\n"
    "      responses:\n"
    "        '200':\n"
    "          content:\n"
    "            application/json:\n"
    "              schema:\n"
    "                type: object\n"
    "                properties:\n"
    "                  data: {type: array, items: {$ref: '#/components/schemas/Customer'}}\n"
    "                  meta: {type: object, properties: {total: {type: integer}}}\n"
    "  /customers/{id}:\n"
    "    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]\n"
    "    get:\n"
    "      responses:\n"
    "        2XX:\n"
    "          content: {application/vnd.shop+json: {schema: {$ref: "
    "'#/components/schemas/Customer'}}}\n"
    "    delete: {responses: {'204': {description: gone}}}\n"
    "  /customers/{id}/orders:\n"
    "    get:\n"
    "      parameters:\n"
    "        - {name: id, in: path, required: true, schema: {type: integer, format: int64}}\n"
    "        - {name: currency, in: query, required: true, schema: {type: string}}\n"
    "        - {name: cursor, in: query, schema: {type: string}}\n"
    "      responses:\n"
    "        '200':\n"
    "          content:\n"
    "            application/json:\n"
    "              schema:\n"
    "                type: object\n"
    "                properties:\n"
    "                  items: {type: array, items: {$ref: '#/components/schemas/Order'}}\n"
    "                  next_cursor: {type: [string, 'null']}\n"
    "  /upload:\n"
    "    post: {responses: {'200': {description: no GET}}}\n"
    "components:\n"
    "  parameters:\n"
    "    Page: {name: page, in: query, schema: {type: integer, minimum: 0}}\n"
    "  schemas:\n"
    "    Thing: {type: object, properties: {id: {type: integer}, createdAt: {type: string, format: "
    "date-time}}}\n"
    "    Customer:\n"
    "      allOf:\n"
    "        - $ref: '#/components/schemas/Thing'\n"
    "        - type: object\n"
    "          required: [status]\n"
    "          properties:\n"
    "            status: {type: string, nullable: true, description: what it is}\n"
    "            born: {type: string, format: date}\n"
    "            key: {type: string, format: uuid}\n"
    "            score: {type: [number, 'null']}\n"
    "            ratio: {type: number, format: double}\n"
    "            level: {type: integer, format: int32}\n"
    "            isActive: {type: boolean}\n"
    "            tags: {type: array, items: {type: string}}\n"
    "            address: {anyOf: [{$ref: '#/components/schemas/Address'}, {type: 'null'}]}\n"
    "            parent: {$ref: '#/components/schemas/Customer'}\n"
    "            loop: {$ref: '#/components/schemas/Loop'}\n"
    "    Address: {type: object, properties: {city: {type: string}}}\n"
    "    Loop: {$ref: '#/components/schemas/Loop'}\n"
    "    Order: {type: object, properties: {id: {type: integer}, amount: {type: number}}}\n";

static const char petstore[] =
    "{\"swagger\": \"2.0\", \"basePath\": \"/v2\", \"paths\": {"
    "\"/pets\": {\"get\": {\"parameters\": ["
    "{\"name\": \"limit\", \"in\": \"query\", \"type\": \"integer\", \"default\": 50},"
    "{\"name\": \"offset\", \"in\": \"query\", \"type\": \"integer\"},"
    "{\"name\": \"tag\", \"in\": \"query\", \"type\": \"array\", \"items\": {\"type\": \"string\"},"
    " \"collectionFormat\": \"multi\"}],"
    "\"responses\": {\"200\": {\"headers\": {\"x-total-count\": {\"type\": \"integer\"}},"
    " \"schema\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/definitions/Pet~1Animal\"}}}}}},"
    "\"/names\": {\"get\": {\"responses\": {\"200\": {\"schema\": {\"type\": \"array\","
    " \"items\": {\"type\": \"string\"}}}}}},"
    "\"/p/{a b}\": {\"get\": {\"responses\": {\"200\": {\"schema\": {\"type\": \"object\"}}}}}},"
    "\"definitions\": {\"Pet/Animal\": {\"properties\": {\"name\": {\"type\": \"string\"},"
    " \"tag\": {\"type\": \"string\"}, \"photo\": {\"type\": \"string\", \"format\": \"byte\"},"
    " \"Name\": {\"type\": \"string\"}}}}}";

typedef struct Imported {
    IdcArena *arena;
    const IdcImportedTable *tables;
    size_t count;
} Imported;

static IdcStatus
import(const char *document, const char *base_url, Imported *imported, IdcError *err)
{
    const IdcNode *root;
    IdcStatus status;

    imported->arena = idc_arena_new(0);
    status = idc_document_read(imported->arena, document, strlen(document), &root, err);
    if (status != IDC_OK)
        return status;
    return idc_openapi_tables(imported->arena, root, base_url, &imported->tables, &imported->count,
                              err);
}

static const IdcImportedTable *
find_table(const Imported *imported, const char *name)
{
    for (size_t i = 0; i < imported->count; i++)
        if (strcmp(imported->tables[i].name, name) == 0)
            return &imported->tables[i];
    fail_msg("there is no table \"%s\"", name);
    return NULL;
}

static void
append_options(IdcText *text, const IdcOptionSet *options)
{
    for (size_t i = 0; i < options->count; i++)
        idc_text_append_format(text, " %s=%s", options->items[i].name, options->items[i].value);
}

/* "endpoint=… …; column type options; …" */
static void
assert_table(const Imported *imported, const char *name, const char *expected)
{
    const IdcImportedTable *table = find_table(imported, name);
    IdcText text;

    idc_text_init(&text, 0);
    append_options(&text, &table->options);
    for (size_t i = 0; i < table->column_count; i++) {
        idc_text_append_format(&text, "; %s %s", table->columns[i].name, table->columns[i].type);
        if (table->columns[i].is_not_null)
            idc_text_append(&text, " not null");
        append_options(&text, &table->columns[i].options);
    }
    assert_string_equal(idc_text_string(&text), expected);
    idc_text_done(&text);
}

static void
openapi_3_in_yaml_becomes_tables(void **state)
{
    Imported imported;

    (void) state;
    assert_int_equal(import(shop, "https://api.example/v1/", &imported, NULL), IDC_OK);
    assert_int_equal(imported.count, 3);
    assert_table(&imported, "customers",
                 " endpoint=/customers rows=/data limit_param=per_page page_size=200 "
                 "page_style=page page_param=page page_start=0 total=/meta/total"
                 "; id bigint param_in=ids"
                 "; created_at timestamp with time zone path=/createdAt param_ge=created_at_gte"
                 "; status text param=status; born date; key uuid; score numeric"
                 "; ratio double precision; level integer; is_active boolean path=/isActive"
                 "; tags jsonb; address jsonb; parent jsonb; loop jsonb");
    assert_table(&imported, "customers_by_id",
                 " endpoint=/customers/{id}"
                 "; id bigint; created_at timestamp with time zone path=/createdAt"
                 "; status text; born date; key uuid; score numeric; ratio double precision"
                 "; level integer; is_active boolean path=/isActive; tags jsonb; address jsonb"
                 "; parent jsonb; loop jsonb");
    assert_table(&imported, "customers_orders",
                 " endpoint=/customers/{customers_id}/orders rows=/items page_style=cursor "
                 "cursor_param=cursor cursor=/next_cursor"
                 "; customers_id bigint not null; id bigint; amount numeric"
                 "; currency text param=currency from_request=true");
    assert_string_equal(find_table(&imported, "customers")->comment, "All customers");
    assert_string_equal(find_table(&imported, "customers")->columns[2].comment, "what it is");
    idc_arena_free(imported.arena);
}

static void
swagger_2_in_json_becomes_tables(void **state)
{
    Imported imported;

    (void) state;
    assert_int_equal(import(petstore, "https://api.example", &imported, NULL), IDC_OK);
    assert_int_equal(imported.count, 2);
    assert_table(&imported, "pets",
                 " endpoint=/v2/pets limit_param=limit page_size=50 page_style=offset "
                 "offset_param=offset total_header=x-total-count"
                 "; name text; tag text param_in=tag in_style=repeat; photo bytea base64=true"
                 "; name_2 text path=/Name");
    assert_table(&imported, "names", " endpoint=/v2/names; value text path=$");
    idc_arena_free(imported.arena);
}

static void
what_is_imported_is_accepted(void **state)
{
    const char *const documents[] = { shop, petstore };

    (void) state;
    for (size_t d = 0; d < 2; d++) {
        Imported imported;

        assert_int_equal(import(documents[d], NULL, &imported, NULL), IDC_OK);
        for (size_t i = 0; i < imported.count; i++) {
            const IdcImportedTable *table = &imported.tables[i];

            assert_int_equal(idc_adapter_options_check(&idc_declaration_rest, IDC_OPTION_TABLE,
                                                       &table->options, NULL),
                             IDC_OK);
            for (size_t c = 0; c < table->column_count; c++)
                assert_int_equal(idc_adapter_options_check(&idc_declaration_rest, IDC_OPTION_COLUMN,
                                                           &table->columns[c].options, NULL),
                                 IDC_OK);
        }
        idc_arena_free(imported.arena);
    }
}

static void
other_documents_are_refused(void **state)
{
    static const char *const cases[][2] = {
        { "", "empty" },
        { "{}", "neither OpenAPI 3 nor Swagger 2" },
        { "{\"openapi\": \"4.0\"}", "neither OpenAPI 3" },
        { "{\"openapi\": \"3.0.0\",}", "no JSON" },
        { "openapi: 3.0.0\npaths: *x\n", "alias" },
        { "a: &a [1]\nb: *a\n", "alias" },
        { "--- 1\n--- 2\n", "more than one" },
        { "a: [", "neither JSON nor YAML" },
        { "? [a]\n: b\n", "key that is no text" },
        { "%YAML 1.2\n---\na: b\n", "directive" },
        { "a: \x01", "control" },
        { "a: \xFF", "UTF-8" },
        { "{\"a\": \"\\ud800\"}", "half a character" },
    };
    char deep[1000];

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Imported imported;
        IdcError err;

        idc_error_init(&err);
        assert_int_not_equal(import(cases[i][0], NULL, &imported, &err), IDC_OK);
        if (strstr(err.message, cases[i][1]) == NULL)
            fail_msg("%s: \"%s\" has no \"%s\"", cases[i][0], err.message, cases[i][1]);
        idc_arena_free(imported.arena);
    }
    for (int yaml = 0; yaml < 2; yaml++) {
        Imported imported;

        memset(deep, yaml ? '[' : ' ', sizeof deep);
        for (size_t i = 0; !yaml && i + 8 < sizeof deep / 2; i += 5)
            memcpy(deep + i, "{\"a\":", 5);
        deep[sizeof deep - 1] = '\0';
        assert_int_not_equal(import(deep, NULL, &imported, NULL), IDC_OK);
        idc_arena_free(imported.arena);
    }
}

static void
too_little_memory_is_an_error(void **state)
{
    const char *const documents[] = { shop, petstore };

    (void) state;
    for (size_t d = 0; d < 2; d++) {
        size_t limit = 8192;
        IdcStatus status;

        do {
            IdcArena *arena = idc_arena_new(limit);
            const IdcImportedTable *tables;
            const IdcNode *root;
            size_t count;

            status = idc_document_read(arena, documents[d], strlen(documents[d]), &root, NULL);
            if (status == IDC_OK)
                status = idc_openapi_tables(arena, root, NULL, &tables, &count, NULL);
            assert_true(status == IDC_OK || status == IDC_NO_MEMORY);
            idc_arena_free(arena);
            limit += 512;
        } while (status != IDC_OK);
        assert_true(limit > 16384);
    }
}

static void
names_are_made_valid(void **state)
{
    static const char *const cases[][2] = {
        { "createdAt", "created_at" },
        { "HTTPServer", "http_server" },
        { "a-b c", "a_b_c" },
        { "ID", "id" },
        { "userID", "user_id" },
        { "", "_" },
        { "$$", "_" },
        { "_links", "links" },
        { "x2Y", "x2_y" },
    };
    IdcArena *arena = idc_arena_new(0);
    char longest[200];

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(idc_openapi_name(arena, cases[i][0]), cases[i][1]);
    for (size_t i = 0; i + 1 < sizeof longest; i += 2)
        memcpy(longest + i, "\xC3\xA9", 2);
    longest[sizeof longest - 1] = '\0';
    longest[sizeof longest - 2] = '\0';
    assert_int_equal(strlen(idc_openapi_name(arena, longest)), 62);
    idc_arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openapi_3_in_yaml_becomes_tables),
        cmocka_unit_test(swagger_2_in_json_becomes_tables),
        cmocka_unit_test(what_is_imported_is_accepted),
        cmocka_unit_test(other_documents_are_refused),
        cmocka_unit_test(too_little_memory_is_an_error),
        cmocka_unit_test(names_are_made_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
