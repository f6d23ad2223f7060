/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz SEED COUNT DEVICE FIRST OTHER
 *
 * Writes COUNT texts, most of them nonsense, to the module's files: those of DEVICE,
 * whose first block is the memory block FIRST, and those of the driver; OTHER is a
 * device to make orphans of.  What a write is to do is worked out anew here, from
 * the description in ABI alone, and compared with the map, the memory blocks, the
 * binding and the orphans: what was accepted has done what it says, and what was
 * refused has done nothing.  Whatever differs ends it with status 1.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIVER "/sys/bus/dax/drivers/memmapd_kmem/"
#define DEVICES "/sys/bus/dax/devices/"
#define MAX_BLOCKS 64
#define MAX_TEXT 5000
#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t state;
static const char *dev, *other;
static unsigned first, n_blocks;
static unsigned long accepted, refused;

/* What is written. */
static char text[MAX_TEXT + 1];
static size_t len;

/* What it is written to, and what came of it. */
static char path[256];
static ssize_t result;
static int error;

static unsigned below(unsigned n) {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return (unsigned) ((state * 0x2545f4914f6cdd1d) >> 33) % n;
}

/* ---------------------------------------------------------------- what there is */

struct world {
        bool bound;
        char map[MAX_BLOCKS + 1];       /* '.' or '#', plugged */
        char where;                     /* memmap_on_memory */
        char orphans[4096];
};

static ssize_t slurp(const char *file, char *buf, size_t size) {
        int fd = open(file, O_RDONLY | O_CLOEXEC);
        ssize_t got;

        buf[0] = 0;
        if (fd < 0)
                return -1;
        got = read(fd, buf, size - 1);
        close(fd);
        buf[got > 0 ? got : 0] = 0;
        return got;
}

static const char *of_device(const char *device, const char *name) {
        static char file[256];

        snprintf(file, sizeof(file), DEVICES "%s/memmapd/%s", device, name);
        return file;
}

static bool has_block(unsigned i) {
        char file[128];

        snprintf(file, sizeof(file), "/sys/devices/system/memory/memory%u", first + i);
        return access(file, F_OK) == 0;
}

static bool plugged(const struct world *w, unsigned i) { return w->map[i] == '#'; }

static void wrong(const char *why, const struct world *before, const struct world *now) {
        printf("fuzz: %s\nfuzz: %zu bytes to %s: \"", why, len, path);
        for (size_t i = 0; i < len && i < 200; i++)
                if (isprint((unsigned char) text[i]))
                        putchar(text[i]);
                else
                        printf("\\x%02x", (unsigned char) text[i]);
        printf("\"\nfuzz: result %zd (%s)\n", result, result < 0 ? strerror(error) : "accepted");
        if (before)
                printf("fuzz: was bound %d map %s memmap_on_memory %c orphans %s\n", before->bound,
                       before->map, before->where, before->orphans);
        if (now)
                printf("fuzz: is  bound %d map %s memmap_on_memory %c orphans %s\n", now->bound,
                       now->map, now->where, now->orphans);
        exit(1);
}

static void look(struct world *w) {
        char buf[8];

        memset(w, 0, sizeof(*w));
        w->bound = access(of_device(dev, "map"), F_OK) == 0;
        w->where = '?';
        if (w->bound) {
                if (slurp(of_device(dev, "map"), w->map, sizeof(w->map)) != (ssize_t) n_blocks)
                        wrong("the map is too short", NULL, w);
                for (unsigned i = 0; i < n_blocks; i++) {
                        if (!strchr(".dsr", w->map[i]))
                                wrong("a letter that the map cannot have", NULL, w);
                        w->map[i] = w->map[i] == '.' ? '.' : '#';
                        if (plugged(w, i) != has_block(i))
                                wrong("the map is not as the memory blocks are", NULL, w);
                }
                slurp(of_device(dev, "memmap_on_memory"), buf, sizeof(buf));
                w->where = buf[0];
        }
        slurp(DRIVER "orphans", w->orphans, sizeof(w->orphans));
}

static void must_be(const char *why, const struct world *before, const struct world *expected) {
        struct world now;

        look(&now);
        if (now.bound != expected->bound || strcmp(now.map, expected->map) ||
            now.where != expected->where || strcmp(now.orphans, expected->orphans))
                wrong(why, before, &now);
}

