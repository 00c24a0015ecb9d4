/*
 * options.c - reading the jsonb object that instant.arrow_with is given.
 *
 * One table says which keys there are and what they take; docs/reference/extension.md says it to
 * the user.
 */
#include "fdw/options.h"

#include <limits.h>

#include <utils/builtins.h>
#include <utils/numeric.h>

/* A bytea ends at 1 GB, and a batch is a little larger than its limit. */
#define MAX_BATCH_BYTES (512 * INT64CONST(1024) * 1024)

enum { MAX_WORDS = 3 };

/* Either one of the words (the result is which one), or a number from 1 to max. */
typedef struct Option {
    const char *key;
    const char *words[MAX_WORDS];
    int64 max;
    int64 fallback;
} Option;

typedef enum OptionKey {
    NUMERIC,
    TEXT_TYPE,
    DICTIONARY,
    COMPRESSION,
    UNREPRESENTABLE,
    BATCH_ROWS,
    BATCH_BYTES,
    FIRST_BATCH_ROWS,
    OPTION_COUNT
} OptionKey;

static const Option known[OPTION_COUNT] = {
    [NUMERIC] = { .key = "numeric",
                  .words = { "float64", "decimal", "string" },
                  .fallback = FDW_NUMERIC_DECIMAL },
    [TEXT_TYPE] = { .key = "text", .words = { "large_utf8", "utf8" } },
    [DICTIONARY] = { .key = "dictionary", .words = { "off", "auto" } },
    [COMPRESSION] = { .key = "compression", .words = { "none", "lz4", "zstd" } },
    [UNREPRESENTABLE] = { .key = "unrepresentable", .words = { "null", "error" } },
    [BATCH_ROWS] = { .key = "batch_rows", .max = INT_MAX, .fallback = 65536 },
    [BATCH_BYTES] = { .key = "batch_bytes", .max = MAX_BATCH_BYTES, .fallback = 16777216 },
    [FIRST_BATCH_ROWS] = { .key = "first_batch_rows", .max = INT_MAX, .fallback = INT_MAX },
};

static void
refuse_key(const JsonbValue *key)
{
    StringInfoData list;

    initStringInfo(&list);
    for (int i = 0; i < OPTION_COUNT; i++)
        appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", known[i].key);
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("unknown option \"%.*s\"", Min(key->val.string.len, NAMEDATALEN),
                           key->val.string.val),
                    errhint("Options are: %s.", list.data)));
}

static int64
read_word(const Option *option, const JsonbValue *value)
{
    StringInfoData list;

    initStringInfo(&list);
    for (int i = 0; i < MAX_WORDS && option->words[i] != NULL; i++) {
        const char *word = option->words[i];

        if (value->type == jbvString && (size_t) value->val.string.len == strlen(word) &&
            memcmp(value->val.string.val, word, strlen(word)) == 0)
            return i;
        appendStringInfo(&list, "%s\"%s\"", i > 0 ? ", " : "", word);
    }
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("option \"%s\" has a value that it does not take", option->key),
                    errhint("It takes one of %s.", list.data)));
}

static int64
read_number(const Option *option, const JsonbValue *value)
{
    int64 number = 0;

    if (value->type == jbvNumeric) {
        Datum numeric = NumericGetDatum(value->val.numeric);
        Datum low = DirectFunctionCall1(int8_numeric, Int64GetDatum(1));
        Datum high = DirectFunctionCall1(int8_numeric, Int64GetDatum(option->max));
        Datum whole = DirectFunctionCall2(numeric_trunc, numeric, Int32GetDatum(0));

        if (DatumGetBool(DirectFunctionCall2(numeric_ge, numeric, low)) &&
            DatumGetBool(DirectFunctionCall2(numeric_le, numeric, high)) &&
            DatumGetBool(DirectFunctionCall2(numeric_eq, numeric, whole)))
            number = DatumGetInt64(DirectFunctionCall1(numeric_int8, numeric));
    }
    if (number == 0)
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                 errmsg("option \"%s\" has a value that it does not take", option->key),
                 errhint("It takes a whole number from 1 to %lld.", (long long) option->max)));
    return number;
}

static void
read_pair(const JsonbValue *key, const JsonbValue *value, int64 *values)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const Option *option = &known[i];

        if ((size_t) key->val.string.len != strlen(option->key) ||
            memcmp(key->val.string.val, option->key, strlen(option->key)) != 0)
            continue;
        values[i] =
            option->words[0] != NULL ? read_word(option, value) : read_number(option, value);
        return;
    }
    refuse_key(key);
}

static void
read_object(Jsonb *json, int64 *values)
{
    JsonbIterator *iterator = JsonbIteratorInit(&json->root);
    JsonbIteratorToken token;
    JsonbValue key, value;

    if (!JB_ROOT_IS_OBJECT(json))
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("options are not a JSON object"),
                 errhint("Such as {\"numeric\": \"float64\", \"batch_rows\": 10000}.")));
    (void) JsonbIteratorNext(&iterator, &key, false);
    while ((token = JsonbIteratorNext(&iterator, &key, false)) == WJB_KEY) {
        /* Nested containers come as one jbvBinary, which no option takes. */
        (void) JsonbIteratorNext(&iterator, &value, true);
        read_pair(&key, &value, values);
    }
}

void
fdw_options_read(Jsonb *json, FdwOptions *options)
{
    int64 values[OPTION_COUNT];

    for (int i = 0; i < OPTION_COUNT; i++)
        values[i] = known[i].fallback;
    if (json != NULL)
        read_object(json, values);
    options->numeric = (FdwNumeric) values[NUMERIC];
    options->compression = (IdcIpcCompression) values[COMPRESSION];
    options->small_offsets = values[TEXT_TYPE] == 1;
    options->can_be_dictionary = values[DICTIONARY] == 1;
    options->fail_unrepresentable = values[UNREPRESENTABLE] == 1;
    options->batch_rows = values[BATCH_ROWS];
    options->batch_bytes = values[BATCH_BYTES];
    options->first_batch_rows = Min(values[FIRST_BATCH_ROWS], options->batch_rows);
    if (!idc_ipc_can_compress(options->compression))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot compress with \"%s\": the extension was built without it",
                               known[COMPRESSION].words[options->compression])));
}
