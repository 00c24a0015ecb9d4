/*
 * loop.c - to be written.
 */
#include "source/source.h"
