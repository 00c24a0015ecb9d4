/*
 * plan_cache.c - plans of queries, kept over calls, the least recently used one leaving first.
 *
 * The server's plan cache does the hard part: it watches the catalogue, the search path and row
 * security, and plans again where needed. What it does not do is what a prepared statement never
 * needs, because its text was read once: here the same text must mean the same as if it were read
 * anew. So an entry is good only for the user who made it, under the settings that literals were
 * read with, and until a name is made or changed, which may hide the one that was meant.
 */
#include "fdw/plan_cache.h"

#include <access/xact.h>
#include <catalog/namespace.h>
#include <catalog/pg_type.h>
#include <common/hashfn.h>
#include "fdw/analyse.h"
#include "fdw/backend.h"
#include <miscadmin.h>
#include <nodes/plannodes.h>
#include <parser/parse_expr.h>
#include <parser/parser.h>
#include <pgtime.h>
#include <utils/array.h>
#include <utils/builtins.h>
#include <utils/bytea.h>
#include <utils/float.h>
#include <utils/inval.h>
#include <utils/memutils.h>
#include <utils/pg_locale.h>
#include <utils/syscache.h>
#include <utils/xml.h>

/* Longer queries are planned every time: they are lists of values that come once. */
#define MAX_TEXT_SIZE (64 * 1024)

/* What the reading of literals and operators depends on beside the catalogue. */
typedef struct Settings {
    const pg_tz *timezone;
    int date_style, date_order, interval_style;
    int xml_option;
    uint32 monetary_hash;
    uint32 names_version;
    int bytea_output, float_digits; /* the texts that casts of constants make */
    bool standard_strings, null_equals, array_nulls;
} Settings;

typedef struct Entry {
    dlist_node link;
    CachedPlanSource *source;
    uint32 hash;
    Oid user; /* whose rights to schemas were checked, and to functions that were folded */
    int cursor_options;
    int pins; /* calls that are planning it: it must stay */
    Settings settings;
    int argument_count;
    Oid argument_types[FLEXIBLE_ARRAY_MEMBER]; /* as given: source->param_types is as wanted */
} Entry;

static void
read_settings(Settings *settings)
{
    memset(settings, 0, sizeof *settings);
    settings->timezone = session_timezone;
    settings->date_style = DateStyle;
    settings->date_order = DateOrder;
    settings->interval_style = IntervalStyle;
    settings->xml_option = xmloption;
    settings->monetary_hash =
        hash_bytes((const unsigned char *) locale_monetary, (int) strlen(locale_monetary));
    settings->names_version = fdw_backend.names_version;
    settings->bytea_output = bytea_output;
    settings->float_digits = extra_float_digits;
    settings->standard_strings = standard_conforming_strings;
    settings->null_equals = Transform_null_equals;
    settings->array_nulls = Array_nulls;
}

static void
note_changed_name(Datum arg, int cache, uint32 hash)
{
    (void) arg, (void) cache, (void) hash;
    fdw_backend.names_version++;
}

void
fdw_plan_cache_init(void)
{
    /* The last ones: what a user may see, and names that constants of reg* types stand for. */
    static const int watched[] = { RELNAMENSP,  PROCNAMEARGSNSP,  OPERNAMENSP,
                                   TYPENAMENSP, CASTSOURCETARGET, COLLNAMEENCNSP,
                                   AUTHOID,     AUTHMEMROLEMEM,   TSCONFIGNAMENSP };

    dlist_init(&fdw_backend.plans);
    for (size_t i = 0; i < lengthof(watched); i++)
        CacheRegisterSyscacheCallback(watched[i], note_changed_name, (Datum) 0);
}

static void
drop_entry(Entry *entry)
{
    dlist_delete(&entry->link);
    fdw_backend.plan_count--;
    DropCachedPlan(entry->source);
    pfree(entry);
}

/* Make room for one more, and follow a setting that was lowered. */
static void
make_room(int limit)
{
    dlist_node *node =
        dlist_is_empty(&fdw_backend.plans) ? NULL : dlist_tail_node(&fdw_backend.plans);

    while (fdw_backend.plan_count >= Max(limit, 1) && node != NULL) {
        Entry *entry = dlist_container(Entry, link, node);

        node = dlist_has_prev(&fdw_backend.plans, node) ? dlist_prev_node(&fdw_backend.plans, node)
                                                        : NULL;
        if (entry->pins == 0)
            drop_entry(entry);
    }
}

static bool
is_of(const Entry *entry, uint32 hash, const char *text, const FdwArguments *arguments,
      int cursor_options)
{
    return entry->hash == hash && entry->user == GetUserId() &&
           entry->cursor_options == cursor_options && entry->argument_count == arguments->count &&
           strcmp(entry->source->query_string, text) == 0 &&
           (arguments->count == 0 || memcmp(entry->argument_types, arguments->types,
                                            sizeof(Oid) * (size_t) arguments->count) == 0);
}

