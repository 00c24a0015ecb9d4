/*
 * test_type.c - names of types, the columns that their values travel in, and what is a value.
 */
#include "trees.h"

static void
says_names_as_postgresql(void **state)
{
    /* Each is what format_type(oid, modifier) of PostgreSQL 15 returned. */
    static const struct {
        IdcType type;
        const char *name;
    } types[] = {
        { { 23, -1 }, "integer" },
        { { 1700, -1 }, "numeric" },
        { { 1700, 983046 }, "numeric(15,2)" },
        { { 1700, 329730 }, "numeric(5,-2)" },
        { { 1043, 14 }, "character varying(10)" },
        { { 1043, -1 }, "character varying" },
        { { 1042, 7 }, "character(3)" },
        { { 1042, -1 }, "bpchar" },
        { { 1114, 3 }, "timestamp(3) without time zone" },
        { { 1184, -1 }, "timestamp with time zone" },
        { { 1184, 0 }, "timestamp(0) with time zone" },
        { { 1083, 6 }, "time(6) without time zone" },
        { { 1266, 2 }, "time(2) with time zone" },
        { { 1186, -1 }, "interval" },
        { { 1186, 2147418115 }, "interval(3)" },
        { { 1186, 470351871 }, "interval day to second" },
        { { 1186, 470286338 }, "interval day to second(2)" },
        { { 1186, 458751 }, "interval year to month" },
        { { 1560, 5 }, "bit(5)" },
        { { 1007, -1 }, "integer[]" },
        { { 1231, 983046 }, "numeric(15,2)[]" },
        { { 1185, -1 }, "timestamp with time zone[]" },
        { { 3802, -1 }, "jsonb" },
        { { 18, -1 }, "\"char\"" },
        { { 0, -1 }, "other" },
        { { 4000000000u, -1 }, "other" },
    };
    IdcArena *arena = idc_arena_new(0);

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        assert_string_equal(idc_type_name(arena, types[i].type), types[i].name);
    idc_arena_free(arena);
    (void) state;
}

static void
says_columns(void **state)
{
    static const struct {
        IdcType type;
        IdcColumnKind kind;
        int precision, scale;
    } types[] = {
        { { 16, -1 }, IDC_KIND_BOOL, 0, 0 },
        { { 21, -1 }, IDC_KIND_INT16, 0, 0 },
        { { 23, -1 }, IDC_KIND_INT32, 0, 0 },
        { { 20, -1 }, IDC_KIND_INT64, 0, 0 },
        { { 26, -1 }, IDC_KIND_UINT32, 0, 0 },
        { { 700, -1 }, IDC_KIND_FLOAT32, 0, 0 },
        { { 701, -1 }, IDC_KIND_FLOAT64, 0, 0 },
        { { 1700, 983046 }, IDC_KIND_NUMERIC_DECIMAL, 15, 2 },
        { { 1700, (38 << 16 | 38) + 4 }, IDC_KIND_NUMERIC_DECIMAL, 38, 38 },
        { { 1700, (39 << 16 | 0) + 4 }, IDC_KIND_NUMERIC_STRING, 0, 0 },
        { { 1700, 329730 }, IDC_KIND_NUMERIC_STRING, 0, 0 },
        { { 1700, (2 << 16 | 3) + 4 }, IDC_KIND_NUMERIC_STRING, 0, 0 },
        { { 1700, -1 }, IDC_KIND_NUMERIC_STRING, 0, 0 },
        { { 1082, -1 }, IDC_KIND_DATE, 0, 0 },
        { { 1083, -1 }, IDC_KIND_TIME, 0, 0 },
        { { 1114, -1 }, IDC_KIND_TIMESTAMP, 0, 0 },
        { { 1184, -1 }, IDC_KIND_TIMESTAMPTZ, 0, 0 },
        { { 17, -1 }, IDC_KIND_BYTES, 0, 0 },
        { { 2950, -1 }, IDC_KIND_UUID, 0, 0 },
        { { 25, -1 }, IDC_KIND_TEXT, 0, 0 },
        { { 3802, -1 }, IDC_KIND_TEXT, 0, 0 },
        { { 1186, -1 }, IDC_KIND_TEXT, 0, 0 },
        { { 1266, -1 }, IDC_KIND_TEXT, 0, 0 },
        { { 1007, -1 }, IDC_KIND_TEXT, 0, 0 },
        { { 0, -1 }, IDC_KIND_TEXT, 0, 0 },
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        IdcColumnSpec spec = { .name = "mine", .precision = 99, .scale = 99 };

        idc_type_column(types[i].type, &spec);
        assert_int_equal(spec.kind, types[i].kind);
        assert_int_equal(spec.precision, types[i].precision);
        assert_int_equal(spec.scale, types[i].scale);
        assert_string_equal(spec.name, "mine");
        assert_non_null(spec.type_name);
    }
    (void) state;
}

