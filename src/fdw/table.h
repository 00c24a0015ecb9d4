/*
 * table.h - a foreign table as the SCAN of some of its columns, without a planner.
 */
#ifndef IDC_FDW_TABLE_H
#define IDC_FDW_TABLE_H

#include "fdw/pg.h"

#include <nodes/pg_list.h>
#include <utils/rel.h>
#include "relation/relation.h"

/* attributes: numbers from 1, in the order of the SCAN's columns. Memory of the current context. */
extern const IdcRelation *fdw_table_relation(Relation table, List *attributes);
/* Those that are neither dropped nor generated. */
extern List *fdw_table_attributes(Relation table);

/* Of a column, or of the system column ctid. */
Form_pg_attribute fdw_attribute(TupleDesc descriptor, int number);

#endif
