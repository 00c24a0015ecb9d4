/*
 * test_explain.c - what sources run, read from plans that PostgreSQL 15 printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "query/query.h"

static IdcRemotePiece *pieces;
static size_t piece_count;

static void
read_plan(IdcArena *arena, const char *const *lines, size_t count)
{
    IdcError err;

    pieces = NULL;
    piece_count = 99;
    assert_int_equal(idc_explain_pieces(arena, lines, count, &pieces, &piece_count, &err), IDC_OK);
}

#define READ_PLAN(arena, lines) read_plan(arena, lines, sizeof(lines) / sizeof *(lines))

static int
arena_open(void **state)
{
    *state = idc_arena_new(0);
    return *state != NULL ? 0 : -1;
}

static int
arena_close(void **state)
{
    idc_arena_free(*state);
    return 0;
}

static void
a_join_across_two_sources(void **state)
{
    static const char *const lines[] = {
        "Hash Join  (cost=100.00..200.00 rows=10 width=8) (actual time=1.0..2.0 rows=3 loops=1)",
        "  Output: f.id, a.name",
        "  Hash Cond: (f.carrier = a.carrier)",
        "  ->  Foreign Scan on flights.flights f  (cost=100.00..150.00 rows=10 width=8)",
        "        Output: f.id, f.carrier",
        "        Filter: (length(f.tailnum) > 3)",
        "        Rows Removed by Filter: 7",
        "        Remote SQL: SELECT id, carrier FROM public.flights WHERE ((month = 1))",
        "  ->  Hash  (cost=5.00..5.00 rows=16 width=8)",
        "        Output: a.name, a.carrier",
        "        ->  Foreign Scan on carriers.airlines a  (cost=25.00..1025.00 rows=1000 width=8)",
        "              Output: a.name, a.carrier",
        "              Local server startup cost: 10",
        "              Remote query: SELECT `carrier`, `name` FROM `fleet`.`airlines`",
        "Planning Time: 0.1 ms",
        "Execution Time: 0.2 ms",
    };

    READ_PLAN(*state, lines);
    assert_int_equal(piece_count, 2);
    assert_string_equal(pieces[0].relation, "flights.flights f");
    assert_string_equal(pieces[0].remote_sql,
                        "SELECT id, carrier FROM public.flights WHERE ((month = 1))");
    assert_string_equal(pieces[0].local_filter, "(length(f.tailnum) > 3)");
    assert_null(pieces[0].server);
    assert_string_equal(pieces[1].relation, "carriers.airlines a");
    assert_string_equal(pieces[1].remote_sql, "SELECT `carrier`, `name` FROM `fleet`.`airlines`");
    assert_null(pieces[1].local_filter);
}

static void
a_join_that_the_source_does(void **state)
{
    static const char *const lines[] = {
        "Foreign Scan  (cost=100.00..120.00 rows=5 width=40)",
        "  Output: a.x, (count(*))",
        "  Relations: Aggregate on ((public.a) INNER JOIN (public.b))",
        "  Remote SQL: SELECT r1.x, count(*) FROM (public.a r1 INNER JOIN public.b r2 ON (TRUE)) "
        "GROUP BY 1",
    };

    READ_PLAN(*state, lines);
    assert_int_equal(piece_count, 1);
    assert_string_equal(pieces[0].relation, "Aggregate on ((public.a) INNER JOIN (public.b))");
    assert_non_null(strstr(pieces[0].remote_sql, "GROUP BY 1"));
}

static void
a_constant_with_a_line_break(void **state)
{
    static const char *const lines[] = {
        "Append  (cost=0.00..1.00 rows=1 width=4)",
        "  ->  Async Foreign Scan on s.t t_1  (cost=0.00..1.00 rows=1 width=4)",
        "        Output: t_1.x",
        "        Remote SQL: SELECT x FROM t WHERE ((y = 'a",
        "b",
        "  c'))",
        "  ->  Async Foreign Scan on \"odd on name\".t2  (cost=0.00..1.00 rows=1 width=4)",
        "        Remote SQL: SELECT 2",
        "Planning Time: 1 ms",
        "Query Identifier: 5",
    };

    READ_PLAN(*state, lines);
    assert_int_equal(piece_count, 2);
    assert_string_equal(pieces[0].remote_sql, "SELECT x FROM t WHERE ((y = 'a\nb\n  c'))");
    assert_string_equal(pieces[0].relation, "s.t t_1");
    assert_string_equal(pieces[1].relation, "\"odd on name\".t2");
    assert_string_equal(pieces[1].remote_sql, "SELECT 2");
}

static void
writes_and_sub_plans(void **state)
{
    static const char *const lines[] = {
        "Update on public.ft  (cost=0.00..1.00 rows=0 width=0)",
        "  Remote SQL: UPDATE public.t SET a = $2 WHERE ctid = $1",
        "  InitPlan 1 (returns $0)",
        "    ->  Foreign Scan on public.other  (cost=0.00..1.00 rows=1 width=4)",
        "          Remote SQL: SELECT NULL FROM other",
        "  ->  Foreign Update on public.ft",
        "        Remote SQL: UPDATE public.t SET a = 1",
    };

    READ_PLAN(*state, lines);
    assert_int_equal(piece_count, 3);
    assert_string_equal(pieces[0].remote_sql, "UPDATE public.t SET a = $2 WHERE ctid = $1");
    assert_string_equal(pieces[1].relation, "public.other");
    assert_string_equal(pieces[2].relation, "public.ft");
}

static void
plans_without_sources(void **state)
{
    static const char *const lines[] = {
        "Seq Scan on public.t  (cost=0.00..1.00 rows=1 width=4)",
        "  Output: x",
        "  Filter: (t.x > 1)",
        "",
    };
    static const char *const odd[] = { "", "->", "  ->  ", "Remote SQL: x", "  ->  Foreign Scan" };

    READ_PLAN(*state, lines);
    assert_int_equal(piece_count, 0);
    read_plan(*state, NULL, 0);
    assert_int_equal(piece_count, 0);
    READ_PLAN(*state, odd);
    assert_int_equal(piece_count, 2);
}

static void
many_pieces(void **state)
{
    const char *lines[41] = { "Append" };

    for (size_t i = 1; i < 41; i += 2) {
        lines[i] = "  ->  Foreign Scan on a.b";
        lines[i + 1] = "        Remote SQL: SELECT 1";
    }
    READ_PLAN(*state, lines);
    assert_int_equal(piece_count, 20);
    for (size_t i = 0; i < piece_count; i++)
        assert_string_equal(pieces[i].remote_sql, "SELECT 1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_join_across_two_sources, arena_open, arena_close),
        cmocka_unit_test_setup_teardown(a_join_that_the_source_does, arena_open, arena_close),
        cmocka_unit_test_setup_teardown(a_constant_with_a_line_break, arena_open, arena_close),
        cmocka_unit_test_setup_teardown(writes_and_sub_plans, arena_open, arena_close),
        cmocka_unit_test_setup_teardown(plans_without_sources, arena_open, arena_close),
        cmocka_unit_test_setup_teardown(many_pieces, arena_open, arena_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
