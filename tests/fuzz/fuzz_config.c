/*
 * fuzz_config.c - any bytes as a configuration: an error or a model, never a crash.
 *
 * What follows a form feed is the value of every variable that does not begin with N.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
fuzz_environment(void *host, const char *name)
{
    return name[0] == 'N' ? NULL : host;
}

/* What setup relies on: names that fit, and strings wherever there must be one. */
static void
check_table(const IdcConfigTable *table)
{
    assert(table->name != NULL && table->name[0] != '\0' && strlen(table->name) <= 63);
    assert(table->schema != NULL && table->remote_name != NULL);
    for (size_t i = 0; i < table->column_count; i++)
        assert(table->columns[i].name != NULL && table->columns[i].type != NULL);
    for (size_t i = 0; i < table->options.count; i++)
        assert(table->options.items[i].name != NULL && table->options.items[i].value != NULL);
}

static void
check_config(const IdcConfig *config)
{
    for (size_t i = 0; i < config->source_count; i++) {
        const IdcConfigSource *source = &config->sources[i];

        assert(source->name != NULL && source->server_name != NULL && source->schema != NULL);
        assert(source->wrapper != NULL || !source->is_enabled);
        for (size_t k = 0; k < source->table_count; k++)
            check_table(&source->tables[k]);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    IdcConfigInput input = { .environment = fuzz_environment };
    IdcConfig *config = NULL;
    IdcText report;
    IdcStatus status;
    char *text = malloc(size + 1);
    char *value;

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    value = memchr(text, '\f', size);
    if (value != NULL)
        *value++ = '\0';
    input.text = text;
    input.environment_host = value != NULL ? value : "value";
    idc_text_init(&report, 0);
    status = idc_config_load(&input, &config, &report, NULL);
    assert((status == IDC_OK) == (config != NULL));
    assert((status == IDC_OK) == (report.len == 0));
    if (config != NULL)
        check_config(config);
    idc_config_free(config);
    idc_text_done(&report);
    free(text);
    return 0;
}
