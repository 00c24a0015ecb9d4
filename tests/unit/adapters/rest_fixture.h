/*
 * rest_fixture.h - the arena and the server of a test. Before it: REST_BASE_URL.
 */
#ifndef TEST_REST_FIXTURE_H
#define TEST_REST_FIXTURE_H

#include "rest_relation.h"

static IdcArena *arena;
static IdcOptionSet server;

static int
set_up(void **state)
{
    (void) state;
    arena = idc_arena_new(0);
    server = options_of(arena, "base_url=" REST_BASE_URL);
    return arena == NULL;
}

static int
tear_down(void **state)
{
    (void) state;
    idc_arena_free(arena);
    return 0;
}

#endif
