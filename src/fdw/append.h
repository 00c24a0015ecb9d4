/*
 * append.h - how one value of PostgreSQL gets into a column: what columns.c plans. Private to
 * columns.c and append_*.c.
 *
 * In:   a Datum that is not NULL
 * Out:  one more value in an IdcColumn, or the reason why not (IdcDecoded)
 */
#ifndef IDC_FDW_APPEND_H
#define IDC_FDW_APPEND_H

#include "fdw/pg.h"

#include "arrow/builder.h"
#include "lib/stringinfo.h"
#include "utils/expandeddatum.h" /* brings varatt.h from PostgreSQL 16 on */

/* What the values of a row share. */
typedef struct FdwRow {
    MemoryContext scratch; /* for what PostgreSQL's functions return */
    bool needs_conversion; /* texts of this database are not UTF-8 */
    int64 bytes;           /* of the row so far that have no fixed width */
    MemoryContext context; /* of json */
    StringInfoData json;   /* one jsonb as text */
} FdwRow;

typedef struct FdwAppend FdwAppend;
typedef struct FdwEnum FdwEnum;

/* There is room for one more value in the column. Memory that is kept is of the current context. */
typedef IdcDecoded (*FdwAppendFunction)(FdwAppend *append, IdcColumn *column, Datum value);

struct FdwAppend {
    FdwAppendFunction function;
    FdwRow *row;
    FmgrInfo call;        /* an output function; of hstore the one that makes an array */
    FdwEnum *enumeration; /* of an enum */
    FdwAppend *element;   /* of an array, and how its elements are stored */
    int16 element_len;
    bool element_by_value;
    char element_align;
};

/* append_scalar.c: the function for values of this kind whose type has no other peculiarity. */
extern FdwAppendFunction fdw_append_function(IdcColumnKind kind);
extern IdcDecoded fdw_append_text(FdwAppend *append, IdcColumn *column, Datum value);
extern IdcDecoded fdw_append_name(FdwAppend *append, IdcColumn *column, Datum value);
extern IdcDecoded fdw_append_cstring(FdwAppend *append, IdcColumn *column, Datum value);
extern IdcDecoded fdw_append_char(FdwAppend *append, IdcColumn *column, Datum value);
extern IdcDecoded fdw_append_money(FdwAppend *append, IdcColumn *column, Datum value);
/* By append->call, an output function. */
extern IdcDecoded fdw_append_output(FdwAppend *append, IdcColumn *column, Datum value);

/* append_nested.c */
extern FdwEnum *fdw_enum_new(void);
extern IdcDecoded fdw_append_enum(FdwAppend *append, IdcColumn *column, Datum value);
extern IdcDecoded fdw_append_array(FdwAppend *append, IdcColumn *column, Datum value);
/* By append->call: hstore_to_array. */
extern IdcDecoded fdw_append_hstore(FdwAppend *append, IdcColumn *column, Datum value);

/* The same text as UTF-8; of this database's encoding to begin with. May be in the scratch. */
extern const char *fdw_row_utf8(FdwRow *row, const char *text, size_t *len);

/* The value without compression and TOAST, perhaps with a short header; perhaps in the scratch. */
extern struct varlena *fdw_detoast_slow(FdwRow *row, struct varlena *value);

static inline struct varlena *
fdw_detoast(FdwRow *row, Datum value)
{
    struct varlena *stored = (struct varlena *) DatumGetPointer(value);

    return unlikely(VARATT_IS_COMPRESSED(stored) || VARATT_IS_EXTERNAL(stored))
               ? fdw_detoast_slow(row, stored)
               : stored;
}

/* From here on PostgreSQL's functions may leave things behind. */
static inline MemoryContext
fdw_use_scratch(FdwRow *row)
{
    return MemoryContextSwitchTo(row->scratch);
}

static inline IdcDecoded
fdw_append_bytes(FdwRow *row, IdcColumn *column, const char *bytes, size_t len)
{
    size_t before = column->bytes_len;

    if (!idc_column_append_text(column, bytes, len, len))
        return IDC_DECODED_NO_MEMORY;
    row->bytes += (int64) (column->bytes_len - before);
    return IDC_DECODED;
}

static inline IdcDecoded
fdw_append_string(FdwRow *row, IdcColumn *column, const char *text, size_t len)
{
    if (unlikely(row->needs_conversion))
        text = fdw_row_utf8(row, text, &len);
    return fdw_append_bytes(row, column, text, len);
}

#endif
