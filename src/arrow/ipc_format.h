/*
 * ipc_format.h - the numbers of Arrow's IPC format, for who writes it and who reads it. Private to
 * ipc_write*.c and ipc_read*.c.
 *
 * Source: Message.fbs and Schema.fbs of Apache Arrow; a field of a table is named by its place.
 */
#ifndef IDC_ARROW_IPC_FORMAT_H
#define IDC_ARROW_IPC_FORMAT_H

/* The table Message, its union MessageHeader, and the enum MetadataVersion. */
enum { MESSAGE_VERSION, MESSAGE_TYPE, MESSAGE_HEADER, MESSAGE_BODY_LENGTH, MESSAGE_METADATA };
enum { HEADER_SCHEMA = 1, HEADER_DICTIONARY_BATCH, HEADER_RECORD_BATCH };
enum { VERSION_4 = 3, VERSION_5 = 4 };

/* The enum CompressionType. */
enum { CODEC_LZ4_FRAME, CODEC_ZSTD };

/* The table Field. */
enum {
    FIELD_NAME,
    FIELD_NULLABLE,
    FIELD_TYPE_TYPE,
    FIELD_TYPE,
    FIELD_DICTIONARY,
    FIELD_CHILDREN,
    FIELD_METADATA
};

/* The union Type. */
enum {
    TYPE_NULL = 1,
    TYPE_INT,
    TYPE_FLOAT,
    TYPE_BINARY,
    TYPE_UTF8,
    TYPE_BOOL,
    TYPE_DECIMAL,
    TYPE_DATE,
    TYPE_TIME,
    TYPE_TIMESTAMP,
    TYPE_INTERVAL,
    TYPE_LIST,
    TYPE_STRUCT,
    TYPE_UNION,
    TYPE_FIXED_SIZE_BINARY,
    TYPE_FIXED_SIZE_LIST,
    TYPE_MAP,
    TYPE_DURATION,
    TYPE_LARGE_BINARY,
    TYPE_LARGE_UTF8,
    TYPE_LARGE_LIST,
    TYPE_RUN_END_ENCODED,
    TYPE_BINARY_VIEW,
    TYPE_UTF8_VIEW,
    TYPE_LIST_VIEW,
    TYPE_LARGE_LIST_VIEW
};

#endif
