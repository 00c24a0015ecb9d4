/* placeholder */ typedef int idc_arrow_placeholder;
