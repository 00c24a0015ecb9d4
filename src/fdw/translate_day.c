/*
 * translate_day.c - a column of dates beside a moment: day >= current_date - interval '7 days'.
 *
 * PostgreSQL compares the moment at which the day begins. Instead of a cast of the column, which
 * few sources have, the hub finds the day that divides those before the moment from the others:
 *
 *   day > m, day <= m    the last day that does not begin after m
 *   day >= m, day < m    the first day that does not begin before m
 *
 * With a time zone the day of m itself may begin after m (a midnight that comes twice), and the one
 * before may begin with it (a day that was left out of the calendar).
 */
#include "fdw/translate.h"

#include <catalog/pg_type.h>
#include <nodes/makefuncs.h>
#include <nodes/nodeFuncs.h>
#include <optimizer/optimizer.h>
#include <utils/fmgroids.h>
#include <utils/lsyscache.h>

static Expr *
call(Oid function, Oid type, List *args)
{
    return (Expr *) makeFuncExpr(function, type, args, InvalidOid, InvalidOid,
                                 COERCE_EXPLICIT_CALL);
}

static Expr *
moved(Expr *day, int days)
{
    Const *number =
        makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(1), false, true);

    if (days == 0)
        return day;
    return call(days > 0 ? F_DATE_PLI : F_DATE_MII, DATEOID, list_make2(day, number));
}

/* When `day`, moved by so many days, begins, compared with the moment. */
static Expr *
begins(Expr *day, int days, bool is_before_or_at, Node *moment, bool has_zone)
{
    Expr *begin = call(has_zone ? F_TIMESTAMPTZ_DATE : F_TIMESTAMP_DATE,
                       has_zone ? TIMESTAMPTZOID : TIMESTAMPOID, list_make1(moved(day, days)));
    Oid function = has_zone ? (is_before_or_at ? F_TIMESTAMPTZ_LE : F_TIMESTAMPTZ_GE)
                            : (is_before_or_at ? F_TIMESTAMP_LE : F_TIMESTAMP_GE);

    return call(function, BOOLOID, list_make2(begin, moment));
}

static CaseWhen *
when(Expr *condition, Expr *result)
{
    CaseWhen *made = makeNode(CaseWhen);

    made->expr = condition;
    made->result = result;
    made->location = -1;
    return made;
}

static Node *
first_that(List *whens, Expr *otherwise)
{
    CaseExpr *made = makeNode(CaseExpr);

    made->casetype = DATEOID;
    made->args = whens;
    made->defresult = otherwise;
    made->location = -1;
    return eval_const_expressions(NULL, (Node *) made);
}

Node *
fdw_day_beside(IdcCompare op, Node *moment)
{
    Oid type = getBaseType(exprType(moment));
    bool has_zone = type == TIMESTAMPTZOID;
    Expr *day;

    if ((type != TIMESTAMPOID && !has_zone) || op < IDC_LT || op > IDC_GE)
        return NULL;
    day = call(has_zone ? F_DATE_TIMESTAMPTZ : F_DATE_TIMESTAMP, DATEOID, list_make1(moment));
    if (op == IDC_GT || op == IDC_LE)
        return first_that(list_make1(when(begins(day, 0, true, moment, has_zone), day)),
                          moved(day, -1));
    return first_that(list_make2(when(begins(day, -1, false, moment, has_zone), moved(day, -1)),
                                 when(begins(day, 0, false, moment, has_zone), day)),
                      moved(day, 1));
}
