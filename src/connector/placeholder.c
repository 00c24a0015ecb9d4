/* placeholder */ typedef int idc_connector_placeholder;
