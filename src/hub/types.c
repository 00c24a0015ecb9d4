/* types.c - placeholder body */
#include "hub/types.h"
#include <stdlib.h>
struct IdcTypeCache { int x; };
IdcTypeCache *idc_type_cache_new(void) { return calloc(1, sizeof(IdcTypeCache)); }
void idc_type_cache_free(IdcTypeCache *cache) { free(cache); }
