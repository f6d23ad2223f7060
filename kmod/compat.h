/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels, behind one name each, so that the sources
 * read as if there were only one kernel.  The HAVE_ names are from ./probe.
 */
#ifndef MEMMAPD_COMPAT_H
#define MEMMAPD_COMPAT_H

#include <linux/memory-tiers.h>
#include <linux/sysfs.h>

#include "target.h"

/* put_memory_type() was destroy_memory_type() before 6.7. */
#ifndef HAVE_PUT_MEMORY_TYPE
#define put_memory_type destroy_memory_type
#endif

/* Before 6.7, nobody knew how far away a node is. */
#ifndef HAVE_MT_CALC_ADISTANCE
static inline int mt_calc_adistance(int node, int *adist)
{
	return 0;
}
#endif

/* Binary attributes became constant in steps, from 6.13 on. */
#ifdef HAVE_CONST_BIN_ATTRIBUTE
#define compat_const_attr const
#else
#define compat_const_attr
#endif
#ifdef HAVE_CONST_BIN_ATTRS
#define compat_const_attrs const
#else
#define compat_const_attrs
#endif

#endif
