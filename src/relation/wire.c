/*
 * wire.c - the bounded reader and its writer.
 */
#include "relation/wire.h"

#include <string.h>

void
idc_wire_init(IdcWire *wire, IdcArena *arena, const void *bytes, size_t len, IdcError *err)
{
    *wire = (IdcWire){ .arena = arena, .bytes = bytes, .len = len, .err = err };
}

void
idc_wire_fail(IdcWire *wire, const char *what)
{
    if (wire->status == IDC_OK)
        wire->status = idc_fail(wire->err, IDC_SOURCE_FAILED, "%s at byte %zu of %zu", what,
                                wire->at, wire->len);
}

IdcStatus
idc_wire_finish(IdcWire *wire, const char *what)
{
    if (wire->status == IDC_OK && wire->at != wire->len)
        idc_wire_fail(wire, "there is more than that");
    if (wire->status == IDC_OK)
        return IDC_OK;
    (void) idc_add_context(wire->err, "cannot read a %s", what);
    return wire->status;
}

/* The next len bytes, or NULL. */
static const uint8_t *
wire_take(IdcWire *wire, size_t len)
{
    const uint8_t *taken;

    if (wire->status != IDC_OK)
        return NULL;
    if (len > wire->len - wire->at) {
        idc_wire_fail(wire, "bytes are missing");
        return NULL;
    }
    taken = wire->bytes + wire->at;
    wire->at += len;
    return taken;
}

static uint64_t
wire_get_number(IdcWire *wire, size_t size)
{
    const uint8_t *bytes = wire_take(wire, size);
    uint64_t value = 0;

    for (size_t i = size; bytes != NULL && i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

uint8_t
idc_wire_get_u8(IdcWire *wire)
{
    return (uint8_t) wire_get_number(wire, 1);
}

uint32_t
idc_wire_get_u32(IdcWire *wire)
{
    return (uint32_t) wire_get_number(wire, 4);
}

int64_t
idc_wire_get_int64(IdcWire *wire, int64_t least)
{
    int64_t value = (int64_t) wire_get_number(wire, 8);

    if (wire->status == IDC_OK && value < least)
        idc_wire_fail(wire, "a number is too small");
    return wire->status == IDC_OK ? value : 0;
}

bool
idc_wire_get_bool(IdcWire *wire)
{
    return idc_wire_get_enum(wire, 2) == 1;
}

int
idc_wire_get_enum(IdcWire *wire, int count)
{
    int value = idc_wire_get_u8(wire);

    if (value < count)
        return value;
    idc_wire_fail(wire, "a word is unknown");
    return 0;
}

size_t
idc_wire_get_count(IdcWire *wire, size_t item_bytes)
{
    uint32_t count = idc_wire_get_u32(wire);

    if (count <= (wire->len - wire->at) / item_bytes)
        return count;
    idc_wire_fail(wire, "a count is too high");
    return 0;
}

void *
idc_wire_array(IdcWire *wire, size_t count, size_t size)
{
    void *array;

    if (count == 0 || wire->status != IDC_OK)
        return NULL;
    array = idc_arena_alloc_array(wire->arena, count, size);
    if (array == NULL)
        wire->status = idc_fail_no_memory(wire->err);
    return array;
}

const char *
idc_wire_get_raw(IdcWire *wire, size_t *len)
{
    uint32_t size = idc_wire_get_u32(wire);
    const uint8_t *bytes = size == 0 ? NULL : wire_take(wire, size - 1);

    *len = bytes == NULL ? 0 : size - 1;
    return (const char *) bytes;
}

const char *
idc_wire_get_text(IdcWire *wire)
{
    size_t len;
    const char *bytes = idc_wire_get_raw(wire, &len);
    char *text;

    if (bytes == NULL)
        return NULL;
    if (memchr(bytes, '\0', len) != NULL || !idc_utf8_is_valid(bytes, len)) {
        idc_wire_fail(wire, "a text is not valid UTF-8");
        return NULL;
    }
    text = idc_arena_strndup(wire->arena, bytes, len);
    if (text == NULL)
        wire->status = idc_fail_no_memory(wire->err);
    return text;
}

const char *
idc_wire_need_text(IdcWire *wire)
{
    const char *text = idc_wire_get_text(wire);

    if (text == NULL)
        idc_wire_fail(wire, "a name is missing");
    return text;
}

const char *const *
idc_wire_get_texts(IdcWire *wire, size_t *count)
{
    size_t wanted = idc_wire_get_count(wire, 4);
    const char **texts = idc_wire_array(wire, wanted, sizeof *texts);

    *count = texts == NULL ? 0 : wanted;
    for (size_t i = 0; i < *count; i++)
        texts[i] = idc_wire_get_text(wire);
    return texts;
}

void
idc_wire_get_options(IdcWire *wire, IdcOptionSet *options)
{
    size_t count = idc_wire_get_count(wire, 8);
    IdcOptionPair *items = idc_wire_array(wire, count, sizeof *items);

    *options = (IdcOptionSet){ items, items == NULL ? 0 : count };
    for (size_t i = 0; i < options->count; i++) {
        items[i].name = idc_wire_need_text(wire);
        items[i].value = idc_wire_need_text(wire);
    }
}

static void
wire_put_number(IdcText *bytes, uint64_t value, size_t size)
{
    char number[8];

    for (size_t i = 0; i < size; i++)
        number[i] = (char) (value >> (8 * i) & 0xFF);
    idc_text_append_len(bytes, number, size);
}

void
idc_wire_put_u8(IdcText *bytes, unsigned value)
{
    wire_put_number(bytes, value, 1);
}

void
idc_wire_put_u32(IdcText *bytes, uint32_t value)
{
    wire_put_number(bytes, value, 4);
}

void
idc_wire_put_int64(IdcText *bytes, int64_t value)
{
    wire_put_number(bytes, (uint64_t) value, 8);
}

void
idc_wire_put_text(IdcText *bytes, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);

    if (len >= UINT32_MAX) {
        bytes->is_broken = true; /* longer than any message may be */
        bytes->len = 0;
        return;
    }
    idc_wire_put_u32(bytes, text == NULL ? 0 : (uint32_t) len + 1);
    idc_text_append_len(bytes, text == NULL ? "" : text, len);
}

void
idc_wire_put_texts(IdcText *bytes, const char *const *texts, size_t count)
{
    idc_wire_put_u32(bytes, (uint32_t) count);
    for (size_t i = 0; i < count; i++)
        idc_wire_put_text(bytes, texts[i]);
}

void
idc_wire_put_options(IdcText *bytes, const IdcOptionSet *options)
{
    idc_wire_put_u32(bytes, (uint32_t) options->count);
    for (size_t i = 0; i < options->count; i++) {
        idc_wire_put_text(bytes, options->items[i].name);
        idc_wire_put_text(bytes, options->items[i].value);
    }
}