/* ---------------------------------------------------------------- what to write */

static void add(const void *bytes, size_t n) {
        if (n > MAX_TEXT - len)
                n = MAX_TEXT - len;
        memcpy(text + len, bytes, n);
        len += n;
        text[len] = 0;
}

static void add_string(const char *s) { add(s, strlen(s)); }

static const char *one_of(const char *const *list, unsigned n) { return list[below(n)]; }

static void add_number(void) {
        static const char *const edges[] = {
                "2147483647", "2147483648", "4294967295", "4294967296", "4294967298",
                "9223372036854775807", "9223372036854775808", "18446744073709551615",
                "18446744073709551616", "18446744073709551619", "-1", "-0", "+1", "0x1", "1e1",
                "010", "1.5", "", "999999999999999999999999999999999999999999",
                "000000000000000000000000000000000000000001",
        };
        char number[32];

        if (below(4) == 0) {
                add_string(one_of(edges, N_ELEMENTS(edges)));
                return;
        }
        snprintf(number, sizeof(number), "%u", below(8) ? below(n_blocks) : n_blocks + below(3) - 1);
        add_string(number);
}

static void add_junk(void) {
        static const char *const common[] = {
                "\n", "\n", " ", "\t", "\r\n", "\n\n", "x", "-", ",", ";reboot", "%s%n", "\n1", " 1",
        };
        unsigned n;

        switch (below(4)) {
        case 0:
                add("", 1);
                return;
        case 1:
                for (n = below(20); n; n--) {
                        unsigned char byte = (unsigned char) below(256);

                        add(&byte, 1);
                }
                return;
        default:
                add_string(one_of(common, N_ELEMENTS(common)));
        }
}

static void make_long(void) {
        static const size_t sizes[] = { 46, 47, 48, 49, 255, 4094, 4095, 4096, MAX_TEXT };
        size_t n = sizes[below(N_ELEMENTS(sizes))];
        const char *fill = "0 1-\n\xff" + below(6);

        while (len < n)
                add(fill, 1);
}

static void make_text(const char *const *words, unsigned n_words, bool numbers) {
        static const char *const between[] = { "-", "-", "-", "-", "--", " - ", ",", "..", "\n-", "-\n" };

        len = 0;
        if (below(12) == 0)
                add_junk();
        if (numbers && below(8)) {
                add_number();
                if (below(2)) {
                        add_string(one_of(between, N_ELEMENTS(between)));
                        add_number();
                }
        } else {
                add_string(one_of(words, n_words));
        }
        if (below(4) == 0)
                add_junk();
        if (below(25) == 0)
                make_long();
}

static void write_text(const char *file) {
        int fd = open(file, O_WRONLY | O_CLOEXEC);

        snprintf(path, sizeof(path), "%s", file);
        result = fd < 0 ? -1 : write(fd, text, len);
        error = result < 0 ? errno : 0;
        if (fd >= 0)
                close(fd);
        if (result < 0)
                refused++;
        else
                accepted++;
        /* No more than a page goes into one write. */
        if (result >= 0 && result != (ssize_t) (len < 4096 ? len : 4096))
                wrong("neither all of it nor an error", NULL, NULL);
}

static void write_string(const char *file, const char *s) {
        len = 0;
        add_string(s);
        write_text(file);
}

/* The text is NAME, as the kernel compares such: one newline may follow, or a NUL. */
static bool names(const char *name) {
        size_t n = strlen(name);

        return strncmp(text, name, n) == 0 && (!text[n] || (text[n] == '\n' && !text[n + 1]));
}

/* ---------------------------------------------------------------- what must come of it */

/* As the kernel sees it: with the blank that does not break, of Latin-1. */
static bool is_blank(char c) { return isspace((unsigned char) c) || (unsigned char) c == 0xa0; }

