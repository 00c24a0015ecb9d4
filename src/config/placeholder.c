/* placeholder */ typedef int idc_config_placeholder;
