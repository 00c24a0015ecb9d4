/*
 * driver.c - InstantDriverInit: the table of calls that a driver manager takes from this library.
 *
 * The manager makes up answers for calls that are NULL; those that say here why they are missing
 * do it because "not implemented" alone would not help anybody.
 */
#include <string.h>

#include "adbc/calls.h"
#include "adbc/run.h"

INSTANT_API AdbcStatusCode InstantDriverInit(int version, void *driver, struct AdbcError *error);

static AdbcStatusCode
driver_release(struct AdbcDriver *driver, struct AdbcError *error)
{
    (void) error;
    driver->private_data = NULL;
    driver->release = NULL;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode
refuse_partitions(struct AdbcError *error)
{
    return idc_adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "0A000",
                         "results come in one piece, not in partitions");
}

static AdbcStatusCode
read_partition(struct AdbcConnection *connection, const uint8_t *data, size_t len,
               struct ArrowArrayStream *stream, struct AdbcError *error)
{
    (void) connection;
    (void) data;
    (void) len;
    (void) stream;
    return refuse_partitions(error);
}

static AdbcStatusCode
execute_partitions(struct AdbcStatement *statement, struct ArrowSchema *schema,
                   struct AdbcPartitions *partitions, int64_t *rows_affected,
                   struct AdbcError *error)
{
    (void) statement;
    (void) schema;
    (void) partitions;
    (void) rows_affected;
    return refuse_partitions(error);
}

static AdbcStatusCode
parameter_schema(struct AdbcStatement *statement, struct ArrowSchema *schema,
                 struct AdbcError *error)
{
    (void) statement;
    (void) schema;
    return idc_adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "0A000",
                         "the types of parameters are known only when values are bound");
}

static AdbcStatusCode
set_substrait(struct AdbcStatement *statement, const uint8_t *plan, size_t len,
              struct AdbcError *error)
{
    (void) statement;
    (void) plan;
    (void) len;
    return idc_adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "0A000",
                         "queries are SQL, not Substrait plans");
}

static void
fill_1_0(struct AdbcDriver *driver)
{
    driver->release = driver_release;
    driver->DatabaseInit = idc_adbc_database_init;
    driver->DatabaseNew = idc_adbc_database_new;
    driver->DatabaseSetOption = idc_adbc_database_set_option;
    driver->DatabaseRelease = idc_adbc_database_release;
    driver->ConnectionCommit = idc_adbc_connection_commit;
    driver->ConnectionGetInfo = idc_adbc_connection_info;
    driver->ConnectionGetObjects = idc_adbc_connection_objects;
    driver->ConnectionGetTableSchema = idc_adbc_connection_table_schema;
    driver->ConnectionGetTableTypes = idc_adbc_connection_table_types;
    driver->ConnectionInit = idc_adbc_connection_init;
    driver->ConnectionNew = idc_adbc_connection_new;
    driver->ConnectionSetOption = idc_adbc_connection_set_option;
    driver->ConnectionReadPartition = read_partition;
    driver->ConnectionRelease = idc_adbc_connection_release;
    driver->ConnectionRollback = idc_adbc_connection_commit;
    driver->StatementBind = idc_adbc_statement_bind;
    driver->StatementBindStream = idc_adbc_statement_bind_stream;
    driver->StatementExecuteQuery = idc_adbc_statement_execute;
    driver->StatementExecutePartitions = execute_partitions;
    driver->StatementGetParameterSchema = parameter_schema;
    driver->StatementNew = idc_adbc_statement_new;
    driver->StatementPrepare = idc_adbc_statement_prepare;
    driver->StatementRelease = idc_adbc_statement_release;
    driver->StatementSetOption = idc_adbc_statement_set_option;
    driver->StatementSetSqlQuery = idc_adbc_statement_set_sql;
    driver->StatementSetSubstraitPlan = set_substrait;
}

static void
fill_1_1(struct AdbcDriver *driver)
{
    driver->ErrorGetDetailCount = idc_adbc_error_detail_count;
    driver->ErrorGetDetail = idc_adbc_error_detail;
    driver->ErrorFromArrayStream = idc_adbc_run_error;
    driver->DatabaseGetOption = idc_adbc_database_get_option;
    driver->DatabaseSetOptionInt = idc_adbc_database_set_option_int;
    driver->ConnectionCancel = idc_adbc_connection_cancel;
    driver->ConnectionGetOption = idc_adbc_connection_get_option;
    driver->ConnectionSetOptionInt = idc_adbc_connection_set_option_int;
    driver->StatementCancel = idc_adbc_statement_cancel;
    driver->StatementExecuteSchema = idc_adbc_statement_schema;
    driver->StatementGetOption = idc_adbc_statement_get_option;
    driver->StatementSetOptionInt = idc_adbc_statement_set_option_int;
}

/* A manager of ADBC 1.0 has a shorter table: nothing may be written behind its end. */
AdbcStatusCode
InstantDriverInit(int version, void *driver, struct AdbcError *error)
{
    if (version != ADBC_VERSION_1_0_0 && version != ADBC_VERSION_1_1_0)
        return idc_adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, NULL,
                             "ADBC %d.%d.%d is not supported, 1.0.0 and 1.1.0 are",
                             version / 1000000, version / 1000 % 1000, version % 1000);
    if (driver == NULL)
        return idc_adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, NULL, "no driver is given");
    memset(driver, 0,
           version == ADBC_VERSION_1_0_0 ? ADBC_DRIVER_1_0_0_SIZE : ADBC_DRIVER_1_1_0_SIZE);
    fill_1_0(driver);
    if (version == ADBC_VERSION_1_1_0)
        fill_1_1(driver);
    return ADBC_STATUS_OK;
}
