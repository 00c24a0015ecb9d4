/*
 * abi.h - the Arrow C data and stream interfaces, from nanoarrow's header (which carries the
 * specification's own definitions).
 */
#ifndef IDC_ARROW_ABI_H
#define IDC_ARROW_ABI_H

#include "nanoarrow.h"

#endif