/* "N" or "N-M", blanks around it: 0, or the error. */
static int read_range(unsigned *from, unsigned *to) {
        const char *s = text, *end = text + len;
        unsigned __int128 value[2] = { 0, 0 };
        int n = 0;

        if (len > 47)
                return EINVAL;
        while (s < end && is_blank(*s))
                s++;
        while (end > s && is_blank(end[-1]))
                end--;
        for (;; s++) {
                if (s == end || !isdigit((unsigned char) *s))
                        return EINVAL;
                for (; s < end && isdigit((unsigned char) *s); s++)
                        if (value[n] < UINT64_MAX)
                                value[n] = value[n] * 10 + (unsigned) (*s - '0');
                if (s == end)
                        break;
                if (n++ || *s != '-')
                        return EINVAL;
        }
        if (!n)
                value[1] = value[0];
        if (value[0] >= n_blocks || value[1] >= n_blocks)
                return ERANGE;
        *from = (unsigned) value[0];
        *to = (unsigned) value[1];
        return 0;
}

/* What writing the text to plug or unplug makes of W: 0, or the error. */
static int predict(struct world *w, bool plugs) {
        unsigned i, to;
        int e = len ? read_range(&i, &to) : 0;

        if (e || !len)
                return e;
        for (;;) {
                if (plugged(w, i) == plugs)
                        return plugs ? EEXIST : ENOENT;
                w->map[i] = plugs ? '#' : '.';
                if (i == to)
                        return 0;
                i = i < to ? i + 1 : i - 1;
        }
}

static void try_blocks(bool plugs) {
        static const char *const words[] = { "all", "0-", "-0", "-", "*", "0,1", "0-1-2", "" };
        struct world before, expected;
        int e;

        look(&before);
        expected = before;
        make_text(words, N_ELEMENTS(words), true);
        write_text(of_device(dev, plugs ? "plug" : "unplug"));
        e = predict(&expected, plugs);
        /* Of a number too large, followed by nonsense, either may be said. */
        if (error != e && !(e == EINVAL && error == ERANGE))
                wrong(e ? strerror(e) : "should have been accepted", &before, NULL);
        must_be("not what it should have done", &before, &expected);
}

/* 1, 0, or -1: no truth value that each kernel knows. */
static int truth(void) {
        char a = (char) tolower((unsigned char) text[0]), b = (char) tolower((unsigned char) text[1]);

        if (a == '1' || a == 'y' || (a == 'o' && b == 'n'))
                return 1;
        if (a == '0' || a == 'n' || (a == 'o' && b == 'f'))
                return 0;
        return -1;
}

static const char *const truths[] = {
        "0", "1", "0", "1", "y", "n", "Y", "N", "on", "off", "oN", "yes", "2", "-1", "10", "", "true",
        "false", "o", "enable", "disable",
};

static void try_where(void) {
        struct world before, expected;
        char supported[8];
        int e = 0;

        slurp(of_device(dev, "memmap_on_memory_supported"), supported, sizeof(supported));
        look(&before);
        expected = before;
        make_text(truths, N_ELEMENTS(truths), false);
        write_text(of_device(dev, "memmap_on_memory"));
        if (len && truth() < 0) {
                /* Some kernels know more words than others: those, or nothing at all. */
                if (!error && !strchr("tfed", tolower((unsigned char) text[0])))
                        wrong("no truth value", &before, NULL);
                if (error != EINVAL && error != 0 && error != EOPNOTSUPP)
                        wrong("should have been EINVAL", &before, NULL);
                if (!error)
                        look(&expected);
        } else if (len) {
                if (truth() == 1 && supported[0] != '1')
                        e = EOPNOTSUPP;
                else
                        expected.where = truth() ? '1' : '0';
                if (error != e)
                        wrong(e ? strerror(e) : "should have been accepted", &before, NULL);
        }
        must_be("not what it should have done", &before, &expected);
}

static void write_state(unsigned block, const char *how) {
        char file[128];

        snprintf(file, sizeof(file), "/sys/devices/system/memory/memory%u/state", block);
        write_string(file, how);
}

/* The other device leaves a block behind, which then goes offline. */
static void make_orphan(void) {
        char start[64];
        unsigned block;

        write_string(DRIVER "new_id", other);
        write_string(of_device(other, "plug"), "0");
        slurp(of_device(other, "../resource"), start, sizeof(start));
        block = (unsigned) (strtoull(start, NULL, 0) >> 27);
        write_state(block, "online_movable");
        write_string(DRIVER "unbind", other);
        write_state(block, "offline");
        if (result < 0)
                wrong("cannot make an orphan", NULL, NULL);
}

