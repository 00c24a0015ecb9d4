/*
 * calls.h - the calls of adbc.h that this driver answers; adbc.h says what each of them promises.
 *
 * driver.c puts them into the driver's table. A call that is missing there is answered by a
 * function that says so.
 */
#ifndef INSTANT_ADBC_CALLS_H
#define INSTANT_ADBC_CALLS_H

#include "adbc/driver.h"

/* ---- database.c ---- */

AdbcStatusCode idc_adbc_database_new(struct AdbcDatabase *database, struct AdbcError *error);
AdbcStatusCode idc_adbc_database_set_option(struct AdbcDatabase *database, const char *key,
                                            const char *value, struct AdbcError *error);
AdbcStatusCode idc_adbc_database_set_option_int(struct AdbcDatabase *database, const char *key,
                                                int64_t value, struct AdbcError *error);
AdbcStatusCode idc_adbc_database_get_option(struct AdbcDatabase *database, const char *key,
                                            char *value, size_t *length, struct AdbcError *error);
AdbcStatusCode idc_adbc_database_init(struct AdbcDatabase *database, struct AdbcError *error);
AdbcStatusCode idc_adbc_database_release(struct AdbcDatabase *database, struct AdbcError *error);

/* ---- connection.c ---- */

AdbcStatusCode idc_adbc_connection_new(struct AdbcConnection *connection, struct AdbcError *error);
AdbcStatusCode idc_adbc_connection_set_option(struct AdbcConnection *connection, const char *key,
                                              const char *value, struct AdbcError *error);
AdbcStatusCode idc_adbc_connection_set_option_int(struct AdbcConnection *connection,
                                                  const char *key, int64_t value,
                                                  struct AdbcError *error);
AdbcStatusCode idc_adbc_connection_get_option(struct AdbcConnection *connection, const char *key,
                                              char *value, size_t *length, struct AdbcError *error);
AdbcStatusCode idc_adbc_connection_init(struct AdbcConnection *connection,
                                        struct AdbcDatabase *database, struct AdbcError *error);
AdbcStatusCode idc_adbc_connection_release(struct AdbcConnection *connection,
                                           struct AdbcError *error);
AdbcStatusCode idc_adbc_connection_cancel(struct AdbcConnection *connection,
                                          struct AdbcError *error);
AdbcStatusCode idc_adbc_connection_commit(struct AdbcConnection *connection,
                                          struct AdbcError *error);
AdbcStatusCode idc_adbc_connection_table_schema(struct AdbcConnection *connection,
                                                const char *catalog, const char *db_schema,
                                                const char *table_name, struct ArrowSchema *schema,
                                                struct AdbcError *error);

/* ---- info.c ---- */

AdbcStatusCode idc_adbc_connection_info(struct AdbcConnection *connection, const uint32_t *codes,
                                        size_t code_count, struct ArrowArrayStream *stream,
                                        struct AdbcError *error);
AdbcStatusCode idc_adbc_connection_table_types(struct AdbcConnection *connection,
                                               struct ArrowArrayStream *stream,
                                               struct AdbcError *error);

/* ---- objects.c ---- */

AdbcStatusCode idc_adbc_connection_objects(struct AdbcConnection *connection, int depth,
                                           const char *catalog, const char *db_schema,
                                           const char *table_name, const char **table_types,
                                           const char *column_name, struct ArrowArrayStream *stream,
                                           struct AdbcError *error);

/* ---- statement.c ---- */

AdbcStatusCode idc_adbc_statement_new(struct AdbcConnection *connection,
                                      struct AdbcStatement *statement, struct AdbcError *error);
AdbcStatusCode idc_adbc_statement_release(struct AdbcStatement *statement, struct AdbcError *error);
AdbcStatusCode idc_adbc_statement_set_option(struct AdbcStatement *statement, const char *key,
                                             const char *value, struct AdbcError *error);
AdbcStatusCode idc_adbc_statement_set_option_int(struct AdbcStatement *statement, const char *key,
                                                 int64_t value, struct AdbcError *error);
AdbcStatusCode idc_adbc_statement_get_option(struct AdbcStatement *statement, const char *key,
                                             char *value, size_t *length, struct AdbcError *error);
AdbcStatusCode idc_adbc_statement_set_sql(struct AdbcStatement *statement, const char *sql,
                                          struct AdbcError *error);
AdbcStatusCode idc_adbc_statement_prepare(struct AdbcStatement *statement, struct AdbcError *error);
AdbcStatusCode idc_adbc_statement_bind(struct AdbcStatement *statement, struct ArrowArray *values,
                                       struct ArrowSchema *schema, struct AdbcError *error);
AdbcStatusCode idc_adbc_statement_bind_stream(struct AdbcStatement *statement,
                                              struct ArrowArrayStream *stream,
                                              struct AdbcError *error);
AdbcStatusCode idc_adbc_statement_execute(struct AdbcStatement *statement,
                                          struct ArrowArrayStream *stream, int64_t *rows_affected,
                                          struct AdbcError *error);
AdbcStatusCode idc_adbc_statement_schema(struct AdbcStatement *statement,
                                         struct ArrowSchema *schema, struct AdbcError *error);
AdbcStatusCode idc_adbc_statement_cancel(struct AdbcStatement *statement, struct AdbcError *error);

#endif
