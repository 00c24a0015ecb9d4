/*
 * append_nested.c - enums, arrays and hstore: values that refer to others or hold them.
 *
 * In:   a Datum
 * Out:  a number of a dictionary, or a list or map whose members are in the column's children
 */
#include "fdw/append.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "arrow/decode.h"
#include "catalog/pg_enum.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/syscache.h"

/* ---- enums ---- */

typedef struct EnumSlot {
    Oid label; /* of pg_enum, or InvalidOid */
    int32 number;
} EnumSlot;

/* Numbers of labels that were met, by OID: open addressing, slot_count is a power of two. */
struct FdwEnum {
    const IdcDictionary *dictionary; /* whose numbers these are */
    EnumSlot *slots;
    uint32 slot_count, count;
    EnumSlot last;
};

#define FIRST_SLOTS 64

FdwEnum *
fdw_enum_new(void)
{
    FdwEnum *enumeration = palloc0(sizeof *enumeration);

    enumeration->slot_count = FIRST_SLOTS;
    enumeration->slots = palloc0(FIRST_SLOTS * sizeof *enumeration->slots);
    return enumeration;
}

/* The slot of the label, or the free one where it belongs. */
static EnumSlot *
enum_slot(const FdwEnum *enumeration, Oid label)
{
    uint32 at = (label * 0x9E3779B1u) >> 8;

    for (;; at++) {
        EnumSlot *slot = &enumeration->slots[at & (enumeration->slot_count - 1)];

        if (slot->label == label || slot->label == InvalidOid)
            return slot;
    }
}

static void
enum_grow(FdwEnum *enumeration)
{
    EnumSlot *slots = enumeration->slots;
    uint32 slot_count = enumeration->slot_count;

    enumeration->slot_count *= 4;
    enumeration->slots = palloc0(enumeration->slot_count * sizeof *slots);
    for (uint32 i = 0; i < slot_count; i++)
        if (slots[i].label != InvalidOid)
            *enum_slot(enumeration, slots[i].label) = slots[i];
    pfree(slots);
}

/* A label that was not met so far: perhaps added since the columns were planned. */
static IdcDecoded
enum_learn(FdwAppend *append, IdcColumn *column, Oid label, int32 *number)
{
    FdwEnum *enumeration = append->enumeration;
    HeapTuple tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(label));
    NameData name;
    const char *text = NameStr(name);
    size_t len;
    IdcDecoded decoded;

    if (!HeapTupleIsValid(tuple))
        ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
                        errmsg("invalid internal value for enum: %u", label)));
    name = ((Form_pg_enum) GETSTRUCT(tuple))->enumlabel;
    ReleaseSysCache(tuple);
    len = strlen(text);
    if (append->row->needs_conversion)
        text = fdw_row_utf8(append->row, text, &len);
    decoded = idc_dictionary_find(column->dictionary, text, len, number);
    if (decoded != IDC_DECODED)
        return decoded;
    if (++enumeration->count > enumeration->slot_count / 2)
        enum_grow(enumeration);
    *enum_slot(enumeration, label) = (EnumSlot){ .label = label, .number = *number };
    return IDC_DECODED;
}

IdcDecoded
fdw_append_enum(FdwAppend *append, IdcColumn *column, Datum value)
{
    FdwEnum *enumeration = append->enumeration;
    Oid label = DatumGetObjectId(value);

    if (unlikely(enumeration->dictionary != column->dictionary)) {
        memset(enumeration->slots, 0, enumeration->slot_count * sizeof *enumeration->slots);
        enumeration->count = 0;
        enumeration->last.label = InvalidOid;
        enumeration->dictionary = column->dictionary;
    }
    if (label != enumeration->last.label || label == InvalidOid) {
        EnumSlot *slot = enum_slot(enumeration, label);
        EnumSlot found = { .label = label, .number = slot->number };

        if (slot->label != label || label == InvalidOid) {
            IdcDecoded decoded = enum_learn(append, column, label, &found.number);

            if (decoded != IDC_DECODED)
                return decoded;
        }
        enumeration->last = found;
    }
    ((int32 *) column->values)[column->length++] = enumeration->last.number;
    return IDC_DECODED;
}

/* ---- arrays ---- */