static bool
is_good(const Entry *entry)
{
    Settings settings;

    read_settings(&settings);
    return entry->source->is_valid && memcmp(&entry->settings, &settings, sizeof settings) == 0 &&
           (entry->source->search_path == NULL ||
            fdw_search_path_is_current(entry->source->search_path));
}

static Entry *
find_entry(uint32 hash, const char *text, const FdwArguments *arguments, int cursor_options)
{
    dlist_mutable_iter iter;

    dlist_foreach_modify(iter, &fdw_backend.plans)
    {
        Entry *entry = dlist_container(Entry, link, iter.cur);

        if (!is_of(entry, hash, text, arguments, cursor_options))
            continue;
        if (is_good(entry)) {
            dlist_move_head(&fdw_backend.plans, &entry->link);
            return entry;
        }
        if (entry->pins == 0)
            drop_entry(entry);
    }
    return NULL;
}

static Entry *
keep_entry(CachedPlanSource *source, uint32 hash, const FdwArguments *arguments)
{
    size_t types_size = sizeof(Oid) * (size_t) arguments->count;
    Entry *entry;

    if (fdw_backend.plans_context == NULL)
        fdw_backend.plans_context =
            AllocSetContextCreate(TopMemoryContext, "instant_fdw plans", ALLOCSET_SMALL_SIZES);
    make_room(fdw_backend.plan_cache_size);
    entry = MemoryContextAllocZero(fdw_backend.plans_context,
                                   offsetof(Entry, argument_types) + types_size);
    entry->source = source;
    entry->hash = hash;
    entry->user = GetUserId();
    entry->cursor_options = source->cursor_options;
    entry->argument_count = arguments->count;
    if (types_size > 0)
        memcpy(entry->argument_types, arguments->types, types_size);
    read_settings(&entry->settings);
    SaveCachedPlan(source);
    dlist_push_head(&fdw_backend.plans, &entry->link);
    fdw_backend.plan_count++;
    return entry;
}

static void
set_statement(FdwPlan *plan)
{
    Assert(list_length(plan->plan->stmt_list) == 1);
    plan->statement = linitial_node(PlannedStmt, plan->plan->stmt_list);
}

/* Input functions and planning may run anything, another instant.arrow too: hence the pin. */
static void
plan_entry(Entry *entry, const FdwArguments *arguments, FdwPlan *plan)
{
    entry->pins++;
    PG_TRY();
    {
        plan->params = fdw_arguments_bind(arguments, entry->source->param_types);
        plan->owner = CurrentResourceOwner;
        plan->plan = GetCachedPlan(entry->source, plan->params, plan->owner, NULL);
    }
    PG_FINALLY();
    {
        entry->pins--;
    }
    PG_END_TRY();
    set_statement(plan);
}

static void
plan_own_source(CachedPlanSource *source, const FdwArguments *arguments, FdwPlan *plan)
{
    plan->own_source = source;
    plan->params = fdw_arguments_bind(arguments, source->param_types);
    plan->plan = GetCachedPlan(source, plan->params, NULL, NULL);
    set_statement(plan);
}

void
fdw_plan_acquire(const char *text, const FdwArguments *arguments, bool may_be_parallel,
                 FdwPlan *plan)
{
    int cursor_options = may_be_parallel ? CURSOR_OPT_PARALLEL_OK : 0;
    size_t size = strlen(text);
    bool may_keep = fdw_backend.plan_cache_size > 0 && size <= MAX_TEXT_SIZE;
    bool is_timeless;
    uint32 hash = 0;
    CachedPlanSource *source;

    memset(plan, 0, sizeof *plan);
    if (may_keep) {
        Entry *entry;

        hash = hash_bytes((const unsigned char *) text, (int) size);
        AcceptInvalidationMessages();
        entry = find_entry(hash, text, arguments, cursor_options);
        if (entry != NULL) {
            fdw_count(FDW_PLANS_REUSED, 1);
            plan_entry(entry, arguments, plan);
            return;
        }
    }
    source = fdw_analyse(text, arguments, cursor_options, &is_timeless);
    if (may_keep && is_timeless)
        plan_entry(keep_entry(source, hash, arguments), arguments, plan);
    else
        plan_own_source(source, arguments, plan);
}

void
fdw_plan_release(FdwPlan *plan)
{
    if (plan->plan != NULL)
        ReleaseCachedPlan(plan->plan, plan->owner);
    plan->plan = NULL;
    if (plan->own_source != NULL)
        DropCachedPlan(plan->own_source);
    plan->own_source = NULL;
}
