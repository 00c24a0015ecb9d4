/*
 * remove.h - removing files and folders of ours; symbolic links are removed, never followed.
 */
#ifndef IDC_HUB_REMOVE_H
#define IDC_HUB_REMOVE_H

#include <stddef.h>

/* A folder with everything in it. What cannot be removed stays: look afterwards. */
void idc_remove_tree(const char *path);

/* Each folder in directory whose name begins so. */
void idc_remove_matching(const char *directory, const char *beginning);

/* The files in directory whose names begin so, except for the kept last ones in the order of names.
 */
void idc_remove_oldest(const char *directory, const char *beginning, size_t kept);

#endif
