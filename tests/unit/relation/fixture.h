/*
 * fixture.h - two relations of sales and the columns of one, for each test anew.
 */
#ifndef TESTS_RELATION_FIXTURE_H
#define TESTS_RELATION_FIXTURE_H

#include "trees.h"

#include <stdlib.h>

typedef struct Fixture {
    IdcArena *arena;
    const IdcRelation *orders, *customers;
    const IdcExpr *id, *amount, *customer, *placed, *open;
} Fixture;

static int
set_up(void **state)
{
    Fixture *f = calloc(1, sizeof *f);

    f->arena = idc_arena_new(0);
    f->orders = tree_orders(f->arena);
    f->customers = tree_customers(f->arena);
    f->id = idc_expr_column(f->arena, f->orders, 0);
    f->amount = idc_expr_column(f->arena, f->orders, 1);
    f->customer = idc_expr_column(f->arena, f->orders, 2);
    f->placed = idc_expr_column(f->arena, f->orders, 3);
    f->open = idc_expr_column(f->arena, f->orders, 4);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *f = *state;

    idc_arena_free(f->arena);
    free(f);
    return 0;
}

#endif
