/*
 * bind.c - values of a condition as parameters of a statement.
 */
#include "adapters/sqlite/work.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static IdcStatus
fail_list(IdcError *err)
{
    return idc_fail(err, IDC_BAD_VALUE, "a value of a list is not of its type");
}

/* The constants as a JSON array; NULLs are its nulls. */
static IdcStatus
list_text(IdcSqliteStatement *run, const IdcSqlBind *bind, IdcText *json, IdcError *err)
{
    IdcSqliteClass class = idc_sqlite_class(bind->type);

    idc_text_append_char(json, '[');
    for (size_t i = 0; i < bind->list_count; i++) {
        const char *text = bind->list[i]->text;
        int64_t number;

        if (i > 0)
            idc_text_append_char(json, ',');
        if (text != NULL && class == IDC_SQLITE_INTEGER && !idc_int64_parse(text, &number))
            return fail_list(err);
        if (text != NULL && class == IDC_SQLITE_DATE)
            text = idc_sqlite_day_bound(run->arena, text);
        if (text == NULL)
            idc_text_append(json, "null");
        else if (class == IDC_SQLITE_INTEGER)
            idc_text_append(json, text);
        else
            idc_text_append_json(json, text, strlen(text));
    }
    idc_text_append_char(json, ']');
    return idc_text_check(json, err);
}

static int
bind_text(const IdcSqliteStatement *run, int number, const char *text)
{
    return sqlite3_bind_text64(run->handle, number, text, strlen(text), SQLITE_TRANSIENT,
                               SQLITE_UTF8);
}

static IdcStatus
bind_list(IdcSqliteStatement *run, int number, const IdcSqlBind *bind, int *code, IdcError *err)
{
    IdcText json;
    IdcStatus status;

    idc_text_init(&json, 0);
    status = list_text(run, bind, &json, err);
    if (status == IDC_OK)
        *code = bind_text(run, number, json.data);
    idc_text_done(&json);
    return status;
}

/* bytea as the hub writes it: \x and two digits a byte. */
static int
bind_blob(IdcSqliteStatement *run, int number, const char *text)
{
    size_t len = strlen(text) >= 2 ? (strlen(text) - 2) / 2 : 0;
    unsigned char *bytes = idc_arena_alloc(run->arena, len + 1);

    if (bytes == NULL)
        return SQLITE_NOMEM;
    for (size_t i = 0; i < len; i++) {
        char digits[3] = { text[2 + 2 * i], text[3 + 2 * i], '\0' };

        bytes[i] = (unsigned char) strtoul(digits, NULL, 16);
    }
    return sqlite3_bind_blob64(run->handle, number, bytes, len, SQLITE_STATIC);
}

static int
bind_integer(const IdcSqliteStatement *run, int number, const char *text)
{
    int64_t value;

    if (!idc_int64_parse(text, &value))
        return SQLITE_MISMATCH;
    return sqlite3_bind_int64(run->handle, number, value);
}

/* NaN is above all numbers, and so is every text. */
static int
bind_real(const IdcSqliteStatement *run, int number, const char *text)
{
    if (strcasecmp(text, "NaN") == 0)
        return bind_text(run, number, text);
    return sqlite3_bind_double(run->handle, number, strtod(text, NULL));
}

IdcStatus
idc_sqlite_bind(IdcSqliteStatement *run, int number, const IdcSqlBind *bind, IdcError *err)
{
    const char *text = bind->text;
    int code = SQLITE_OK;
    IdcStatus status = IDC_OK;

    switch (idc_sqlite_class(bind->type)) {
    case IDC_SQLITE_BOOL:
        code = sqlite3_bind_int(run->handle, number, text[0] == 't');
        break;
    case IDC_SQLITE_INTEGER:
        if (bind->list != NULL)
            status = bind_list(run, number, bind, &code, err);
        else
            code = bind_integer(run, number, text);
        break;
    case IDC_SQLITE_REAL:
        code = bind_real(run, number, text);
        break;
    case IDC_SQLITE_BLOB:
        code = bind_blob(run, number, text);
        break;
    default:
        if (bind->list != NULL)
            status = bind_list(run, number, bind, &code, err);
        else if (bind->type.oid != IDC_TYPE_DATE)
            code = bind_text(run, number, text);
        else if ((text = idc_sqlite_day_bound(run->arena, text)) == NULL)
            code = SQLITE_NOMEM;
        else
            code = bind_text(run, number, text);
        break;
    }
    if (status == IDC_OK && code != SQLITE_OK)
        status = idc_sqlite_fail(run->database, code, run->sql, err);
    return status;
}
