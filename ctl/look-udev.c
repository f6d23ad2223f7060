/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For doctor: rules of udev that bring memory online before anybody decides on it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "findings.h"
#include "udev-rules.h"

#define OVER_ALL "etc/udev/rules.d"
#define TEXT_MAX 65536

/* A file in one of these takes the place of one of its name in those below. */
static const char *const directories[] = {
        OVER_ALL, "run/udev/rules.d", "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d",
        "lib/udev/rules.d",
};

static bool is_rules(const char *name) {
        size_t n = strlen(name);

        return n > 6 && strcmp(name + n - 6, ".rules") == 0;
}

static bool is_there(const struct sysfs *s, const char *directory, const char *name) {
        char path[SYSFS_PATH_MAX];
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", directory, name);
        return fstatat(s->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Somebody has made it on this machine. */
static bool is_own(const char *path) {
        return strncmp(path, OVER_ALL "/", strlen(OVER_ALL "/")) == 0;
}

static bool is_replaced(const struct sysfs *s, size_t directory, const char *name) {
        for (size_t i = 0; i < directory; i++)
                if (is_there(s, directories[i], name))
                        return true;
        return false;
}

/* "3, 7-9" */
static void format_lines(const struct udev_file *f, char *buf, size_t size) {
        size_t used = 0;

        for (size_t i = 0; i < f->n_lines && used < size; i++) {
                const size_t *l = &f->lines[2 * i];

                used += (size_t) snprintf(buf + used, size - used, l[0] == l[1] ? "%s%zu" : "%s%zu-%zu",
                                          i > 0 ? ", " : "", l[0], l[1]);
        }
}

/* For sed: a "#" in front of each. */
static void format_sed(const struct udev_file *f, char *buf, size_t size) {
        size_t used = 0;

        for (size_t i = 0; i < f->n_lines && used < size; i++)
                used += (size_t) snprintf(buf + used, size - used, "%s%zu,%zus/^/#/",
                                          i > 0 ? "; " : "", f->lines[2 * i], f->lines[2 * i + 1]);
}

static bool is_commented(const struct udev_file *f, size_t line) {
        for (size_t i = 0; i < f->n_lines; i++)
                if (line >= f->lines[2 * i] && line <= f->lines[2 * i + 1])
                        return true;
        return false;
}

/* What takes the place of the file: all of it but those lines; or nothing, if that is all. */
static char *replacement(const struct udev_file *f, const char *path, const char *text) {
        char *buf = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&buf, &size);

        if (!out)
                return NULL;
        fprintf(out, "# Made by \"memmapctl doctor --fix\": in place of /%s, so that udev leaves\n"
                "# it to memmapd to bring memory online.  Other memory, such as a DIMM that is put\n"
                "# in, stays offline then.  To undo it, remove this file.\n", path);
        for (size_t line = 1; f->does_more && *text; line++) {
                int n = (int) strcspn(text, "\n");

                fprintf(out, "%s%.*s\n", is_commented(f, line) ? "#" : "", n, text);
                text += n + (text[n] == '\n');
        }
        if (fclose(out) == 0)
                return buf;
        free(buf);
        return NULL;
}

static struct fix *make_fix(struct findings *f, const struct udev_file *file, const char *name,
                            const char *path, const char *text) {
        char target[SYSFS_PATH_MAX];
        char *made = replacement(file, path, text);

        snprintf(target, sizeof(target), OVER_ALL "/%s", name);
        return findings_make_fix(f, OVER_ALL, target, made, "udev reads it by itself; memory that "
                                 "is online stays so.");
}

static char *how_to_be_rid_of(const struct udev_file *f, const char *path, const char *name,
                              bool fixable) {
        static const char but[] = "Other memory, such as a DIMM that is put in, then stays offline "
                "as well until somebody brings it online.";
        char sed[512];

        format_sed(f, sed, sizeof(sed));
        if (is_own(path))
                return finding_text("Take that out of it, or run\nsed -i '%s' /%s\n%s", sed, path,
                                    but);
        if (f->does_more)
                return finding_text("To have it without that, run\nsed '%s' /%s >/" OVER_ALL "/%s\n%s"
                                    "%s", sed, path, name, but, fixable ? "\nmemmapctl doctor --fix "
                                    "does it." : "");
        return finding_text("To have none of it, run\nln -s /dev/null /" OVER_ALL "/%s\n%s%s", name,
                            but, fixable ? "\nmemmapctl doctor --fix does the like." : "");
}

/* Whether it brings memory online. */
static bool look_at_file(struct findings *f, const struct sysfs *s, const char *directory,
                         const char *name, bool matters) {
        _cleanup_(udev_file_done) struct udev_file file = {};
        char path[SYSFS_PATH_MAX], lines[160];
        _cleanup_(freep) char *text = NULL;
        struct fix *fix;

        snprintf(path, sizeof(path), "%s/%s", directory, name);
        if (sysfs_read_all(s, &text, NULL, path) < 0 || strlen(text) > TEXT_MAX)
                return false;
        if (udev_file_parse(text, &file) < 0) {
                f->oom = true;
                return false;
        }
        if (file.n_lines == 0)
                return false;
        format_lines(&file, lines, sizeof(lines));
        findings_add(f, "udev", FINDING_NOTE,
                    finding_text("udev brings memory online as soon as it is there, if the other "
                                 "conditions of the rule hold: /%s, line %s. It is in use, in "
                                 "whatever zone, before memmapd can decide.", path, lines),
                    how_to_be_rid_of(&file, path, name, matters));
        if (is_own(path) || !matters)
                return true;
        fix = make_fix(f, &file, name, path, text);
        if (fix)
                findings_fix(f, fix);
        return true;
}

/* It does no harm where there is no dax device, and others may count on it. */
void look_at_udev(struct findings *f, const struct sysfs *s, const struct model *m) {
        bool any = false, found = false;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_(strv_freep) char **names = NULL;

                if (sysfs_list(s, &names, "%s", directories[i]) < 0)
                        continue;
                any = true;
                for (char **name = names; *name; name++)
                        if (is_rules(*name) && !is_replaced(s, i, *name))
                                found |= look_at_file(f, s, directories[i], *name,
                                                      m->n_devices > 0);
        }
        if (any && !found)
                findings_add(f, "udev", FINDING_GOOD,
                            finding_text("udev has no rule that brings memory online."), NULL);
}