/* About what an element takes in a batch, without the bytes of texts. */
static int64
fixed_bytes(const IdcColumn *items)
{
    return items->offsets != NULL ? (int64) sizeof(int64) : (int64) items->width + 1;
}

static IdcDecoded
append_elements(FdwAppend *append, IdcColumn *items, const ArrayType *array, int64 count)
{
    FdwAppend *element = append->element;
    const char *next = ARR_DATA_PTR(array);
    const bits8 *nulls = ARR_NULLBITMAP(array);

    append->row->bytes += count * fixed_bytes(items);
    for (int64 i = 0; i < count; i++) {
        IdcDecoded decoded = IDC_DECODED;
        bool is_null = nulls != NULL && (nulls[i / 8] & (1 << (i % 8))) == 0;

        if (!is_null) {
            Datum value = fetch_att(next, append->element_by_value, append->element_len);

            next = att_addlength_pointer(next, append->element_len, next);
            next = (const char *) att_align_nominal(next, append->element_align);
            decoded = element->function(element, items, value);
        }
        if (is_null || decoded != IDC_DECODED)
            decoded = idc_column_append_other(items, decoded);
        if (decoded != IDC_DECODED)
            return decoded;
        if (i % 1024 == 1023)
            CHECK_FOR_INTERRUPTS();
    }
    return IDC_DECODED;
}

IdcDecoded
fdw_append_array(FdwAppend *append, IdcColumn *column, Datum value)
{
    MemoryContext before = fdw_use_scratch(append->row);
    ArrayType *array = DatumGetArrayTypeP(value);
    int dimensions = ARR_NDIM(array);
    int64 count = ArrayGetNItems(dimensions, ARR_DIMS(array));
    int32_t sizes[MAXDIM] = { 0 };
    IdcColumn *items;
    IdcDecoded decoded;

    MemoryContextSwitchTo(before);
    for (int i = 0; i < dimensions; i++)
        sizes[i] = ARR_DIMS(array)[i];
    decoded = idc_column_begin_lists(column, dimensions, sizes, &items);
    return decoded == IDC_DECODED && items != NULL ? append_elements(append, items, array, count)
                                                   : decoded;
}

/* ---- hstore ---- */

/* Of a text array without dimensions above one: the text, or false where it is NULL. */
typedef struct Texts {
    const char *next;
    const bits8 *nulls;
    int64 position;
} Texts;

static const struct varlena *
next_text(Texts *texts)
{
    int64 i = texts->position++;
    const struct varlena *text = (const struct varlena *) texts->next;

    if (texts->nulls != NULL && (texts->nulls[i / 8] & (1 << (i % 8))) == 0)
        return NULL;
    texts->next = (const char *) att_align_nominal(texts->next + VARSIZE_ANY(text), TYPALIGN_INT);
    return text;
}

/*
 * Keys and values by hstore_to_array, in turn. hstore_send has the same, but in the encoding of the
 * client, which need not be able to hold them.
 */
IdcDecoded
fdw_append_hstore(FdwAppend *append, IdcColumn *column, Datum value)
{
    MemoryContext before = fdw_use_scratch(append->row);
    ArrayType *array = DatumGetArrayTypeP(FunctionCall1(&append->call, value));
    int64 count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) / 2;
    Texts texts = { .next = ARR_DATA_PTR(array), .nulls = ARR_NULLBITMAP(array) };
    IdcColumn *keys = column->children[0], *values = column->children[1];

    MemoryContextSwitchTo(before);
    if (keys->length > INT32_MAX - count)
        return IDC_DECODED_TOO_MANY;
    if (!idc_column_reserve(keys, count) || !idc_column_reserve(values, count))
        return IDC_DECODED_NO_MEMORY;
    append->row->bytes += count * 2 * (int64) sizeof(int64);
    for (int64 i = 0; i < 2 * count; i++) {
        const struct varlena *text = next_text(&texts);
        IdcColumn *into = i % 2 == 0 ? keys : values;
        IdcDecoded decoded = text != NULL ? fdw_append_string(append->row, into, VARDATA_ANY(text),
                                                              VARSIZE_ANY_EXHDR(text))
                                          : idc_column_append_other(into, IDC_DECODED);

        if (decoded != IDC_DECODED)
            return decoded;
    }
    column->offsets[column->length + 1] = column->offsets[column->length] + count;
    column->length++;
    return IDC_DECODED;
}
