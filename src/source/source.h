/*
 * source.h - the program instant-source, in parts.
 */
#ifndef IDC_SOURCE_SOURCE_H
#define IDC_SOURCE_SOURCE_H

#include "adapters/adapter.h"

#endif
