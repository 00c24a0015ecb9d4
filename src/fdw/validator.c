/*
 * validator.c - options as CREATE and ALTER give them: known, well-formed, and allowed to this
 * user.
 *
 * In:   all options of one object, as they will be
 * Out:  an error that names the option (and the one that was meant), or nothing
 */
#include "fdw/server.h"

#include <access/reloptions.h>
#include <catalog/pg_attribute.h>
#include <catalog/pg_authid.h>
#include <catalog/pg_foreign_data_wrapper.h>
#include <catalog/pg_foreign_server.h>
#include <catalog/pg_foreign_table.h>
#include <catalog/pg_user_mapping.h>
#include <miscadmin.h>
#include <utils/acl.h>

#include "fdw/raise.h"

/* Who has it may say where servers are; otherwise only superusers may. */
#define ADMIN_ROLE "instant_admin"

/* 0: of a wrapper. */
static unsigned
level_of(Oid catalogue)
{
    switch (catalogue) {
    case ForeignDataWrapperRelationId:
        return 0;
    case ForeignServerRelationId:
        return IDC_OPTION_SERVER;
    case UserMappingRelationId:
        return IDC_OPTION_USER;
    case ForeignTableRelationId:
        return IDC_OPTION_TABLE;
    case AttributeRelationId:
        return IDC_OPTION_COLUMN;
    default:
        ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
                        errmsg("objects of catalogue %u have no options", catalogue)));
    }
}

static void
check_wrapper(const IdcDeclaration *declaration, const IdcOptionSet *options)
{
    bool has_adapter = false;
    IdcError err;

    for (size_t i = 0; i < options->count; i++) {
        const IdcOptionPair *option = &options->items[i];

        if (strcmp(option->name, "adapter") == 0) {
            if (strcmp(option->value, declaration->name) != 0)
                ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
                                errmsg("the option \"adapter\" of a wrapper with this validator "
                                       "is \"%s\"",
                                       declaration->name)));
            has_adapter = true;
        } else if (strcmp(option->name, "source_memory") == 0) {
            fdw_check(idc_adapter_option_check(declaration, IDC_OPTION_SERVER, option->name,
                                               option->value, &err),
                      &err);
        } else {
            ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
                            errmsg("a wrapper has no option \"%s\"", option->name),
                            errhint("Its options are \"adapter\" and \"source_memory\".")));
        }
    }
    if (!has_adapter)
        ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
                        errmsg("the wrapper needs the option \"adapter\"")));
}

/* Whoever may name an address makes the hub's machine connect to it. */
static void
check_may_name_address(const char *what)
{
    Oid admin = get_role_oid(ADMIN_ROLE, true);

    if (superuser() || (OidIsValid(admin) && has_privs_of_role(GetUserId(), admin)))
        return;
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("permission denied to define where %s is", what),
                    errhint("Only superusers and members of the role \"%s\" may.", ADMIN_ROLE)));
}

static bool
may_read_files(void)
{
    return superuser() || has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES);
}

static bool
is_reference(const char *value)
{
    return strncmp(value, "env:", 4) == 0 || strncmp(value, "file:", 5) == 0;
}

/* A secret of a user mapping; its value is never shown. */
static void
check_secret(const IdcOptionPair *option)
{
    if (!is_reference(option->value)) {
        ereport(WARNING,
                (errmsg("the secret \"%s\" is kept in plain text in this database's catalogue",
                        option->name),
                 errhint("Give the name of a credential instead: OPTIONS (credential 'NAME').")));
        return;
    }
    if (!may_read_files())
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied to take the option \"%s\" from a file or the "
                               "environment",
                               option->name),
                        errhint("Only superusers and members of the role "
                                "\"pg_read_server_files\" may.")));
}

/*
 * A credential is a file of one folder, and no path to another. Nothing in it says whose it is, so
 * those give it to a user who could read it themselves.
 */
static void
check_credential(const char *name)
{
    if (!may_read_files())
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied to set the option \"credential\""),
                        errhint("Only superusers and members of the role "
                                "\"pg_read_server_files\" may.")));
    if (name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL)
        return;
    ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
                    errmsg("the option \"credential\" is a name, without \"/\" and without \".\" "
                           "in front")));
}

static void
check_rights(const IdcDeclaration *declaration, unsigned level, const IdcOptionPair *option)
{
    const IdcAdapterOption *known =
        idc_adapter_option_find(declaration, (IdcOptionLevel) level, option->name);

    if (known == NULL)
        return;
    if (known->is_secret && level != IDC_OPTION_USER)
        ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
                        errmsg("the option \"%s\" is a secret and belongs into a user mapping",
                               option->name)));
    if (known->is_secret)
        check_secret(option);
    if (known->is_local && !superuser())
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied to set the option \"%s\"", option->name),
                        errhint("It reaches into this machine: only superusers may set it.")));
    if (level == IDC_OPTION_USER && strcmp(option->name, "credential") == 0)
        check_credential(option->value);
}

void
fdw_check_import_rights(const IdcOptionSet *options)
{
    for (size_t i = 0; i < options->count; i++) {
        const IdcOptionPair *option = &options->items[i];

        if (strncmp(option->value, "file:", 5) == 0 && !superuser())
            ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                            errmsg("permission denied to take the option \"%s\" from a file",
                                   option->name),
                            errhint("Only superusers may.")));
        if (strstr(option->value, "://") != NULL)
            check_may_name_address(psprintf("the option \"%s\"", option->name));
    }
}

static Datum
validate(FunctionCallInfo fcinfo, const IdcDeclaration *declaration)
{
    IdcOptionSet options = fdw_option_set(untransformRelOptions(PG_GETARG_DATUM(0)));
    unsigned level = level_of(PG_GETARG_OID(1));
    IdcError err;

    if (level == 0) {
        check_wrapper(declaration, &options);
        PG_RETURN_VOID();
    }
    if (level == IDC_OPTION_SERVER)
        check_may_name_address("a server of instant_fdw");
    fdw_check(idc_adapter_options_check(declaration, (IdcOptionLevel) level, &options, &err), &err);
    for (size_t i = 0; i < options.count; i++)
        check_rights(declaration, level, &options.items[i]);
    PG_RETURN_VOID();
}

#define ADAPTER(name, library)                                                                     \
    extern const IdcDeclaration idc_declaration_##name;                                            \
    FDW_SQL_FUNCTION(instant_##name##_validator);                                                  \
    Datum instant_##name##_validator(PG_FUNCTION_ARGS)                                             \
    {                                                                                              \
        return validate(fcinfo, &idc_declaration_##name);                                          \
    }
#include "adapters/adapters.def"
#undef ADAPTER
