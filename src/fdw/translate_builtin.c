/*
 * translate_builtin.c - functions and operators of PostgreSQL's own that are not in the closed
 * list, by name: for sources that are PostgreSQL.
 *
 * Immutable ones only, and only those that PostgreSQL 15 has too: a source may be older than the
 * hub. Where a function of texts compares them, or turns their case, the expression names the
 * collation by which, else none.
 */
#include "fdw/translate.h"

#include <access/transam.h>
#include <catalog/pg_proc.h>
#include <catalog/pg_type.h>
#include <nodes/nodeFuncs.h>
#include <utils/builtins.h>
#include <utils/lsyscache.h>

#include "fdw/foreign.h"
#include "fdw/raise.h"

/* ---- which ones ---- */

/* OIDs of pg_proc are given once: beyond this one they are of PostgreSQL 16 and later … */
#define LAST_OF_15 6269

/* … and these are, which took numbers in between. */
static bool
is_of_15(Oid function)
{
    static const Oid later[] = { 1284, 3813, 4549, 6099, 6105, 6219, 6220, 6222 };

    for (size_t i = 0; i < lengthof(later); i++)
        if (later[i] == function)
            return false;
    return function <= LAST_OF_15 || function >= FirstGenbkiObjectId;
}

bool
fdw_is_builtin(Oid function)
{
    return function < FirstUnpinnedObjectId && is_of_15(function) &&
           func_volatile(function) == PROVOLATILE_IMMUTABLE && !get_func_retset(function);
}

/*
 * Functions with an argument of texts whose result is the same under each collation in which equal
 * texts are equal bytes. In order, for bsearch.
 */
static const char *const collation_free[] = {
    "array_agg",
    "array_append",
    "array_cat",
    "array_dims",
    "array_eq",
    "array_fill",
    "array_length",
    "array_lower",
    "array_ndims",
    "array_ne",
    "array_position",
    "array_positions",
    "array_prepend",
    "array_remove",
    "array_replace",
    "array_upper",
    "arraycontained",
    "arraycontains",
    "arrayoverlap",
    "ascii",
    "bit_length",
    "bpchar",
    "bpchar_pattern_ge",
    "bpchar_pattern_gt",
    "bpchar_pattern_le",
    "bpchar_pattern_lt",
    "bpchareq",
    "bpcharlike",
    "bpcharne",
    "bpcharnlike",
    "btrim",
    "cardinality",
    "char",
    "char_length",
    "character_length",
    "count",
    "date_part",
    "date_trunc",
    "daterange",
    "decode",
    "encode",
    "extract",
    "first_value",
    "int4range",
    "int8range",
    "json_extract_path",
    "json_extract_path_text",
    "json_object",
    "json_object_field",
    "json_object_field_text",
    "jsonb_delete",
    "jsonb_delete_path",
    "jsonb_exists",
    "jsonb_exists_all",
    "jsonb_exists_any",
    "jsonb_extract_path",
    "jsonb_extract_path_text",
    "jsonb_insert",
    "jsonb_object",
    "jsonb_object_field",
    "jsonb_object_field_text",
    "jsonb_set",
    "jsonb_set_lax",
    "lag",
    "last_value",
    "lead",
    "left",
    "length",
    "like",
    "like_escape",
    "lpad",
    "ltrim",
    "md5",
    "name",
    "nameeqtext",
    "namelike",
    "namenetext",
    "namenlike",
    "notlike",
    "nth_value",
    "num_nonnulls",
    "num_nulls",
    "numrange",
    "octet_length",
    "overlay",
    "position",
    "quote_literal",
    "quote_nullable",
    "repeat",
    "replace",
    "reverse",
    "right",
    "rpad",
    "rtrim",
    "split_part",
    "starts_with",
    "string_agg",
    "string_to_array",
    "strpos",
    "substr",
    "text",
    "text_pattern_ge",
    "text_pattern_gt",
    "text_pattern_le",
    "text_pattern_lt",
    "textcat",
    "texteq",
    "texteqname",
    "textlen",
    "textlike",
    "textne",
    "textnename",
    "textnlike",
    "timezone",
    "translate",
    "trim_array",
    "tsrange",
    "tstzrange",
    "unistr",
    "varchar",
};

