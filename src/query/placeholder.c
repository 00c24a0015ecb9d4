/* placeholder */ typedef int idc_query_placeholder;
