/*
 * schema.c - the JSON Schema of a configuration, for editors.
 */
#include "config/config.h"

const char *
idc_config_schema(void)
{
    return "{}";
}
