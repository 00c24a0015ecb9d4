# nanoarrow's C core and IPC reader/writer, brought by tools/fetch_nanoarrow.py from its PyPI archive.
set(INSTANT_DEPS_DIR "${CMAKE_SOURCE_DIR}/.deps" CACHE PATH "where fetched C sources are kept")
set(nanoarrow_dir "${INSTANT_DEPS_DIR}/nanoarrow")

find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
execute_process(
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/fetch_nanoarrow.py ${nanoarrow_dir}
    RESULT_VARIABLE nanoarrow_result)
if(NOT nanoarrow_result EQUAL 0)
    message(FATAL_ERROR "cannot fetch nanoarrow's sources; see the lines above")
endif()

add_library(idc_nanoarrow STATIC
    ${nanoarrow_dir}/src/nanoarrow.c ${nanoarrow_dir}/src/nanoarrow_ipc.c ${nanoarrow_dir}/src/flatcc.c)
target_include_directories(idc_nanoarrow SYSTEM PUBLIC ${nanoarrow_dir}/include)
target_compile_options(idc_nanoarrow PRIVATE -w)
# Without it flatcc asserts, and so ends the process, where memory runs out.
target_compile_definitions(idc_nanoarrow PRIVATE NDEBUG)
