/*
 * run.c - one setup from BEGIN to COMMIT, in order.
 *
 * In:   a checked configuration, a connection of the hub
 * Out:  the hub as the file says, and the list of what was done
 *
 * A plan is the same run with ROLLBACK at its end: what it shows is what would happen, errors
 * included.
 */
#include "setup/apply.h"

#include <string.h>

const char *
idc_apply_label(IdcArena *arena, const char *schema, const char *name)
{
    if (*schema == '\0' || strcmp(schema, "public") == 0)
        return name;
    return idc_arena_printf(arena, "%s.%s", schema, name);
}

IdcStatus
idc_apply_refuse(const char *kind, const char *label, const char *hint, IdcError *err)
{
    (void) idc_fail(err, IDC_BAD_CONFIG,
                    "the hub has a %s \"%s\" already, and setup did not make it", kind, label);
    idc_error_set_sqlstate(err, "42710");
    idc_error_set_hint(err, "%s; what setup did not make it never changes", hint);
    return IDC_BAD_CONFIG;
}

static void
add_advice(const IdcSetup *setup, const char *action, IdcError *err)
{
    if (err == NULL)
        return;
    if (strcmp(err->sqlstate, "2BP01") == 0)
        idc_error_set_hint(err, "something that setup did not make uses it: drop that first");
    else if (strcmp(err->sqlstate, "0A000") == 0 && strcmp(action, "alter") == 0 &&
             err->hint[0] == '\0')
        idc_error_set_hint(
            err, "a view may use the column: drop the view first and make it again after");
    else if (strcmp(err->sqlstate, "42501") == 0 && err->hint[0] == '\0')
        idc_error_set_hint(
            err,
            "user \"%s\" of the hub needs CREATE on the database and its schemas, and USAGE on the "
            "foreign data wrapper",
            setup->user);
}

IdcStatus
idc_apply_change(IdcSetup *setup, const char *action, const char *kind, const char *name,
                 const char *source, const IdcStatement *statement, IdcError *err)
{
    IdcStatus status = idc_setup_execute(setup, statement, err);

    if (status != IDC_OK) {
        add_advice(setup, action, err);
        return idc_add_context(err, "cannot %s %s \"%s\"", action, kind, name);
    }
    return idc_setup_note(setup, action, kind, name, source, statement->shown, err);
}

/* Those of others decide for themselves what they send: who asked for less is told so. */
static IdcStatus
note_push_down(IdcSetup *setup, IdcError *err)
{
    if (setup->config->enable_push_down)
        return IDC_OK;
    for (size_t i = 0; i < setup->config->source_count; i++) {
        const IdcConfigSource *source = &setup->config->sources[i];

        if (source->is_enabled && !idc_wrapper_is_sql(source->wrapper))
            return idc_setup_note(
                setup, "note", "setting", "enable_push_down", NULL,
                idc_arena_printf(setup->arena,
                                 "setting \"enable_push_down\" has no effect on sources of %s: the "
                                 "wrapper decides what it sends",
                                 source->wrapper),
                err);
    }
    return IDC_OK;
}

static IdcStatus
apply_extensions(IdcSetup *setup, IdcError *err)
{
    IdcStatus status = IDC_OK;

    for (size_t i = 0; status == IDC_OK && i < setup->config->source_count; i++) {
        const IdcConfigSource *source = &setup->config->sources[i];
        bool is_created, is_done = false;

        for (size_t k = 0; k < i; k++)
            is_done = is_done || (setup->config->sources[k].is_enabled &&
                                  strcmp(setup->config->sources[k].wrapper, source->wrapper) == 0);
        if (!source->is_enabled || is_done)
            continue;
        status = idc_setup_extension(setup, source, &is_created, err);
        if (status != IDC_OK)
            return idc_add_context(err, "source \"%s\"", source->name);
    }
    return status;
}

static IdcStatus
drop_all_ours(IdcSetup *setup, IdcError *err)
{
    const IdcServerList nothing = { 0 };
    IdcStatus status = idc_apply_drop_tables(setup, NULL, NULL, err);

    if (status == IDC_OK)
        status = idc_apply_drop_servers(setup, &nothing, err);
    return status;
}

static IdcStatus
run_steps(IdcSetup *setup, const IdcSetupOptions *options, IdcError *err)
{
    IdcServerList servers = { 0 };
    IdcStatus status = idc_setup_learn_origins(setup, err);

    if (status == IDC_OK)
        status = idc_setup_begin(setup, true, err);
    if (status == IDC_OK)
        status = idc_actual_marks(setup, err);
    if (status == IDC_OK)
        status = idc_setup_choose_all(setup, err);
    if (status == IDC_OK && options->force_refresh)
        status = drop_all_ours(setup, err);
    if (status == IDC_OK)
        status = apply_extensions(setup, err);
    if (status == IDC_OK)
        status = idc_apply_schemas(setup, err);
    if (status == IDC_OK)
        status = idc_apply_servers(setup, &servers, err);
    if (status == IDC_OK)
        status = idc_apply_tables(setup, err);
    if (status == IDC_OK)
        status = idc_apply_drop_servers(setup, &servers, err);
    if (status == IDC_OK)
        status = idc_apply_drop_schemas(setup, err);
    if (status == IDC_OK)
        status = idc_grants_apply(setup, err);
    if (status == IDC_OK && !options->plan_only)
        status = idc_setup_commit(setup, err);
    if (status == IDC_OK)
        status = note_push_down(setup, err);
    return status;
}

static void
take_changes(const IdcSetup *setup, const char *other_than, const char *also_other_than,
             IdcChanges *changes)
{
    for (size_t i = 0; i < setup->change_count; i++)
        if (strcmp(setup->changes[i].action, other_than) != 0 &&
            strcmp(setup->changes[i].action, also_other_than) != 0)
            changes->items[changes->count++] = setup->changes[i];
}

static void
take_action(const IdcSetup *setup, const char *action, IdcChanges *changes)
{
    for (size_t i = 0; i < setup->change_count; i++)
        if (strcmp(setup->changes[i].action, action) == 0)
            changes->items[changes->count++] = setup->changes[i];
}

/* What was done in its order, then notes, then what stayed. */
static IdcStatus
hand_over(const IdcSetup *setup, IdcChanges *changes, IdcError *err)
{
    IdcChanges result = { 0 };

    result.items =
        idc_arena_alloc_array(setup->arena, setup->change_count + 1, sizeof *result.items);
    if (result.items == NULL)
        return idc_fail_no_memory(err);
    take_changes(setup, "note", "keep", &result);
    result.change_count = result.count;
    take_action(setup, "note", &result);
    take_action(setup, "keep", &result);
    *changes = result;
    return IDC_OK;
}

IdcStatus
idc_setup_run(IdcConn *conn, IdcCall *call, const IdcConfig *config, const IdcSetupOptions *options,
              IdcArena *arena, IdcChanges *changes, IdcError *err)
{
    IdcSetup setup = { .conn = conn,
                       .call = call,
                       .arena = arena,
                       .config = config,
                       .connect_timeout_ms = options->connect_timeout_ms };
    IdcChanges result = { 0 };
    IdcStatus status;

    if (setup.connect_timeout_ms <= 0)
        setup.connect_timeout_ms = 10000;
    status = run_steps(&setup, options, err);
    if (status != IDC_OK || options->plan_only)
        idc_setup_rollback(&setup);
    if (status == IDC_OK)
        status = hand_over(&setup, &result, err);
    if (status == IDC_OK)
        *changes = result;
    return status;
}
