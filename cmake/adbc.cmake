# The ADBC driver, InstantDriverInit, in libinstant; cmake/python.cmake puts it into the Python module too.
# Both hide the symbols of the archives they link, so it comes as objects.
set(adbc_dir "${INSTANT_DEPS_DIR}/adbc")
execute_process(
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/fetch_adbc.py ${adbc_dir}
    RESULT_VARIABLE adbc_result)
if(NOT adbc_result EQUAL 0)
    message(FATAL_ERROR "cannot fetch adbc.h; see the lines above")
endif()

file(GLOB adbc_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/adbc/*.c)
add_library(idc_adbc OBJECT ${adbc_sources})
target_include_directories(idc_adbc SYSTEM PUBLIC ${adbc_dir}/include)
target_link_libraries(idc_adbc PUBLIC idc_flags Threads::Threads)

target_sources(instant PRIVATE $<TARGET_OBJECTS:idc_adbc>)

if(INSTANT_TESTS AND NOT SKBUILD)
    pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
    add_executable(unit_adbc_test_driver ${CMAKE_SOURCE_DIR}/tests/unit/adbc/test_driver.c)
    set_target_properties(unit_adbc_test_driver PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/unit)
    target_link_libraries(unit_adbc_test_driver PRIVATE idc_adbc idc_connector PkgConfig::cmocka)
    add_test(NAME adbc/test_driver COMMAND unit_adbc_test_driver)
    set_tests_properties(adbc/test_driver PROPERTIES LABELS unit TIMEOUT 300)
endif()