static int
compare_names(const void *name, const void *entry)
{
    return strcmp(name, *(const char *const *) entry);
}

/* ---- regular expressions ---- */

/* Those that look at the text by a pattern, which is the second argument. */
static bool
is_of_pattern(const char *name)
{
    static const char *const names[] = { "textregexeq",   "textregexne",   "bpcharregexeq",
                                         "bpcharregexne", "nameregexeq",   "nameregexne",
                                         "regexp_count",  "regexp_instr",  "regexp_like",
                                         "regexp_match",  "regexp_substr", "regexp_split_to_array",
                                         "substring",     "regexp_replace" };

    for (size_t i = 0; i < lengthof(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* No class of characters, which a locale decides on, and no options. */
static bool
is_plain_pattern(const char *pattern)
{
    if (strncmp(pattern, "***", 3) == 0 || strstr(pattern, "(?") != NULL)
        return false;
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '[' && strchr(":.=", pattern[1]) != NULL && pattern[1] != '\0')
            return false;
        if (*pattern != '\\')
            continue;
        pattern++;
        if (*pattern == '\0' || isalnum((unsigned char) *pattern))
            return false;
    }
    return true;
}

static const char *
constant_text(const Node *node)
{
    if (!IsA(node, Const) || ((const Const *) node)->constisnull ||
        ((const Const *) node)->consttype != TEXTOID)
        return NULL;
    return TextDatumGetCString(((const Const *) node)->constvalue);
}

/* A pattern that means the same everywhere; further texts are flags (but the one that is put in
 * the place of what was found). */
static bool
has_plain_pattern(const char *name, List *args)
{
    bool is_replace = strcmp(name, "regexp_replace") == 0;
    const char *pattern;

    if (list_length(args) < 2)
        return false;
    /* substring(text, integer) has none. */
    if (strcmp(name, "substring") == 0 && exprType(lsecond(args)) == INT4OID)
        return true;
    pattern = constant_text(lsecond(args));
    if (pattern == NULL || !is_plain_pattern(pattern))
        return false;
    for (int i = 2; i < list_length(args); i++) {
        const Node *arg = list_nth(args, i);
        const char *flags;

        if (exprType(arg) != TEXTOID || (is_replace && i == 2))
            continue;
        flags = constant_text(arg);
        if (flags == NULL || strspn(flags, "gc") != strlen(flags))
            return false;
    }
    return true;
}

IdcCollation
fdw_builtin_collation(Oid function, List *args, Oid collation)
{
    IdcCollation by = fdw_collation(collation);
    const char *name;

    if (by == IDC_COLLATION_NONE || by == IDC_COLLATION_LOOSE)
        return by;
    name = get_func_name(function);
    if (bsearch(name, collation_free, lengthof(collation_free), sizeof *collation_free,
                compare_names) != NULL)
        return IDC_COLLATION_NONE;
    return is_of_pattern(name) && has_plain_pattern(name, args) ? IDC_COLLATION_NONE : by;
}

/* ---- calls ---- */

const IdcExpr *
fdw_cast_made(FdwTranslation *translation, const IdcExpr *expr, IdcType type)
{
    if (expr->type.oid == type.oid)
        return expr;
    return fdw_expr_made(translation->arena, IDC_EXPR_CAST, 0, type, IDC_COLLATION_NONE, &expr, 1);
}

/* As the function declares its arguments; NULL: one cannot be said. */
const IdcExpr *const *
fdw_translate_arguments(FdwTranslation *translation, List *nodes, const Oid *declared,
                        int declared_count)
{
    const IdcExpr **args = palloc(sizeof(*args) * (size_t) (list_length(nodes) + 1));
    ListCell *cell;

    foreach (cell, nodes) {
        int i = foreach_current_index(cell);
        const IdcExpr *made = fdw_translate_node(translation, lfirst(cell));

        if (made == NULL)
            return NULL;
        if (i < declared_count && get_typtype(declared[i]) != TYPTYPE_PSEUDO)
            made = fdw_cast_made(translation, made, fdw_type(declared[i], -1));
        args[i] = made;
    }
    return args;
}

static const IdcExpr *
call_made(FdwTranslation *translation, IdcCallKind how, const char *name, IdcType type,
          IdcCollation by, const IdcExpr *const *args, List *nodes)
{
    const IdcExpr *made =
        idc_expr_call(translation->arena, how, name, type, by, args, (size_t) list_length(nodes));
    IdcError err;

    if (made == NULL)
        fdw_check(idc_fail_no_memory(&err), &err);
    return made;
}

const IdcExpr *
fdw_translate_builtin(FdwTranslation *translation, IdcCallKind how, Oid function, const char *name,
                      List *nodes, const Node *node, Oid collation)
{
    IdcCollation by = fdw_builtin_collation(function, nodes, collation);
    const IdcExpr *const *args;
    Oid *declared;
    int count;

    if (!fdw_is_builtin(function))
        return fdw_untranslatable(translation, "a function or operator that sources do not know");
    if (by == IDC_COLLATION_LOOSE)
        return fdw_untranslatable(translation, "its collation takes different texts for equal");
    (void) get_func_signature(function, &declared, &count);
    if (how == IDC_CALL_ANY || how == IDC_CALL_ALL)
        count = 0;
    args = fdw_translate_arguments(translation, nodes, declared, count);
    if (args == NULL)
        return NULL;
    return call_made(translation, how, name, fdw_type(exprType(node), -1), by, args, nodes);
}

const IdcExpr *
fdw_translate_builtin_node(FdwTranslation *translation, Node *node)
{
    if (IsA(node, FuncExpr)) {
        FuncExpr *call = (FuncExpr *) node;

        return fdw_translate_builtin(
            translation, call->funcvariadic ? IDC_CALL_VARIADIC : IDC_CALL_FUNCTION, call->funcid,
            get_func_name(call->funcid), call->args, node, call->inputcollid);
    }
    if (IsA(node, OpExpr)) {
        OpExpr *call = (OpExpr *) node;

        set_opfuncid(call);
        return fdw_translate_builtin(translation, IDC_CALL_OPERATOR, call->opfuncid,
                                     get_opname(call->opno), call->args, node, call->inputcollid);
    }
    if (IsA(node, ScalarArrayOpExpr)) {
        ScalarArrayOpExpr *call = (ScalarArrayOpExpr *) node;

        set_sa_opfuncid(call);
        return fdw_translate_builtin(translation, call->useOr ? IDC_CALL_ANY : IDC_CALL_ALL,
                                     call->opfuncid, get_opname(call->opno), call->args, node,
                                     call->inputcollid);
    }
    return fdw_untranslatable(translation, "a function or operator that sources do not know");
}

/* ---- arrays ---- */

const IdcExpr *
fdw_translate_array(FdwTranslation *translation, const ArrayExpr *node)
{
    const IdcExpr *const *args;

    if (node->multidims)
        return fdw_untranslatable(translation, "an array of arrays");
    args = fdw_translate_arguments(translation, node->elements, NULL, 0);
    if (args == NULL)
        return NULL;
    return call_made(translation, IDC_CALL_ARRAY, NULL, fdw_type(node->array_typeid, -1),
                     IDC_COLLATION_NONE, args, node->elements);
}

const IdcExpr *
fdw_translate_element(FdwTranslation *translation, const SubscriptingRef *node)
{
    const IdcExpr *const *args;
    List *nodes;

    if (node->reflowerindexpr != NIL || node->refassgnexpr != NULL)
        return fdw_untranslatable(translation, "a slice of an array");
    nodes = lcons(node->refexpr, list_copy(node->refupperindexpr));
    args = fdw_translate_arguments(translation, nodes, NULL, 0);
    if (args == NULL)
        return NULL;
    return call_made(translation, IDC_CALL_ELEMENT, NULL,
                     fdw_type(exprType((const Node *) node), -1), IDC_COLLATION_NONE, args, nodes);
}
