/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The blocks of a device in the description, one by one. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* What a block is to those who look at many of them. */
enum block_kind {
        BLOCK_KIND_ABSENT,
        BLOCK_KIND_FAILED,
        BLOCK_KIND_OFFLINE,
        BLOCK_KIND_BETWEEN,
        BLOCK_KIND_SEED,        /* ... as "remove" takes it: it may hold memmaps of others */
        BLOCK_KIND_RAM,
        BLOCK_KIND_RAM_KERNEL,
        BLOCK_KIND_DEVICE,
        BLOCK_KIND_DEVICE_KERNEL,
        BLOCK_KIND_HOSTED,
        BLOCK_KIND_HOSTED_KERNEL,
        BLOCK_KIND_UNKNOWN,     /* where its memmap is */
        _BLOCK_KIND_MAX,
};

/* Lives as long as the device's object. */
struct blocks {
        const char *map, *states;       /* see memmapctl(1) */
        size_t n;
        bool seeds;                     /* there are memmaps in other blocks */
};

/* False if nothing is known of them. */
bool blocks_get(struct blocks *ret, struct json_object *device);

enum block_kind block_kind(const struct blocks *b, size_t i);

/* Those that follow each other and are the same, in a new array. */
struct json_object *blocks_runs(struct json_object *device);
