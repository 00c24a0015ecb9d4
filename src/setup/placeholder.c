/* placeholder */ typedef int idc_setup_placeholder;
