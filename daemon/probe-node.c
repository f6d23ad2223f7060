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

/* Pages of one zone. */
struct zone_info {
        int node;
        bool kernel;
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
                if (i == PROTECTION_NORMAL)
                        z->protection = v;
                list = end + strspn(end, ", )");
        }
}

static void parse_line(const char *line, struct zone_info *z) {
        unsigned long long v;
        char key[40];

        line += strspn(line, " ");
        if (sscanf(line, "pages free %llu", &v) == 1)
                z->free = v;
        else if (strncmp(line, "protection: (", 13) == 0)
                parse_protection(line + 13, z);
        else if (sscanf(line, "%39s %llu", key, &v) == 2) {
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
        }
}

int zoneinfo_parse(const char *text, uint64_t page_size, struct node *nodes, size_t n) {
        struct zone_info z = { .node = -1 };
        size_t zones = 0;

        for (const char *next; *text; text = next) {
                size_t length = strcspn(text, "\n");
                char line[160], name[16];
                int node;

                next = text + length + (text[length] == '\n');
                snprintf(line, sizeof(line), "%.*s", (int) min_u64(length, sizeof(line) - 1), text);
                if (sscanf(line, "Node %d, zone %15s", &node, name) == 2) {
                        add_zone(&z, page_size, nodes, n);
                        z = (struct zone_info) { .node = node, .kernel = is_kernel_zone(name) };
                        zones++;
                } else
                        parse_line(line, &z);
        }
        add_zone(&z, page_size, nodes, n);
        return zones > 0 ? 0 : -EBADMSG;
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

/* MemTotal, and the slab that the kernel would give up: the node as a whole has it. */
static void read_meminfo(const struct sysfs *s, struct node *n) {
        char buf[4096];
        unsigned long long kb;

        if (sysfs_read(s, buf, sizeof(buf), "sys/devices/system/node/node%d/meminfo", n->id) < 0)
                return;
        for (char *save = NULL, *line = strtok_r(buf, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save)) {
                if (sscanf(line, "Node %*d MemTotal: %llu", &kb) == 1)
                        n->total = kb * 1024;
                else if (sscanf(line, "Node %*d SReclaimable: %llu", &kb) == 1)
                        n->kernel_reclaimable += kb * 1024 / 2;
        }
}

static int read_nodes(const struct sysfs *s, char **names, struct node *nodes, size_t *n) {
        for (size_t i = 0; names[i]; i++) {
                struct node *node = &nodes[*n];
                int r;

                if (sscanf(names[i], "node%d", &node->id) != 1)
                        continue;
                r = read_distances(s, node);
                if (r < 0)
                        return r;
                read_meminfo(s, node);
                (*n)++;
        }
        return 0;
}

int probe_nodes(const struct sysfs *s, struct node **ret, size_t *ret_n) {
        _cleanup_(strv_freep) char **names = NULL;
        _cleanup_(freep) char *zoneinfo = NULL;
        struct node *nodes;
        size_t n = 0;
        int r;

        r = sysfs_list(s, &names, "sys/devices/system/node");
        if (r < 0)
                return r;
        r = sysfs_read_all(s, &zoneinfo, NULL, "proc/zoneinfo");
        if (r < 0)
                return r;
        for (n = 0; names[n];)
                n++;
        nodes = calloc(n + 1, sizeof(*nodes));
        if (!nodes)
                return -ENOMEM;
        n = 0;
        r = read_nodes(s, names, nodes, &n);
        if (r >= 0)
                r = zoneinfo_parse(zoneinfo, (uint64_t) sysconf(_SC_PAGESIZE), nodes, n);
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
