/*
 * analyse.c - parsing and analysing a query, and refusing what is not one.
 */
#include "fdw/analyse.h"

#include <catalog/pg_type.h>
#include <nodes/nodeFuncs.h>
#include <nodes/parsenodes.h>
#include <tcop/tcopprot.h>
#include <tcop/utility.h>
#include <utils/memutils.h>

typedef struct Survey {
    int last_parameter;
    bool is_timeless;
} Survey;

static void refuse(const char *what) __attribute__((noreturn));

static void
refuse(const char *what)
{
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("instant.arrow cannot run %s", what),
             errhint("It runs one SELECT, VALUES, TABLE or WITH that only reads.")));
}

/* Literals of date and time types that mean the moment at which they are read. */
static bool
names_a_moment(const char *literal)
{
    static const char *const words[] = { "now", "today", "tomorrow", "yesterday" };

    for (size_t i = 0; i < lengthof(words); i++)
        if (strcasestr(literal, words[i]) != NULL)
            return true;
    return false;
}

static bool
survey_node(Node *node, void *context)
{
    Survey *survey = context;

    if (node == NULL)
        return false;
    if (IsA(node, ParamRef))
        survey->last_parameter = Max(survey->last_parameter, ((ParamRef *) node)->number);
    if (IsA(node, A_Const)) {
        A_Const *constant = (A_Const *) node;

        if (!constant->isnull && IsA(&constant->val, String) &&
            names_a_moment(strVal(&constant->val)))
            survey->is_timeless = false;
    }
    return raw_expression_tree_walker(node, survey_node, context);
}

static RawStmt *
parse(const char *text, const FdwArguments *arguments, bool *is_timeless)
{
    List *statements = pg_parse_query(text);
    Survey survey = { .is_timeless = true };
    RawStmt *statement;

    if (statements == NIL)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the query is empty")));
    if (list_length(statements) > 1)
        refuse("more than one statement");
    statement = linitial_node(RawStmt, statements);
    if (!IsA(statement->stmt, SelectStmt))
        refuse(GetCommandTagName(CreateCommandTag(statement->stmt)));
    (void) survey_node(statement->stmt, &survey);
    if (survey.last_parameter != arguments->count)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("the query has %d parameters, %d were given", survey.last_parameter,
                               arguments->count)));
    *is_timeless = survey.is_timeless;
    return statement;
}

static void
check_query(List *queries)
{
    Query *query;

    if (list_length(queries) != 1)
        refuse("a statement that rules turn into several");
    query = linitial_node(Query, queries);
    if (query->commandType != CMD_SELECT)
        refuse("SELECT INTO");
    if (query->hasModifyingCTE)
        refuse("WITH that writes");
}

CachedPlanSource *
fdw_analyse(const char *text, const FdwArguments *arguments, int cursor_options, bool *is_timeless)
{
    RawStmt *statement = parse(text, arguments, is_timeless);
    CachedPlanSource *source = CreateCachedPlan(statement, text, CMDTAG_SELECT);
    Oid *types = palloc_array(Oid, arguments->count + 1);
    int count = arguments->count;
    List *queries;

    for (int i = 0; i < count; i++)
        types[i] = arguments->types[i];
    queries = pg_analyze_and_rewrite_varparams(statement, text, &types, &count, NULL);
    check_query(queries);
    for (int i = 0; i < count; i++)
        if (types[i] == InvalidOid || types[i] == UNKNOWNOID)
            ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_DATATYPE),
                            errmsg("could not determine data type of parameter $%d", i + 1)));
    /* Without a context of their own the trees are copied: what analysis left behind stays ours. */
    CompleteCachedPlan(source, queries, NULL, types, count, NULL, NULL, cursor_options, false);
    return source;
}
