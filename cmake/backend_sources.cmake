# The C files of src/base and src/arrow that a PostgreSQL backend links too, beside those of src/fdw:
# they ask for memory through base/memory.h, which src/fdw/memory.c implements there, and use neither
# nanoarrow nor libpq. Libraries: libc, and liblz4 and libzstd where arrow/compress.c finds their headers.
set(INSTANT_BACKEND_SOURCES
    src/base/arena.c
    src/base/error.c
    src/base/text.c
    src/arrow/array.c
    src/arrow/buffers.c
    src/arrow/builder.c
    src/arrow/compress.c
    src/arrow/decode.c
    src/arrow/decode_nested.c
    src/arrow/dictionary.c
    src/arrow/flatbuffer.c
    src/arrow/gather_bits.c
    src/arrow/gather_column.c
    src/arrow/gather_concat.c
    src/arrow/gather_dictionary.c
    src/arrow/ipc_layout.c
    src/arrow/ipc_read.c
    src/arrow/ipc_read_batch.c
    src/arrow/ipc_read_check.c
    src/arrow/ipc_read_schema.c
    src/arrow/ipc_read_table.c
    src/arrow/ipc_write.c
    src/arrow/ipc_write_body.c
    src/arrow/ipc_write_layout.c
    src/arrow/ipc_write_schema.c
    src/arrow/numeric.c
    src/arrow/pgtype.c
    src/arrow/schema.c
    src/arrow/schema_make.c)

# And all of src/relation and the adapters' declarations.
file(GLOB INSTANT_BACKEND_DECLARED RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/src/relation/*.c ${CMAKE_SOURCE_DIR}/src/adapters/options.c
    ${CMAKE_SOURCE_DIR}/src/adapters/json_check.c ${CMAKE_SOURCE_DIR}/src/adapters/registry.c
    ${CMAKE_SOURCE_DIR}/src/adapters/declare*.c ${CMAKE_SOURCE_DIR}/src/adapters/*/declare*.c)
list(APPEND INSTANT_BACKEND_SOURCES ${INSTANT_BACKEND_DECLARED})
