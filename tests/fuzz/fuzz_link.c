/*
 * fuzz_link.c - the header Link as a server may send it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/rest/work.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *value = malloc(size + 1);
    IdcText target;

    if (value == NULL)
        return 0;
    memcpy(value, data, size);
    value[size] = '\0';
    idc_text_init(&target, 0);
    /* What is found stands in the header between < and >. */
    if (idc_rest_link_next(value, &target) == IDC_REST_LINK_FOUND) {
        if (strstr(value, idc_text_string(&target)) == NULL ||
            strpbrk(idc_text_string(&target), "<>\" \t") != NULL)
            abort();
    } else if (target.len > 0) {
        abort();
    }
    idc_text_done(&target);
    free(value);
    return 0;
}
