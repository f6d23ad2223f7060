/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From sysfs and /proc to the model: what is there now, nothing assumed.
 */
#pragma once

#include "model.h"
#include "sysfs.h"

/* Returns 0 and a model in @ret, or a negative errno if the machine cannot be read. */
int probe(const struct sysfs *s, struct model **ret);

struct model *model_free(struct model *m);
DEFINE_CLEANUP(struct model *, model_free)

/* Parts of it, on their own for those who need no more. */
int probe_nodes(const struct sysfs *s, struct node **ret, size_t *ret_n);
struct node *nodes_free(struct node *nodes, size_t n);
int probe_device(const struct sysfs *s, const struct model *m, const char *name,
                 struct device *ret);

/* What the machine says it has left: MemAvailable. */
int probe_available(const struct sysfs *s, uint64_t *ret);

/* What is behind @d, whose backing and region are known. */
void probe_memdevs(const struct sysfs *s, struct device *d);

/* The expander of the name that @dev has: what it says of itself. */
void probe_expander(const struct sysfs *s, struct memdev *dev);

enum block_state probe_block_state(const struct sysfs *s, uint64_t number);

/* State and zone of the block of that number. */
void probe_block(const struct sysfs *s, struct block *b);

/* The letters of the module's map. */
enum placement placement_from_map(char c);

/* Text of /proc/zoneinfo into the kernel_* fields of @nodes.  -EBADMSG if it is none. */
int zoneinfo_parse(const char *text, uint64_t page_size, struct node *nodes, size_t n);

/* Text of /proc/buddyinfo into kernel_free_huge. */
void buddyinfo_parse(const char *text, uint64_t page_size, struct node *nodes, size_t n);
