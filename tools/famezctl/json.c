// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <json-c/json.h>
#include "famezctl.h"

void print_json(struct json_object *object, bool one_line)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	flags |= one_line ? JSON_C_TO_STRING_PLAIN : JSON_C_TO_STRING_PRETTY;
	puts(json_object_to_json_string_ext(object, flags));
	json_object_put(object);
	flush_output();
}

void json_number(struct json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

void json_string(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

struct json_object *json_info(const struct famez_info *info)
{
	struct json_object *o = json_object_new_object();
	char clean[CLEAN_SIZE], text[24];

	json_string(o, "config", config_name(info->config));
	json_number(o, "id", info->id);
	json_string(o, "name", clean_name(info->name, clean));
	json_number(o, "generation", info->generation);
	json_number(o, "server_id", info->server_id);
	json_number(o, "peers_max", info->peers_max);
	json_number(o, "vectors_offered", info->vectors);
	json_number(o, "vectors_armed", info->vectors_armed);
	json_number(o, "longest_message", info->message_max);
	snprintf(text, sizeof(text), "%u.%u", info->layout_major,
		 info->layout_minor);
	json_string(o, "layout", text);
	/* more than a double holds, which is what many readers make of numbers */
	snprintf(text, sizeof(text), "0x%016llx",
		 (unsigned long long)info->fabric);
	json_string(o, "fabric", text);
	json_number(o, "memory_size", info->memory_size);
	json_number(o, "fam_offset", info->fam_offset);
	json_number(o, "fam_size", info->fam_size);
	return o;
}
