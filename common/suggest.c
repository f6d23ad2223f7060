/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "suggest.h"

enum { WORD_LENGTH_MAX = 32 };          /* no word of ours is as long */

static size_t min(size_t a, size_t b) {
        return a < b ? a : b;
}

static bool same_letter(char a, char b) {
        if (a >= 'A' && a <= 'Z')
                a = (char) (a - 'A' + 'a');
        if (b >= 'A' && b <= 'Z')
                b = (char) (b - 'A' + 'a');
        return a == b;
}

static size_t edit_distance(const char *a, size_t n, const char *b, size_t m) {
        size_t rows[WORD_LENGTH_MAX + 1][WORD_LENGTH_MAX + 1];

        for (size_t i = 0; i <= n; i++)
                for (size_t j = 0; j <= m; j++) {
                        size_t d;

                        if (i == 0 || j == 0) {
                                rows[i][j] = i + j;
                                continue;
                        }
                        d = rows[i - 1][j - 1] + !same_letter(a[i - 1], b[j - 1]);
                        d = min(d, rows[i - 1][j] + 1);
                        d = min(d, rows[i][j - 1] + 1);
                        if (i > 1 && j > 1 &&
                            same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                                d = min(d, rows[i - 2][j - 2] + 1);
                        rows[i][j] = d;
                }
        return rows[n][m];
}

size_t suggest_distance(const char *given, const char *known) {
        size_t n = strlen(given), m = strlen(known), d;

        if (n > WORD_LENGTH_MAX || m > WORD_LENGTH_MAX)
                return SIZE_MAX;
        d = edit_distance(given, n, known, m);
        return d <= (m + 2) / 4 ? d : SIZE_MAX;
}
