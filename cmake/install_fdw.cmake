# The extension's builds inside the Python wheel, where libinstant looks for them beside its own module:
# instant_connector/fdw/pgNN. (cmake/fdw.cmake installs them for everybody else.) Include it last.
if(SKBUILD AND INSTANT_FDW_MAJORS)
    file(GLOB fdw_files ${CMAKE_SOURCE_DIR}/src/fdw/sql/instant_fdw--*.sql)
    list(APPEND fdw_files ${CMAKE_SOURCE_DIR}/src/fdw/instant_fdw.control)
    add_dependencies(_native instant_source)
    foreach(major ${INSTANT_FDW_MAJORS})
        # scikit-build-core builds only the targets that pyproject.toml names.
        add_dependencies(_native instant_fdw_pg${major})
        install(TARGETS instant_source RUNTIME DESTINATION instant_connector/fdw/pg${major})
        install(TARGETS instant_fdw_pg${major} LIBRARY DESTINATION instant_connector/fdw/pg${major})
        install(FILES ${fdw_files} DESTINATION instant_connector/fdw/pg${major})
    endforeach()
endif()
