/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log-limit.h"

#include <ctype.h>
#include <string.h>

/* FNV-1a; a text ends with its null byte, so that two are not taken for another two. */
#define HASH_START 0xcbf29ce484222325ULL
#define HASH_PRIME 0x100000001b3ULL

static uint64_t hash_byte(uint64_t hash, unsigned char byte) {
        return (hash ^ byte) * HASH_PRIME;
}

static uint64_t hash_text(uint64_t hash, const char *text) {
        for (; text && *text; text++)
                hash = hash_byte(hash, (unsigned char) *text);
        return hash_byte(hash, '\0');
}

/* 12.5 and 9 are the same. */
static uint64_t hash_words(uint64_t hash, const char *text) {
        for (; *text; text++) {
                if (isdigit((unsigned char) *text)) {
                        text += strspn(text, "0123456789.") - 1;
                        hash = hash_byte(hash, '0');
                } else
                        hash = hash_byte(hash, (unsigned char) *text);
        }
        return hash;
}

static uint64_t hash_device(const char *device) {
        return hash_text(HASH_START, device);
}

static uint64_t hash_thing(const struct log_about *about, const char *text) {
        uint64_t hash = hash_device(about->device);

        hash = hash_text(hash, about->message_id);
        hash = hash_text(hash, about->step);
        hash = hash_text(hash, about->block);
        /* Elsewhere a figure may be a place, as in a policy. */
        return about->device ? hash_words(hash, text) : hash_text(hash, text);
}

/* Where to remember one more: instead of one that is over and done with, or of the oldest. */
static size_t make_room(struct log_limit *l, uint64_t now_usec) {
        size_t oldest = 0;

        for (size_t i = 0; i < l->n_said; i++) {
                if (l->said[i].until_usec <= now_usec && l->said[i].left_out == 0)
                        return i;
                if (l->said[i].until_usec < l->said[oldest].until_usec)
                        oldest = i;
        }
        return l->n_said < LOG_LIMIT_THINGS ? l->n_said++ : oldest;
}

bool log_limit_pass(struct log_limit *l, const struct log_about *about, const char *text,
                    uint64_t now_usec, unsigned int *ret_left_out) {
        uint64_t thing = hash_thing(about, text);
        size_t i = 0;

        *ret_left_out = 0;
        while (i < l->n_said && l->said[i].thing != thing)
                i++;
        if (i < l->n_said) {
                if (now_usec < l->said[i].until_usec) {
                        l->said[i].left_out++;
                        return false;
                }
                *ret_left_out = l->said[i].left_out;
        } else
                i = make_room(l, now_usec);
        l->said[i].thing = thing;
        l->said[i].device = hash_device(about->device);
        l->said[i].until_usec = now_usec + LOG_LIMIT_USEC;
        l->said[i].left_out = 0;
        return true;
}

void log_limit_anew(struct log_limit *l, const char *device) {
        uint64_t hash = hash_device(device);
        size_t i = 0;

        while (i < l->n_said)
                if (!device || l->said[i].device == hash)
                        l->said[i] = l->said[--l->n_said];
                else
                        i++;
}
