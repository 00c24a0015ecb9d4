# The program instant-source: every adapter of src/adapters/adapters.def whose library is here.
#
# idc_declare   the declarations (options, what can be pushed): no library, linked by the extension and by
#               src/config too; files src/adapters/*.c except work.c, and src/adapters/NAME/declare*.c
# idc_adapters  the work: src/adapters/common/*.c and the other files of src/adapters/NAME
# idc_source    src/source/*.c without main.c, for its tests
file(STRINGS ${CMAKE_SOURCE_DIR}/src/adapters/adapters.def adapter_lines REGEX "^ADAPTER")

file(GLOB declare_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/adapters/*.c
    ${CMAKE_SOURCE_DIR}/src/adapters/*/declare*.c)
list(FILTER declare_sources EXCLUDE REGEX "/work\\.c$")
add_library(idc_declare STATIC ${declare_sources})
target_link_libraries(idc_declare PUBLIC idc_flags idc_relation idc_base)

file(GLOB work_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/adapters/work.c
    ${CMAKE_SOURCE_DIR}/src/adapters/common/*.c)
pkg_check_modules(libcurl QUIET IMPORTED_TARGET libcurl)
if(NOT libcurl_FOUND)
    list(FILTER work_sources EXCLUDE REGEX "/common/http[^/]*\\.c$")
endif()
add_library(idc_adapters STATIC ${work_sources})
target_link_libraries(idc_adapters PUBLIC idc_declare idc_relation idc_arrow idc_base PkgConfig::libfyaml
    Threads::Threads m)
foreach(line ${adapter_lines})
    string(REGEX REPLACE "ADAPTER\\(([a-z0-9_]+), *([a-z0-9_-]+)\\)" "\\1;\\2" parts ${line})
    list(GET parts 0 adapter)
    list(GET parts 1 library)
    if(NOT library STREQUAL "none")
        pkg_check_modules(${library} QUIET IMPORTED_TARGET ${library})
        if(NOT ${library}_FOUND)
            message(STATUS "adapter ${adapter} is left out: there is no ${library}")
            continue()
        endif()
        target_link_libraries(idc_adapters PUBLIC PkgConfig::${library})
    endif()
    file(GLOB adapter_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/adapters/${adapter}/*.c)
    list(FILTER adapter_sources EXCLUDE REGEX "/declare[^/]*\\.c$")
    target_sources(idc_adapters PRIVATE ${adapter_sources})
    target_compile_definitions(idc_adapters PRIVATE IDC_WITH_${adapter})
    list(APPEND INSTANT_ADAPTERS ${adapter})
endforeach()
message(STATUS "adapters: ${INSTANT_ADAPTERS}")

file(GLOB source_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/source/*.c)
list(FILTER source_sources EXCLUDE REGEX "/main\\.c$")
add_library(idc_source STATIC ${source_sources})
target_link_libraries(idc_source PUBLIC idc_adapters)
target_compile_definitions(idc_source PRIVATE IDC_VERSION="${PROJECT_VERSION}")
pkg_check_modules(libseccomp QUIET IMPORTED_TARGET libseccomp)
if(libseccomp_FOUND)
    target_link_libraries(idc_source PUBLIC PkgConfig::libseccomp)
    target_compile_definitions(idc_source PRIVATE IDC_WITH_SECCOMP)
else()
    message(STATUS "instant-source filters no system calls: there is no libseccomp")
endif()
add_executable(instant_source ${CMAKE_SOURCE_DIR}/src/source/main.c)
target_link_libraries(instant_source PRIVATE idc_source)
set_target_properties(instant_source PROPERTIES OUTPUT_NAME instant-source)
if(NOT SKBUILD)
    install(TARGETS instant_source RUNTIME DESTINATION ${CMAKE_INSTALL_LIBDIR}/instant)
endif()
