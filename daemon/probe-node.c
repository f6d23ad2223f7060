/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "probe.h"

/*
 * Index of ZONE_NORMAL in the "protection" of a zone: what it keeps back from
 * an allocation that may use ZONE_NORMAL, as one for a memmap may
 * (lowmem_reserve, mm/page_alloc.c).  ZONE_DMA and ZONE_DMA32 come before.
 */
#define PROTECTION_NORMAL 2

/* MAX_NUMNODES is 1024 at most. */
#define NODE_MAX 1023

/* No zone has more; what says so is broken and not to be believed. */
#define PAGES_MAX (1ULL << 40)
#define KB_MAX (PAGES_MAX * 4)

/* Pages of one zone. */
struct zone_info {
        int node;
        bool kernel, broken;
        uint64_t free, low, high, managed, protection, file;
};

static struct node *find(struct node *nodes, size_t n, int id) {
        for (size_t i = 0; i < n; i++)
                if (nodes[i].id == id)
                        return &nodes[i];
        return NULL;
}

static uint64_t min_u64(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

/* Some cache is always in use: the kernel's own estimate, si_mem_available(). */
static uint64_t reclaimable(uint64_t pages, uint64_t low) {
        return pages - min_u64(pages / 2, low);
}

static void add_zone(const struct zone_info *z, uint64_t page_size, struct node *nodes, size_t n) {
        struct node *node = find(nodes, n, z->node);

        if (!node || !z->kernel || z->managed == 0)
                return;
        node->has_kernel_zone = true;
        node->kernel_total += z->managed * page_size;
        node->kernel_free += z->free * page_size;
        node->kernel_reclaimable += reclaimable(z->file, z->low) * page_size;
        /* No zone's reserve is paid by another one. */
        node->kernel_watermark += min_u64(z->free, z->high + z->protection) * page_size;
}

static bool is_kernel_zone(const char *name) {
        return strcmp(name, "DMA") == 0 || strcmp(name, "DMA32") == 0 ||
                strcmp(name, "Normal") == 0;
}

static void parse_protection(const char *list, struct zone_info *z) {
        for (int i = 0; *list; i++) {
                char *end;
                uint64_t v = strtoull(list, &end, 10);

                if (end == list)
                        return;
                if (i == PROTECTION_NORMAL) {
                        z->protection = v;
                        z->broken |= v > PAGES_MAX;
                }
                list = end + strspn(end, ", )");
        }
}

static void parse_number(const char *key, uint64_t v, struct zone_info *z) {
        /* Of a CPU's list: free, though not counted as such. */
        if (strcmp(key, "count:") == 0)
                z->free += v;
        else if (strcmp(key, "low") == 0)
                z->low = v;
        else if (strcmp(key, "high") == 0)
                z->high = v;
        else if (strcmp(key, "managed") == 0)
                z->managed = v;
        else if (strcmp(key, "nr_zone_inactive_file") == 0 ||
                 strcmp(key, "nr_zone_active_file") == 0)
                z->file += v;
        else
                return;
        z->broken |= v > PAGES_MAX;
}

static void parse_line(const char *line, struct zone_info *z) {
        unsigned long long v;
        char key[40];

        line += strspn(line, " ");
        if (sscanf(line, "pages free %llu", &v) == 1) {
                z->free = v;
                z->broken |= v > PAGES_MAX;
        } else if (strncmp(line, "protection: (", 13) == 0)
                parse_protection(line + 13, z);
        else if (sscanf(line, "%39s %llu", key, &v) == 2)
                parse_number(key, v, z);
}

int zoneinfo_parse(const char *text, uint64_t page_size, struct node *nodes, size_t n) {
        struct zone_info z = { .node = -1 };
        bool broken = false;
        size_t zones = 0;

        for (const char *next; *text; text = next) {
                size_t length = strcspn(text, "\n");
                char line[160], name[16];
                int node;

                next = text + length + (text[length] == '\n');
                snprintf(line, sizeof(line), "%.*s", (int) min_u64(length, sizeof(line) - 1), text);
                if (sscanf(line, "Node %d, zone %15s", &node, name) == 2) {
                        add_zone(&z, page_size, nodes, n);
                        broken |= z.broken;
                        z = (struct zone_info) { .node = node, .kernel = is_kernel_zone(name) };
                        zones++;
                } else
                        parse_line(line, &z);
        }
        add_zone(&z, page_size, nodes, n);
        return zones > 0 && !broken && !z.broken ? 0 : -EBADMSG;
}

/*
 * A leaf of the page table for the memmap covers 2 MiB: 512 pages, order 9, of
 * any page that is a power of two of those.
 */
#define HUGE_ORDER 9

static uint64_t huge_pages(const char *counts) {
        uint64_t pages = 0;
        char *end;

        for (unsigned int order = 0; order < 64; order++, counts = end) {
                uint64_t n = strtoull(counts, &end, 10);

                if (end == counts)
                        break;
                if (order >= HUGE_ORDER)
                        pages += n << order;
        }
        return pages;
}

void buddyinfo_parse(const char *text, uint64_t page_size, struct node *nodes, size_t n) {
        for (const char *line = text; *line;) {
                const char *next = line + strcspn(line, "\n");
                int node, length = 0;
                struct node *found;
                char name[16];

                if (sscanf(line, "Node %d, zone %15s%n", &node, name, &length) == 2 &&
                    is_kernel_zone(name) && (found = find(nodes, n, node)))
                        found->kernel_free_huge += huge_pages(line + length) * page_size;
                line = next + (*next == '\n');
        }
}

static int read_distances(const struct sysfs *s, struct node *n) {
        char buf[4096], *at = buf, *end;
        unsigned long v;

        if (sysfs_read(s, buf, sizeof(buf), "sys/devices/system/node/node%d/distance", n->id) < 0)
                return 0;
        n->distances = calloc(sizeof(buf) / 2, sizeof(*n->distances));
        if (!n->distances)
                return -ENOMEM;
        for (; v = strtoul(at, &end, 10), end != at; at = end)
                n->distances[n->n_distances++] = (unsigned int) v;
        return 0;
}

/*
 * The kernel lists the distances to the nodes that are online, without their
 * numbers.  If they are not as many as the nodes, none is known.
 */
static int number_distances(struct node *n, const struct node *nodes, size_t n_nodes) {
        _cleanup_(freep) unsigned int *list = steal(&n->distances);
        bool match = n->n_distances == n_nodes;
        int last = 0;

        n->n_distances = 0;
        for (size_t i = 0; i < n_nodes; i++)
                last = nodes[i].id > last ? nodes[i].id : last;
        if (!list || !match)
                return 0;
        n->distances = calloc((size_t) last + 1, sizeof(*n->distances));
        if (!n->distances)
                return -ENOMEM;
        n->n_distances = (size_t) last + 1;
        for (size_t i = 0; i < n_nodes; i++)
                n->distances[nodes[i].id] = list[i];
        return 0;
}

/* MemTotal, and the slab that the kernel would give up: the node as a whole has it. */
static void read_meminfo(const struct sysfs *s, struct node *n) {
        char buf[4096];
        unsigned long long kb;

        if (sysfs_read(s, buf, sizeof(buf), "sys/devices/system/node/node%d/meminfo", n->id) < 0)
                return;
        for (char *save = NULL, *line = strtok_r(buf, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save)) {
                if (sscanf(line, "Node %*d MemTotal: %llu", &kb) == 1 && kb <= KB_MAX)
                        n->total = kb * 1024;
                else if (sscanf(line, "Node %*d SReclaimable: %llu", &kb) == 1 && kb <= KB_MAX)
                        n->kernel_reclaimable += kb * 1024 / 2;
        }
}

static int read_nodes(const struct sysfs *s, char **names, struct node *nodes, size_t *n) {
        for (size_t i = 0; names[i]; i++) {
                struct node *node = &nodes[*n];
                char more;
                int r;

                if (sscanf(names[i], "node%d%c", &node->id, &more) != 1 ||
                    node->id < 0 || node->id > NODE_MAX)
                        continue;
                r = read_distances(s, node);
                if (r < 0)
                        return r;
                read_meminfo(s, node);
                (*n)++;
        }
        for (size_t i = 0; i < *n; i++)
                if (number_distances(&nodes[i], nodes, *n) < 0)
                        return -ENOMEM;
        return 0;
}

int probe_nodes(const struct sysfs *s, struct node **ret, size_t *ret_n) {
        _cleanup_(strv_freep) char **names = NULL;
        _cleanup_(freep) char *zoneinfo = NULL, *buddyinfo = NULL;
        uint64_t page_size = (uint64_t) sysconf(_SC_PAGESIZE);
        struct node *nodes;
        size_t n = 0;
        int r;

        r = sysfs_list(s, &names, "sys/devices/system/node");
        if (r < 0)
                return r;
        r = sysfs_read_all(s, &zoneinfo, NULL, "proc/zoneinfo");
        if (r < 0)
                return r;
        r = sysfs_read_all(s, &buddyinfo, NULL, "proc/buddyinfo");
        if (r < 0)
                return r;
        nodes = calloc(strv_length(names) + 1, sizeof(*nodes));
        if (!nodes)
                return -ENOMEM;
        r = read_nodes(s, names, nodes, &n);
        if (r >= 0)
                r = zoneinfo_parse(zoneinfo, page_size, nodes, n);
        if (r >= 0)
                buddyinfo_parse(buddyinfo, page_size, nodes, n);
        if (r < 0) {
                nodes_free(nodes, n);
                return r;
        }
        *ret = nodes;
        *ret_n = n;
        return 0;
}

struct node *nodes_free(struct node *nodes, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(nodes[i].distances);
        free(nodes);
        return NULL;
}

int probe_available(const struct sysfs *s, uint64_t *ret) {
        _cleanup_(freep) char *text = NULL;
        unsigned long long kb;
        const char *line;
        int r;

        r = sysfs_read_all(s, &text, NULL, "proc/meminfo");
        if (r < 0)
                return r;
        line = strstr(text, "MemAvailable:");
        if (!line || sscanf(line, "MemAvailable: %llu", &kb) != 1 || kb > KB_MAX)
                return -EBADMSG;
        *ret = kb * 1024;
        return 0;
}
