/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* jp POINTER <JSON: the value there (RFC 6901), a string without quotes. */
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct json_object *o = json_object_from_fd(STDIN_FILENO), *v = NULL;

	if (argc != 2 || !o || json_pointer_get(o, argv[1], &v))
		return 1;
	puts(v ? json_object_get_string(v) : "null");
	return 0;
}
