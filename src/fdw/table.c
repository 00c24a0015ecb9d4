/*
 * table.c - a foreign table as the SCAN of some of its columns.
 */
#include "fdw/table.h"

#include "fdw/foreign.h"
#include "fdw/server.h"

#include <catalog/heap.h>

Form_pg_attribute
fdw_attribute(TupleDesc descriptor, int number)
{
    if (number > 0)
        return TupleDescAttr(descriptor, number - 1);
    return (Form_pg_attribute) SystemAttributeDefinition((AttrNumber) number);
}

List *
fdw_table_attributes(Relation table)
{
    TupleDesc descriptor = RelationGetDescr(table);
    List *attributes = NIL;

    for (int i = 0; i < descriptor->natts; i++) {
        Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

        if (!attribute->attisdropped && attribute->attgenerated == '\0')
            attributes = lappend_int(attributes, i + 1);
    }
    return attributes;
}

const IdcRelation *
fdw_table_relation(Relation table, List *attributes)
{
    size_t count = (size_t) list_length(attributes);
    IdcRelationColumn *columns = palloc0(sizeof *columns * (count + 1));
    IdcOptionSet options = fdw_table_options(RelationGetRelid(table));

    for (size_t i = 0; i < count; i++) {
        int number = list_nth_int(attributes, (int) i);
        Form_pg_attribute attribute = fdw_attribute(RelationGetDescr(table), number);

        columns[i].name = fdw_utf8(NameStr(attribute->attname));
        columns[i].type = fdw_type(attribute->atttypid, attribute->atttypmod);
        columns[i].collation = fdw_collation(attribute->attcollation);
        columns[i].is_not_null = attribute->attnotnull;
        if (number > 0)
            columns[i].options = fdw_column_options(RelationGetRelid(table), (AttrNumber) number);
    }
    return idc_relation_scan(idc_arena_new(0), fdw_utf8(RelationGetRelationName(table)), &options,
                             columns, count);
}
