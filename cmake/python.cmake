# The extension module instant_connector._native, one file for CPython 3.11 and later (abi3).
# Debian 12's CMake 3.25 has no Development.SABIModule yet, so the limited API is asked for by hand.
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)
file(GLOB native_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/python/native/*.c)
Python_add_library(_native MODULE ${native_sources})
target_compile_definitions(_native PRIVATE Py_LIMITED_API=0x030b0000)
target_sources(_native PRIVATE $<TARGET_OBJECTS:idc_adbc>)
target_link_libraries(_native PRIVATE idc_flags idc_connector)
target_link_options(_native PRIVATE -Wl,--exclude-libs,ALL)
set_target_properties(_native PROPERTIES SUFFIX .abi3.so
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/python/instant_connector)
if(SKBUILD)
    install(TARGETS _native LIBRARY DESTINATION instant_connector)
    install(TARGETS instant_cli RUNTIME DESTINATION ${SKBUILD_SCRIPTS_DIR})
endif()
