/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "svg.h"

#include <stdarg.h>

void svg_begin(FILE *f, double width, double height, const char *style) {
        fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%g\" "
                "height=\"%g\" viewBox=\"0 0 %g %g\">\n<style>%s</style>\n",
                width, height, width, height, style);
        svg_rect(f, "paper", 0, 0, width, height);
}

void svg_end(FILE *f) {
        fputs("</svg>\n", f);
}

void svg_rect(FILE *f, const char *class, double x, double y, double width, double height) {
        fprintf(f, "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n",
                class, x, y, width, height);
}

void svg_line(FILE *f, const char *class, double x1, double y1, double x2, double y2) {
        fprintf(f, "<line class=\"%s\" x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\"/>\n",
                class, x1, y1, x2, y2);
}

static void print_escaped(FILE *f, const char *text) {
        for (; *text; text++)
                switch (*text) {
                case '<':
                        fputs("&lt;", f);
                        break;
                case '&':
                        fputs("&amp;", f);
                        break;
                default:
                        fputc(*text, f);
                }
}

void svg_text(FILE *f, const char *class, double x, double y, const char *format, ...) {
        char text[256];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        fprintf(f, "<text class=\"%s\" x=\"%.2f\" y=\"%.2f\">", class, x, y);
        print_escaped(f, text);
        fputs("</text>\n", f);
}

void svg_curve_begin(FILE *f, const char *class) {
        fprintf(f, "<polyline class=\"%s\" points=\"", class);
}

void svg_curve_point(FILE *f, double x, double y) {
        fprintf(f, "%.2f,%.2f ", x, y);
}

void svg_curve_end(FILE *f) {
        fputs("\"/>\n", f);
}
