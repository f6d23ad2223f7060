/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether an order can be carried out, before anything is done. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "drain.h"
#include "operate.h"

DEFINE_CLEANUP(struct decision *, decision_free)
DEFINE_CLEANUP(struct drain *, drain_free)

#define MIB (1024 * 1024)

int operate_refuse(struct refusal *ret, const char *name, const char *format, ...) {
        va_list ap;

        ret->name = name;
        va_start(ap, format);
        vsnprintf(ret->text, sizeof(ret->text), format, ap);
        va_end(ap);
        return -EPERM;
}

static int no_memory(struct refusal *why) {
        return operate_refuse(why, "Failed", "Out of memory");
}

/* A bool for each block; those of the command, or all. */
static int select_blocks(const struct device *d, const struct command *command, bool *ret,
                         struct refusal *why) {
        for (size_t i = 0; i < command->n_blocks; i++) {
                if (command->blocks[i] >= d->n_blocks)
                        return operate_refuse(why, "NoBlock", "%s has no block %" PRIu64 ", only 0 "
                                              "to %zu", d->name, command->blocks[i],
                                              d->n_blocks - 1);
                ret[command->blocks[i]] = true;
        }
        for (size_t i = 0; command->n_blocks == 0 && i < d->n_blocks; i++)
                ret[i] = true;
        return 0;
}

/* What was asked for by name and cannot go; and of a removal, what cannot go at all. */
static int refuse_left(const struct device *d, const struct drain *drain, struct refusal *why) {
        const struct drain_left *l = &drain->left[0];
        char more[48] = "";

        if (drain->n_left > 1)
                snprintf(more, sizeof(more), " (and %zu more)", drain->n_left - 1);
        return operate_refuse(why, "Refused", "memory%" PRIu64 " (block %zu) cannot be taken "
                              "offline%s: %s", d->blocks[l->block].number, l->block, more,
                              drain_reason_to_string(l->reason));
}

uint64_t operate_reserve(const struct manager *m, const struct device *d) {
        struct settings s = m->policy ? policy_resolve(m->policy, policy_match(m->policy, d)) :
                policy_builtin();
        const struct node *payer = budget_payer(m->model, d, s.ram_reserve);

        return payer ? amount_of(s.ram_reserve, payer->kernel_total) : 0;
}

/* What is on it must fit elsewhere, and leave what the policy wants to be left. */
static int check_memory(const struct manager *m, const struct device *d,
                        const struct drain *drain, struct refusal *why) {
        uint64_t loss = drain_bytes(m->model, d, drain->plan), reserve, available;
        int r = probe_available(m->sysfs, &available);

        if (r < 0)
                return operate_refuse(why, "Failed", "Cannot read /proc/meminfo: %s",
                                      strerror(-r));
        reserve = operate_reserve(m, d);
        if (loss == 0 || available >= loss + reserve)
                return 0;
        return operate_refuse(why, "NoMemory", "What is in it does not fit elsewhere: the machine "
                              "loses %" PRIu64 " MiB of memory and is to have %" PRIu64 " MiB left "
                              "(\"ram_reserve\"), but only %" PRIu64 " MiB are available",
                              loss / MIB, reserve / MIB, available / MIB);
}

static int admit_out(struct manager *m, struct device *d, const struct command *command,
                     struct operation *op, struct refusal *why) {
        _cleanup_(drain_freep) struct drain *drain = NULL;
        int r;

        if (op->asked) {
                r = select_blocks(d, command, op->asked, why);
                if (r < 0)
                        return r;
        }
        if (drain_make(m->model, d, op->asked, &drain) < 0)
                return no_memory(why);
        if (drain->n_left > 0 && (!op->asked || command->n_blocks > 0))
                return refuse_left(d, drain, why);
        if (drain->n_left > 0 && drain->plan->n_steps == 0)
                return refuse_left(d, drain, why);
        return command->force ? 0 : check_memory(m, d, drain, why);
}

/* In which zone the policy would have them. */
static int admit_online(struct manager *m, struct device *d, const struct command *command,
                        struct operation *op, struct refusal *why) {
        _cleanup_(decision_freep) struct decision *decision = NULL;
        _cleanup_(freep) bool *blocks = calloc(d->n_blocks + 1, sizeof(*blocks));
        struct device fresh = *d;
        int r;

        fresh.settled = false;
        if (!blocks || (m->policy && decide(m->model, m->policy, &fresh, &decision) < 0))
                return no_memory(why);
        r = select_blocks(d, command, blocks, why);
        if (r < 0)
                return r;
        for (size_t i = 0; i < d->n_blocks; i++) {
                struct block *b = &op->wanted[i];

                if (!blocks[i] || b->state != BLOCK_OFFLINE) {
                        if (command->n_blocks > 0 && blocks[i] && b->state == BLOCK_ABSENT)
                                return operate_refuse(why, "Refused", "Block %zu is not there; "
                                                      "\"memmapctl apply %s\" lets the policy take "
                                                      "in what is missing", i, d->name);
                        continue;
                }
                b->state = BLOCK_ONLINE;
                b->zone = decision ? decision->targets[i].zone : ZONE_MOVABLE;
        }
        op->back = true;
        return 0;
}

static int refuse_state(const struct manager *m, const struct record *r, const struct device *d,
                        struct refusal *why) {
        if (m->dry_run)
                return operate_refuse(why, "Refused", "memmapd runs with --dry-run");
        if (r->op)
                return operate_refuse(why, "Busy", "%s is being worked on by an order that was "
                                      "given before (%s)", r->name,
                                      operation_to_string(r->op->kind));
        if (r->worker)
                return operate_refuse(why, "Busy", "%s is just being taken in; wait until that is "
                                      "done, or end it with \"memmapctl hold %s\"", r->name, r->name);
        if (d->error < 0)
                return operate_refuse(why, "Refused", "%s cannot be read: %s", r->name,
                                      strerror(-d->error));
        if (d->holder != HOLDER_MEMMAPD && d->holder != HOLDER_KMEM)
                return operate_refuse(why, "Refused", "No memory of %s is taken in%s%s", r->name,
                                      d->driver[0] ? ": its driver is " : "", d->driver);
        return 0;
}

int operate_admit(struct manager *m, struct record *r, struct device *d,
                  const struct command *command, struct operation **ret, struct refusal *why) {
        _cleanup_(operation_freep) struct operation *op = NULL;
        int e;

        e = refuse_state(m, r, d, why);
        if (e < 0)
                return e;
        if (operation_new(command->kind, d, &op) < 0)
                return no_memory(why);
        op->keep = command->keep;
        op->force = command->force;
        e = command->kind == OPERATION_ONLINE ? admit_online(m, d, command, op, why) :
                admit_out(m, d, command, op, why);
        if (e >= 0)
                *ret = steal(&op);
        return e;
}
