/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine as memmapd sees it: what the probe read, nothing decided yet.
 *
 * Plain data without file descriptors.  Sizes are bytes unless a name says
 * otherwise; a memory block is counted from the start of its device.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a dax device's memory is made of. */
enum backing {
        BACKING_UNKNOWN,
        BACKING_PMEM,           /* an NVDIMM namespace: its contents persist */
        BACKING_CXL,            /* a CXL region */
        BACKING_HMEM,           /* set aside by the firmware (soft reserved) */
        _BACKING_MAX,
};

/* What a memory device says of itself. */
enum health {
        HEALTH_OK,
        HEALTH_FAILING,
        _HEALTH_MAX,
};

/* Who drives the device now. */
enum holder {
        HOLDER_NONE,
        HOLDER_MEMMAPD,         /* our module */
        HOLDER_DEVICE_DAX,      /* /dev/daxX.Y */
        HOLDER_KMEM,            /* the kernel's own driver */
        HOLDER_OTHER,
        _HOLDER_MAX,
};

/* Where the memmap of a block is, or shall be. */
enum placement {
        PLACEMENT_NONE,         /* the block is not plugged */
        PLACEMENT_RAM,          /* anywhere but on the device */
        PLACEMENT_DEVICE,       /* on the block itself (altmap) */
        PLACEMENT_SEED,         /* in another block of the same device */
        _PLACEMENT_MAX,
};

enum zone {
        ZONE_NONE,
        ZONE_KERNEL,            /* DMA, DMA32 or Normal */
        ZONE_MOVABLE,
        _ZONE_MAX,
};

enum block_state {
        BLOCK_ABSENT,
        BLOCK_OFFLINE,          /* plugged */
        BLOCK_ONLINE,
        BLOCK_GOING,            /* in between */
        _BLOCK_STATE_MAX,
};

struct block {
        uint64_t number;        /* N of /sys/devices/system/memory/memoryN */
        enum block_state state;
        enum placement placement;
        enum zone zone;         /* of an online block */
        bool failed;            /* a step on it failed for good; let it be */
};

/* A node with its memory that the kernel can use for its own ends. */
struct node {
        int id;
        uint64_t total;                 /* MemTotal, all zones */
        bool has_kernel_zone;
        uint64_t kernel_total;          /* managed, all kernel zones */
        uint64_t kernel_free;
        uint64_t kernel_free_huge;      /* of it, in pieces that hold a page table leaf (2 MiB) */
        uint64_t kernel_reclaimable;    /* page cache and slab the kernel would give up */
        uint64_t kernel_watermark;      /* below this it does not hand out */
        uint64_t promised;              /* to devices still being taken in */
        uint64_t dax_kernel;            /* of kernel_total: what dax devices brought; tally.h */
        size_t n_distances;
        unsigned int *distances;        /* to node 0, 1, ...; 0: not known */
};

/* What of a memory device is known. */
enum {
        MEMDEV_SERIAL           = 1 << 0,
        MEMDEV_VENDOR           = 1 << 1,
        MEMDEV_PRODUCT          = 1 << 2,
        MEMDEV_QOS_CLASS        = 1 << 3,
        MEMDEV_HEALTH           = 1 << 4,
        MEMDEV_NODE             = 1 << 5,
};

/* A region is made of so many at most; CXL has no more. */
#define MEMDEVS_MAX 16

/* What the memory is in: an expander or an NVDIMM. */
struct memdev {
        char name[24];                  /* mem0, nmem0 */
        char firmware[40];              /* "": not known */
        unsigned int known;             /* MEMDEV_* */
        uint64_t serial;
        unsigned int vendor, product;   /* PCI's numbers */
        int qos_class;
        int numa_node;                  /* that it is plugged in nearest to */
        enum health health;
};

struct device {
        char name[32];                  /* dax0.0 */
        uint64_t identity;              /* another one under the same name has another */
        char region[64];                /* its parent in sysfs */
        char decoder[24];               /* root decoder that a CXL region is in; "": none */
        enum backing backing;
        char uuid[40];                  /* of a namespace, as ndctl shows it; "": not known */
        bool memdevs_known;             /* these are all there are */
        size_t n_memdevs;
        struct memdev memdevs[MEMDEVS_MAX];
        enum holder holder;
        char driver[32];
        int target_node;                /* its memory's node once online; -1: none */
        int numa_node;                  /* nearest node that is online now; -1: unknown */
        uint64_t size;
        bool node_open;                 /* somebody has /dev/daxX.Y open */
        int error;                      /* negative errno: could not be read, nothing else holds */
        bool measured;                  /* blocks are exact: the module has bound it */
        bool adopted;                   /* memmapd bound it to the driver that holds it */
        bool can_place;                 /* it can be told where kmem's memmaps go */
        /* A memmap was found in RAM that was meant for its own block, or for a
         * seed: such orders are not relied on any more. */
        bool stray_device, stray_seed;
        bool settled;                   /* taken in before; what is missing was taken out by hand */
        uint64_t trimmed;
        uint64_t memmap_size;           /* of one block */
        uint64_t memmaps;               /* bytes of those not on their own blocks; tally.h */
        /* One more than the number of the lowest online block, 0 where there is none; tally.h */
        uint64_t above_lowest[_ZONE_MAX];
        size_t n_blocks;
        struct block *blocks;
};

struct model {
        uint64_t block_size;
        bool module_loaded;             /* memmapd_kmem */
        char module_why[128];           /* if not: why, in words */
        bool kmem_loaded;               /* the kernel's own driver */
        bool memmap_on_memory;          /* the kernel can put a memmap on its own block */
        char memmap_on_memory_why[128]; /* if not: why, in words */
        /* To be brought online for devices still being taken in. */
        uint64_t promised_movable, promised_kernel;
        uint64_t memmaps;               /* of all devices */
        size_t n_nodes;
        struct node *nodes;
        size_t n_devices;
        struct device *devices;
};

const char *backing_to_string(enum backing b);
const char *holder_to_string(enum holder h);
const char *placement_to_string(enum placement p);
const char *zone_to_string(enum zone z);

/* -1 if there is none of that name. */
int backing_from_string(const char *s);

const char *health_to_string(enum health h);
int health_from_string(const char *s);

const struct node *model_node(const struct model *m, int id);
struct device *model_device(const struct model *m, const char *name);

struct device_counts {
        size_t plugged, online, failed;
        size_t ram, device, seed;       /* memmaps of plugged blocks, by place */
        size_t kernel, movable;         /* online blocks, by zone */
};

struct device_counts device_count(const struct device *d);
