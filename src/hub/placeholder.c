/* placeholder */ typedef int idc_hub_placeholder;
