/*
 * type.c - to be written.
 */
#include "relation/relation.h"
