/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decide.h"

#define PARAMETER "memory_hotplug.memmap_on_memory=1"

static const char *const verdict_words[_VERDICT_MAX] = {
        [VERDICT_TAKE] = "take",
        [VERDICT_IGNORE] = "ignore",
        [VERDICT_REFUSE] = "refuse",
        [VERDICT_SETTLED] = "settled",
};

static const char *const reason_words[_REASON_MAX] = {
        [REASON_RULE] = "rule",
        [REASON_DEFAULTS] = "defaults",
        [REASON_IGNORED] = "ignored",
        [REASON_PMEM] = "pmem",
        [REASON_UNKNOWN_BACKING] = "unknown-backing",
        [REASON_UNREADABLE] = "unreadable",
        [REASON_NODE_OPEN] = "node-open",
        [REASON_HELD] = "held",
        [REASON_NO_TARGET_NODE] = "no-target-node",
        [REASON_TOO_SMALL] = "too-small",
        [REASON_NO_BACKEND] = "no-backend",
        [REASON_BACKEND] = "backend",
        [REASON_LEFT_OUT] = "left-out",
        [REASON_SETTLED] = "settled",
        [REASON_UNKNOWN_FACT] = "unknown-fact",
        [REASON_USE_GIGANTIC] = "use-gigantic-pages",
        [REASON_USE_HVO] = "use-hvo",
        [REASON_USE_REMOVABLE] = "use-removable",
        [REASON_USE_LATENCY] = "use-latency",
        [REASON_USE_CAPACITY] = "use-capacity",
        [REASON_SEEDS_STAY] = "seeds-stay",
        [REASON_LIMIT] = "limit",
        [REASON_LIMIT_LOW] = "limit-low",
        [REASON_LIMIT_WHOLE] = "limit-whole",
        [REASON_COST] = "cost",
        [REASON_SPENT] = "spent",
        [REASON_BUDGET] = "budget",
        [REASON_NO_PAYER] = "no-payer",
        [REASON_FITS] = "fits",
        [REASON_EXCEEDS] = "exceeds",
        [REASON_DEVICE] = "device",
        [REASON_NO_DEVICE] = "no-device",
        [REASON_SEEDS] = "seeds",
        [REASON_SEEDS_FORBIDDEN] = "seeds-forbidden",
        [REASON_SEEDS_SHARED] = "seeds-shared",
        [REASON_SEEDS_OFFLINE] = "seeds-offline",
        [REASON_SEEDS_NO_ROOM] = "seeds-no-room",
        [REASON_NO_ALLOWANCE] = "no-allowance",
        [REASON_MIXED] = "mixed",
        [REASON_WHOLE] = "whole",
        [REASON_ZONES] = "zones",
        [REASON_RATIO] = "ratio",
        [REASON_RATIO_HIGH] = "ratio-high",
        [REASON_HELP_PARAMETER] = "help-parameter",
        [REASON_HELP_BYTES] = "help-bytes",
        [REASON_HELP_SEEDS] = "help-seeds",
        [REASON_HELP_MODULE] = "help-module",
};

const char *verdict_to_string(enum verdict v) {
        return verdict_words[v];
}

const char *reason_to_string(enum reason_code c) {
        return reason_words[c];
}

bool reason_is_help(enum reason_code c) {
        return c == REASON_HELP_PARAMETER || c == REASON_HELP_BYTES || c == REASON_HELP_SEEDS ||
                c == REASON_HELP_MODULE;
}