/* A constant of the type with that text is accepted, or not. */
static bool
is_value(IdcArena *arena, uint32_t oid, const char *text)
{
    const IdcRelation *scan = idc_relation_scan(arena, "t", NULL, NULL, 0);
    const IdcExpr *expr = idc_expr_constant(arena, (IdcType){ oid, -1 }, text);

    return idc_relation_check(idc_relation_project(arena, scan, &expr, NULL, 1), NULL) == IDC_OK;
}

static void
knows_values(void **state)
{
    static const struct {
        uint32_t oid;
        const char *good[8], *bad[8];
    } types[] = {
        { IDC_TYPE_BOOL, { "t", "f" }, { "true", "", "1" } },
        { IDC_TYPE_INT2, { "0", "-32768", "32767" }, { "32768", "1.0", "", "1;drop" } },
        { IDC_TYPE_INT4, { "2147483647" }, { "2147483648", "0x10", " 1" } },
        { IDC_TYPE_INT8, { "-9223372036854775808" }, { "9223372036854775808", "1e3" } },
        { IDC_TYPE_OID, { "4294967295" }, { "-1", "4294967296" } },
        { IDC_TYPE_FLOAT8,
          { "1", "-1.5e-300", "NaN", "Infinity", "-Infinity", ".5", "1." },
          { "nan", "1e", "--1", "1 or 1=1", ".", "" } },
        { IDC_TYPE_NUMERIC, { "123456789012345678901234567890.5", "NaN" }, { "1,5", "1e5x" } },
        { IDC_TYPE_DATE, { "2024-01-01", "infinity", "0044-03-15 BC" }, { "now", "today", "" } },
        { IDC_TYPE_TIMESTAMPTZ,
          { "2024-01-01 00:00:00+00", "-infinity", "0044-03-15 00:00:00+00 BC" },
          { "2024-01-01'", "tomorrow", "BC", " BC" } },
        { IDC_TYPE_TIME, { "24:00:00", "12:00:00.000001" }, { "allballs" } },
        { IDC_TYPE_BYTEA, { "\\x", "\\x00ff" }, { "\\x0", "abc", "\\xzz", "" } },
        { IDC_TYPE_UUID,
          { "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11" },
          { "a0eebc999c0b4ef8bb6d6bb9bd380a11", "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "" } },
        { IDC_TYPE_TEXT, { "", "anything" }, { NULL } },
    };
    IdcArena *arena = idc_arena_new(0);

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (size_t j = 0; j < 8 && types[i].good[j] != NULL; j++)
            if (!is_value(arena, types[i].oid, types[i].good[j]))
                fail_msg("%u: %s", types[i].oid, types[i].good[j]);
        for (size_t j = 0; j < 8 && types[i].bad[j] != NULL; j++)
            if (is_value(arena, types[i].oid, types[i].bad[j]))
                fail_msg("%u: %s", types[i].oid, types[i].bad[j]);
    }
    idc_arena_free(arena);
    (void) state;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_names_as_postgresql),
        cmocka_unit_test(says_columns),
        cmocka_unit_test(knows_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
