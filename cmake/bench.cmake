# The lower limit of a COPY's time, beside which bench/run.py puts every tool.
add_executable(bench_limit EXCLUDE_FROM_ALL bench/limit.c)
target_link_libraries(bench_limit PRIVATE idc_flags PkgConfig::libpq)