static void try_reclaim(void) {
        struct world before, expected;

        make_orphan();
        look(&before);
        if (!before.orphans[0])
                wrong("no orphan has come of it", NULL, &before);
        expected = before;
        make_text(truths, N_ELEMENTS(truths), false);
        write_text(DRIVER "reclaim");
        if (len && truth() == 1 && error)
                wrong("should have been accepted", &before, NULL);
        if (len && truth() == 0 && error != EINVAL)
                wrong("should have been EINVAL", &before, NULL);
        if (len && result >= 0)
                expected.orphans[0] = 0;
        must_be("not what it should have done", &before, &expected);
        write_string(DRIVER "reclaim", "1");
}

/* Files of the bus: they know names, and nothing else has an effect. */
static void try_names(void) {
        static const char *const files[] = { "new_id", "remove_id", "bind", "unbind" };
        const char *const words[] = {
                dev, dev, dev, "dax", "dax9.9", "dax0", "dax0.", "dax0.0.0", "dax00.0", "dax-1.-1",
                "dax2147483647.2147483648", "memmapd_kmem", "../dax0.0", "", "dax0.0x", "DAX0.0",
        };
        const char *name = one_of(files, N_ELEMENTS(files));
        struct world before, expected;
        char file[128];

        /* What is online would stay as an orphan. */
        for (unsigned i = 0; i < n_blocks; i++)
                if (has_block(i))
                        write_state(first + i, "offline");
        look(&before);
        expected = before;
        make_text(words, N_ELEMENTS(words), false);
        snprintf(file, sizeof(file), DRIVER "%s", name);
        write_text(file);
        if (len && names(dev) && !strcmp(name, "unbind") && before.bound) {
                if (error)
                        wrong("should have been accepted", &before, NULL);
                expected.bound = false;
                expected.where = '?';
                memset(expected.map, 0, sizeof(expected.map));
        }
        must_be("not what it should have done", &before, &expected);
}

/* Files that cannot be written, and those that cannot be read. */
static void try_closed(void) {
        static const char *const read_only[] = { "block_size", "blocks", "trimmed", "memmap_size",
                                                 "memmap_on_memory_supported", "map" };
        static const char *const write_only[] = { "plug", "unplug" };
        struct world before;
        char buf[8];

        look(&before);
        make_text(truths, N_ELEMENTS(truths), true);
        write_text(below(8) ? of_device(dev, one_of(read_only, N_ELEMENTS(read_only))) :
                              DRIVER "orphans");
        if (error != EACCES)
                wrong("should have been EACCES", &before, NULL);
        if (slurp(of_device(dev, one_of(write_only, N_ELEMENTS(write_only))), buf, sizeof(buf)) >= 0 ||
            slurp(DRIVER "reclaim", buf, sizeof(buf)) >= 0)
                wrong("could be read", &before, NULL);
        must_be("a file that cannot be written", &before, &before);
}

/* ---------------------------------------------------------------- */

/* So that there is something to be wrong about. */
static void prepare(void) {
        struct world w;
        unsigned i = below(n_blocks);

        look(&w);
        if (!w.bound) {
                /* It is bound at once, unless the bus knows the name already. */
                write_string(DRIVER "new_id", dev);
                write_string(DRIVER "bind", dev);
                look(&w);
                if (!w.bound || strspn(w.map, ".") != n_blocks)
                        wrong("not bound, or not empty", NULL, &w);
        }
        if (plugged(&w, i) && below(3) == 0)
                write_state(first + i, "online_movable");
}

int main(int argc, char **argv) {
        char buf[16];

        if (argc != 6)
                return 2;
        state = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15 | 1;
        dev = argv[3];
        first = (unsigned) atoi(argv[4]);
        other = argv[5];
        slurp(of_device(dev, "blocks"), buf, sizeof(buf));
        n_blocks = (unsigned) atoi(buf);
        if (!n_blocks || n_blocks > MAX_BLOCKS)
                return 2;
        printf("fuzz: seed %s\n", argv[1]);
        for (int left = atoi(argv[2]); left; left--) {
                prepare();
                switch (below(16)) {
                case 0: try_reclaim(); break;
                case 1: try_names(); break;
                case 2: case 3: try_where(); break;
                case 4: try_closed(); break;
                case 5: case 6: case 7: case 8: case 9: case 10: try_blocks(true); break;
                default: try_blocks(false);
                }
        }
        printf("fuzz: %lu accepted, %lu refused\n", accepted, refused);
        return 0;
}