bool reason_is_cause(enum reason_code c) {
        switch (c) {
        case REASON_IGNORED:
        case REASON_PMEM:
        case REASON_UNKNOWN_BACKING:
        case REASON_UNREADABLE:
        case REASON_NODE_OPEN:
        case REASON_HELD:
        case REASON_NO_TARGET_NODE:
        case REASON_TOO_SMALL:
        case REASON_NO_BACKEND:
        case REASON_SETTLED:
        case REASON_NO_PAYER:
        case REASON_EXCEEDS:
        case REASON_NO_DEVICE:
        case REASON_SEEDS_FORBIDDEN:
        case REASON_SEEDS_STAY:
        case REASON_SEEDS_SHARED:
        case REASON_SEEDS_OFFLINE:
        case REASON_SEEDS_NO_ROOM:
        case REASON_NO_ALLOWANCE:
        case REASON_WHOLE:
        case REASON_LIMIT_LOW:
        case REASON_LIMIT_WHOLE:
                return true;
        default:
                return false;
        }
}

const struct reason *decision_cause(const struct decision *d) {
        if (d->verdict == VERDICT_TAKE)
                return NULL;
        for (size_t i = 0; i < d->n_reasons; i++)
                if (reason_is_cause(d->reasons[i].code))
                        return &d->reasons[i];
        return NULL;
}

struct human {
        char text[24];
};

static struct human human(uint64_t bytes) {
        static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double value = (double) bytes;
        size_t unit = 0;
        struct human h;

        /* 64 bits end before the units do. */
        while (value >= 1024) {
                value /= 1024;
                unit++;
        }
        snprintf(h.text, sizeof(h.text), unit > 0 && value < 100 ? "%.1f %s" : "%.0f %s",
                 value, units[unit]);
        return h;
}

/* "2.5"; whatever is beyond all reason is "more than 9999". */
static struct human ratio_of(uint64_t part, uint64_t whole) {
        double ratio = whole > 0 ? (double) part / (double) whole : 10000;
        struct human h;

        if (ratio >= 9999)
                snprintf(h.text, sizeof(h.text), "more than 9999");
        else
                snprintf(h.text, sizeof(h.text), "%.4g", ratio);
        return h;
}

static struct human amount_text(struct amount a) {
        struct human h;

        if (!a.percent)
                return human(a.value);
        snprintf(h.text, sizeof(h.text), "%.4g%%", (double) a.value / 100);
        return h;
}

static const char *backend_driver(enum backend b) {
        if (b == BACKEND_CHUNKED)
                return "the module memmapd_kmem takes it in block by block";
        return b == BACKEND_NATIVE ? "the kernel's driver, kmem, takes it in as a whole" :
                "the kernel's driver, kmem, takes it in as a whole, all memmaps in RAM";
}

/* The driver that is wanted is not there. */
static void format_no_backend(const struct reason *r, char *buf, size_t size) {
        if (r->a == BACKEND_AUTO)
                snprintf(buf, size, "No driver can take it in: %s. The kernel's own, kmem, is not "
                         "loaded either.", r->text);
        else
                snprintf(buf, size, "The policy asks for the backend %s: %s.",
                         backend_to_string((enum backend) r->a), r->text);
}

