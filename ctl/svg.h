/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The little of SVG that a diagram takes.  Lengths are pixels. */
#pragma once

#include <stdio.h>

#include "util.h"

/* @style: CSS of the classes that are used. */
void svg_begin(FILE *f, double width, double height, const char *style);
void svg_end(FILE *f);

void svg_rect(FILE *f, const char *class, double x, double y, double width, double height);
void svg_line(FILE *f, const char *class, double x1, double y1, double x2, double y2);
void svg_text(FILE *f, const char *class, double x, double y, const char *format, ...)
        _printf_(5, 6);

/* Through the points that are named in between. */
void svg_curve_begin(FILE *f, const char *class);
void svg_curve_point(FILE *f, double x, double y);
void svg_curve_end(FILE *f);
