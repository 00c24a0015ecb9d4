/*
 * test_csv_rows.c - CSV in pieces as rows.
 */
#include "rows_read.h"

static const IdcRowsColumn columns[] = { TYPED("id", IDC_TYPE_INT4), TYPED("name", IDC_TYPE_TEXT) };

static void
test_columns_are_found_by_the_header(void **state)
{
    IdcRowsOptions options = { .format = IDC_ROWS_CSV };
    static const IdcRowsColumn renamed[] = { AT_PATH("a", IDC_TYPE_TEXT, "last name"),
                                             TYPED("id", IDC_TYPE_INT4),
                                             AT_PATH("b", IDC_TYPE_TEXT, "last name") };

    (void) state;
    ASSERT_ROWS(&options, columns, "id,name\n1,a\n2,b\n", "1 | a\n2 | b\n", "");
    ASSERT_ROWS(&options, columns, "name,x,id\r\na,,1\r\n,y,\r\n", "1 | a\nNULL | NULL\n", "");
    ASSERT_ROWS(&options, columns, "\357\273\277id,name\n1,a", "1 | a\n", "");
    ASSERT_ROWS(&options, renamed, "id,\"last name\"\n1,x\n", "x | 1 | x\n", "");
    ASSERT_ROWS(&options, columns, "id,name\n", "", "");
    ASSERT_ROWS(&options, columns, "", "", "");
    ASSERT_ERROR(&options, columns, "id,nam\n1,a\n", "line 1: the header has no \"name\"");
    ASSERT_ERROR(&options, columns, "id,name,id\n1,a,2\n", "the header has \"id\" twice");
}

static void
test_columns_are_found_by_position(void **state)
{
    IdcRowsOptions options = { .format = IDC_ROWS_CSV, .csv.no_header = true };
    static const IdcRowsColumn placed[] = { AT_PATH("c", IDC_TYPE_TEXT, "3"),
                                            AT_PATH("a", IDC_TYPE_INT4, "1") };
    static const IdcRowsColumn wrong[] = { AT_PATH("c", IDC_TYPE_TEXT, "0") };

    (void) state;
    ASSERT_ROWS(&options, columns, "1,a\n2,b\n", "1 | a\n2 | b\n", "");
    ASSERT_ROWS(&options, placed, "1,a,x\n2,b,y\n", "x | 1\ny | 2\n", "");
    ASSERT_ERROR(&options, placed, "1,a\n", "line 1: there is no field 3 for column \"c\"");
    ASSERT_ERROR(&options, wrong, "1", "is no position");
}

static void
test_fields_may_be_quoted(void **state)
{
    IdcRowsOptions options = { .format = IDC_ROWS_CSV };

    (void) state;
    ASSERT_ROWS(&options, columns,
                "\"id\",name\n\"1\",\"a, \"\"b\"\"\r\nc\"\n2,\"\"\n3,\n\n\"4\",\" x \"\n",
                "1 | a, \"b\"\r\nc\n2 | \n3 | NULL\n4 |  x \n", "");
    ASSERT_ERROR(&options, columns, "id,name\n1,\"a\nb", "line 2: the quoted field of a record");
    ASSERT_ERROR(&options, columns, "id,name\n1,\"a\"b\n", "something follows the closing quote");
    ASSERT_ERROR(&options, columns, "id,name\n1,a\"b\n", "a quote stands inside a field");
    ASSERT_ERROR(&options, columns, "id,name\n1,a\rb\n", "a carriage return");
}

static void
test_the_dialect_is_chosen(void **state)
{
    IdcRowsOptions options = { .format = IDC_ROWS_CSV,
                               .csv = { .delimiter = '\t', .quote = '\'', .null_text = "\\N" } };

    (void) state;
    ASSERT_ROWS(&options, columns, "id\tname\n1\t'a''\tb'\n2\t\n\\N\t\\N\n3\t'\\N'\n",
                "1 | a'\tb\n2 | \nNULL | NULL\n3 | \\N\n", "");
    options.csv.quote = '\t';
    ASSERT_ERROR(&options, columns, "1", "two different ASCII characters");
}

static void
test_records_have_one_width(void **state)
{
    IdcRowsOptions options = { .format = IDC_ROWS_CSV };

    (void) state;
    ASSERT_ERROR(&options, columns, "id,name\n1,a\n2,b,c\n",
                 "line 3: 3 fields where the first record has 2");
    ASSERT_ERROR(&options, columns, "id,name\n1\n", "line 2: 1 fields where");
}

static void
test_errors_name_line_row_and_column(void **state)
{
    IdcRowsOptions options = { .format = IDC_ROWS_CSV };

    (void) state;
    ASSERT_ERROR(&options, columns, "id,name\n1,\"a\nb\"\nx,c\n",
                 "line 4: row 2, column \"id\": the value does not fit type integer: it is not a "
                 "whole number");
    ASSERT_ERROR(&options, columns, "id,name\n1,\xff\n", "it is not UTF-8");
    options.on_error_null = true;
    ASSERT_ROWS(&options, columns, "id,name\nx,\xff\n1,a\n", "NULL | NULL\n1 | a\n", "");
}

static void
test_a_record_is_bounded(void **state)
{
    IdcRowsOptions options = { .format = IDC_ROWS_CSV, .max_row_bytes = 8 };

    (void) state;
    ASSERT_ROWS(&options, columns, "id,name\n1,abcdefg\n", "1 | abcdefg\n", "");
    ASSERT_ERROR(&options, columns, "id,name\n1,abcdefgh\n", "line 2: a record is too large");
    ASSERT_ERROR(&options, columns, "id,name\n1,\"abcdefgh", "line 2: a record is too large");
}

static void
test_a_nul_is_no_text(void **state)
{
    IdcRowsOptions options = { .format = IDC_ROWS_CSV };
    static const char body[] = "id,name\n1,a\0b\n";

    (void) state;
    assert_body(&options, columns, 2, body, sizeof body - 1, NULL, NULL, "it holds a NUL");
}

static void
test_a_limit_ends_the_reading(void **state)
{
    IdcRowsOptions options = { .format = IDC_ROWS_CSV, .row_limit = 1 };

    (void) state;
    ASSERT_ROWS(&options, columns, "id,name\n1,a\n2,\"not", "1 | a\n", "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_found_by_the_header),
        cmocka_unit_test(test_columns_are_found_by_position),
        cmocka_unit_test(test_fields_may_be_quoted),
        cmocka_unit_test(test_the_dialect_is_chosen),
        cmocka_unit_test(test_records_have_one_width),
        cmocka_unit_test(test_errors_name_line_row_and_column),
        cmocka_unit_test(test_a_record_is_bounded),
        cmocka_unit_test(test_a_nul_is_no_text),
        cmocka_unit_test(test_a_limit_ends_the_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
