/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "fields.h"

struct libscols_table *table_new(
                const struct options *o, const struct table_column *columns, size_t n) {
        _cleanup_(table_unrefp) struct libscols_table *table = scols_new_table();

        if (!table || scols_table_enable_colors(table, o->colors) < 0)
                return NULL;
        for (size_t c = 0; c < n; c++)
                if (!scols_table_new_column(table, columns[c].name, 0, columns[c].flags))
                        return NULL;
        return steal(&table);
}

enum exit_code table_print(struct libscols_table *table, int r) {
        if (r >= 0)
                r = scols_print_table(table);
        if (r >= 0)
                return EXIT_OK;
        complain("Cannot make a table: out of memory.");
        return EXIT_FAILED;
}

const char *format_counts(char buf[static CELL_MAX], struct json_object *counts,
                          const char *const *keys) {
        size_t used = 0;

        strcpy(buf, "-");
        for (; *keys; keys++) {
                uint64_t n = field_size(counts, *keys);

                if (n == 0 || used >= CELL_MAX)
                        continue;
                used += (size_t) snprintf(buf + used, CELL_MAX - used, "%s%s %" PRIu64,
                                          used > 0 ? ", " : "", *keys, n);
        }
        return buf;
}