const char *reason_format(const struct decision *d, const struct reason *r,
                          char *buf, size_t size) {
        struct human a = human(r->a), b = human(r->b);

        switch (r->code) {
        case REASON_RULE:
                snprintf(buf, size, "Rule %" PRIu64 " matches: \"%s\".", r->a + 1, r->text);
                break;
        case REASON_DEFAULTS:
                snprintf(buf, size, "No rule matches; the defaults apply.");
                break;
        case REASON_UNKNOWN_FACT:
                snprintf(buf, size, "Rule %" PRIu64 ", \"%s\", does not match, as this machine does "
                         "not tell the \"%s\" of the device.", r->a + 1, r->text,
                         match_key((unsigned int) r->b));
                break;
        case REASON_IGNORED:
                snprintf(buf, size, "The policy says to ignore it.");
                break;
        case REASON_PMEM:
                snprintf(buf, size, "It is persistent memory, whose contents would be lost, and no "
                         "rule matches it by \"backing\": \"pmem\" or by its name.");
                break;
        case REASON_UNKNOWN_BACKING:
                snprintf(buf, size, "What its memory is made of is not known, so that it may be "
                         "persistent, and no rule matches it by its name.");
                break;
        case REASON_UNREADABLE:
                snprintf(buf, size, "What sysfs says of it cannot be read or does not agree with "
                         "itself: %s.", r->text);
                break;
        case REASON_NODE_OPEN:
                snprintf(buf, size, "A process has its device node open; see fuser(1).");
                break;
        case REASON_HELD:
                snprintf(buf, size, "The driver %s holds it and its memory is in use.%s", r->text,
                         strcmp(r->text, "kmem") == 0 ?
                         " Once all of it is offline, memmapd takes it over." : "");
                break;
        case REASON_NO_TARGET_NODE:
                snprintf(buf, size, "It has no target node, so the kernel cannot add its memory.");
                break;
        case REASON_TOO_SMALL:
                snprintf(buf, size, "Its %s hold no whole memory block of %s.", a.text, b.text);
                break;
        case REASON_NO_BACKEND:
                format_no_backend(r, buf, size);
                break;
        case REASON_BACKEND:
                snprintf(buf, size, "The backend is %s: %s%s%s.",
                         backend_to_string((enum backend) r->a),
                         backend_driver((enum backend) r->a), r->text[0] ? "; " : "", r->text);
                break;
        case REASON_LEFT_OUT:
                snprintf(buf, size, "%" PRIu64 " blocks were not added by the kernel's driver.",
                         r->a);
                break;
        case REASON_SETTLED:
                snprintf(buf, size, "It was taken in before; what was taken out by hand since "
                         "stays out.");
                break;
        case REASON_USE_GIGANTIC:
                snprintf(buf, size, "Pages of 1 GiB are wanted: blocks go to the zone %s, and no memmap "
                         "onto its own block.", zone_mode_to_string(d->settings.zone));
                break;
        case REASON_USE_HVO:
                snprintf(buf, size, "Huge pages that give back their memmaps (HVO) are wanted: no memmap "
                         "goes onto its own block.");
                break;
        case REASON_USE_REMOVABLE:
                snprintf(buf, size, "It is to be removable: blocks go to the zone %s, without seeds.",
                         zone_mode_to_string(d->settings.zone));
                break;
        case REASON_USE_LATENCY:
                snprintf(buf, size, "Latency is preferred: memmaps go into RAM as far as they fit.");
                break;
        case REASON_USE_CAPACITY:
                snprintf(buf, size, "Capacity is preferred: memmaps go into RAM only if nothing else "
                         "is possible.");
                break;
        case REASON_LIMIT:
                snprintf(buf, size, "At most %" PRIu64 " of its %" PRIu64 " blocks are taken in, by "
                         "\"max_size\": %s, in whole blocks.", r->a, r->b,
                         amount_text(d->settings.max_size).text);
                break;
        case REASON_LIMIT_LOW:
                snprintf(buf, size, "A limit of %s (\"max_size\") holds no whole memory block of %s.", a.text,
                         b.text);
                break;
        case REASON_LIMIT_WHOLE:
                snprintf(buf, size, "A \"max_size\" needs the backend chunked: the kernel's own driver "
                         "takes in a device as a whole.");
                break;
        case REASON_COST:
                snprintf(buf, size, "%" PRIu64 " blocks need a memmap of %s each, %s in all.",
                         r->a, b.text, human(r->a * r->b).text);
                break;
        case REASON_SPENT:
                snprintf(buf, size, "%" PRIu64 " of them have theirs in RAM already (%s).",
                         r->a, human(r->a * r->b).text);
                break;
        case REASON_BUDGET:
                snprintf(buf, size, "Node %d pays for a memmap in RAM and has %s to spare.",
                         r->node, a.text);
                break;
        case REASON_NO_PAYER:
                snprintf(buf, size, "No node has kernel memory of its own.");
                break;
        case REASON_FITS:
                snprintf(buf, size, "Node %d can carry all memmaps: %s of %s.",
                         d->payer, a.text, b.text);
                break;
        case REASON_EXCEEDS:
                snprintf(buf, size, "Node %d cannot carry all memmaps: %s of %s.",
                         d->payer, a.text, b.text);
                break;
        case REASON_DEVICE:
                snprintf(buf, size, "%" PRIu64 " memmaps go onto their own blocks.", r->a);
                break;
        case REASON_NO_DEVICE:
                snprintf(buf, size, "A memmap cannot go onto its own block: %s.", r->text);
                break;
        case REASON_SEEDS:
                snprintf(buf, size, "%" PRIu64 " memmaps go into seeds on node %d, for which "
                         "%" PRIu64 " blocks come online in the kernel zone.", r->b, r->node, r->a);
                break;
        case REASON_SEEDS_FORBIDDEN:
                snprintf(buf, size, "The policy forbids seeds (\"allow_seeds\": false).");
                break;
        case REASON_SEEDS_STAY:
                snprintf(buf, size, "Seeds would stay until all other blocks are gone, and the policy "
                         "wants the memory to be removable.");
                break;
        case REASON_SEEDS_SHARED:
                snprintf(buf, size, "Seeds would not help: node %d has RAM as well, and the kernel "
                         "may put a memmap there.", r->node);
                break;
        case REASON_SEEDS_OFFLINE:
                snprintf(buf, size, "Seeds would have to come online, and the action is \"plug\".");
                break;
        case REASON_SEEDS_NO_ROOM:
                snprintf(buf, size, "The first seed needs %s of RAM for its own memmap, and there "
                         "are %s.", a.text, b.text);
                break;
        case REASON_NO_ALLOWANCE:
                snprintf(buf, size, "Node %d must be able to bear %s, as the kernel may put a "
                         "memmap into RAM against orders, and has %s to spare.", r->node, a.text,
                         b.text);
                break;
        case REASON_MIXED:
                snprintf(buf, size, "%" PRIu64 " memmaps go into RAM, %" PRIu64 " elsewhere.",
                         r->a, r->b);
                break;
        case REASON_WHOLE:
                snprintf(buf, size, "A memmap mode of \"%s\" needs the backend chunked: the kernel's own "
                         "driver treats all blocks of a device alike.", r->text);
                break;
        case REASON_ZONES:
                snprintf(buf, size, "%" PRIu64 " blocks go to the kernel zone, %" PRIu64
                         " are movable, by \"movable_ratio\": %s.", r->a, r->b,
                         ratio_of(d->settings.movable_ratio, 100).text);
                break;
        case REASON_RATIO:
                snprintf(buf, size, "The machine will have %s of movable memory to %s for the "
                         "kernel, %s times as much.", a.text, b.text, ratio_of(r->a, r->b).text);
                break;
        case REASON_RATIO_HIGH:
                snprintf(buf, size, "The machine will have %s of movable memory to %s for the "
                         "kernel, %s times as much and not %s (\"movable_ratio\") at most: the "
                         "kernel may run short of memory while most of it is free.",
                         a.text, b.text, ratio_of(r->a, r->b).text,
                         ratio_of(d->settings.movable_ratio, 100).text);
                break;
        case REASON_HELP_PARAMETER:
                snprintf(buf, size, "It would help to boot with " PARAMETER ".");
                break;
        case REASON_HELP_BYTES:
                snprintf(buf, size, "It would help to free %s on node %d, or to lower "
                         "\"ram_reserve\".", a.text, r->node);
                break;
        case REASON_HELP_SEEDS:
                snprintf(buf, size, "It would help to set \"allow_seeds\": true.");
                break;
        case REASON_HELP_MODULE:
                snprintf(buf, size, "It would help to have the module memmapd_kmem%s%s.",
                         r->text[0] ? ": " : "", r->text);
                break;
        default:
                snprintf(buf, size, "Reason %d.", (int) r->code);
        }
        return buf;
}
