/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads command lines with getopt_long, whose table is made from the
 * configuration's keys and the program's own options.
 */
#include <config.h>

#include "lib/options.h"

#include "lib/limits.h"
#include "lib/memory.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct acp_options_flag {
	char name[sizeof(((struct acp_config_flag *)0)->name)];
	const char *value; /* NULL: given without one */
};

/* What getopt_long returns for an option; own ones count from ID_OWN. */
enum { ID_CONFIG = 1000, ID_CHECK, ID_HELP, ID_VERSION, ID_KEY, ID_OWN };

enum { SHARED_COUNT = 4 };

static const struct acp_option shared[SHARED_COUNT] = {
	{"config", "PATH", "Configuration file."},
	{"check", NULL, "Say what would be used, and end."},
	{"help", NULL, "Show this text."},
	{"version", NULL, "Show the version."},
};

/* Everything getopt_long may meet; names of keys live in flags. */
struct table {
	struct acp_config_flag flags[ACP_CONFIG_KEY__MAX];
	struct option options[ACP_CONFIG_KEY__MAX + SHARED_COUNT +
		ACP_OPTIONS_OWN_MAX + 1];
};

static struct option
make_option(const struct acp_option *option, int id)
{
	return (struct option){.name = option->name,
		.has_arg = option->argument ? required_argument : no_argument,
		.val = id};
}

static void
fill_table(struct table *table, const struct acp_options_spec *spec)
{
	struct option *next = table->options;
	size_t position = 0;

	for (struct acp_config_flag *flag = table->flags;
		acp_config_next_flag(spec->kind, &position, flag); flag++)
		*next++ = (struct option){.name = flag->name,
			.has_arg = flag->is_bool ? optional_argument
						 : required_argument,
			.val = ID_KEY};
	for (int i = 0; i < SHARED_COUNT; i++)
		*next++ = make_option(&shared[i], ID_CONFIG + i);
	for (int i = 0; spec->own[i].name; i++) {
		assert(i < ACP_OPTIONS_OWN_MAX);
		*next++ = make_option(&spec->own[i], ID_OWN + i);
	}
	*next = (struct option){0};
}

void
acp_options_init(
	struct acp_options *options, const struct acp_options_spec *spec)
{
	*options = (struct acp_options){.spec = spec};
}

void
acp_options_clear(struct acp_options *options)
{
	free(options->flags);
	acp_options_init(options, options->spec);
}

static void
add_flag(struct acp_options *options, const char *name, const char *value)
{
	struct acp_options_flag *flag;

	options->flags = acp_memory_resize(options->flags,
		options->flag_count + 1, sizeof(*options->flags));
	flag = &options->flags[options->flag_count++];
	*flag = (struct acp_options_flag){.value = value};
	memcpy(flag->name, name, strlen(name));
}

static void
take_option(struct acp_options *options, int id, const char *name)
{
	switch (id) {
	case ID_CONFIG:
		options->config_path = optarg;
		break;
	case ID_CHECK:
		options->is_check = true;
		break;
	case ID_HELP:
		options->is_help = true;
		break;
	case ID_VERSION:
		options->is_version = true;
		break;
	case ID_KEY:
		add_flag(options, name, optarg);
		break;
	default:
		options->own[id - ID_OWN] = optarg ? optarg : "";
		break;
	}
}

/* Says what is wrong with an argument, of which only the name is repeated. */
static void
explain_argument(const char *argument, int id, struct acp_buffer *why)
{
	if (*argument != '-' || strcmp(argument, "--") == 0) {
		acp_buffer_append(why, "an argument that is not an option");
		return;
	}
	acp_buffer_append_bytes(why, argument,
		strcspn(argument, "=") < ACP_LOG_VALUE_MAX
			? strcspn(argument, "=")
			: ACP_LOG_VALUE_MAX);
	acp_buffer_append(why,
		id == ':' ? " needs a value"
			: id == '?' && optopt >= ID_CONFIG
			? " takes no value"
			: " is not an option (or not a whole name)");
	acp_buffer_append(why, "; --help lists all");
}

/* getopt_long takes beginnings of names too, which a new option may break. */
static bool
is_whole(const char *argument, const char *name)
{
	return strcspn(argument + 2, "=") == strlen(name);
}

enum acp_error
acp_options_read(struct acp_options *options,
	const struct acp_options_spec *spec, int argc, char **argv,
	struct acp_buffer *why)
{
	struct table table;
	int id, at = 1, index = 0;

	acp_options_init(options, spec);
	fill_table(&table, spec);
	opterr = 0;
	optind = 0; /* also forgets an earlier line */
	while ((id = getopt_long(argc, argv, "+:", table.options, &index)) !=
		-1) {
		if (id < ID_CONFIG ||
			!is_whole(argv[at], table.options[index].name)) {
			explain_argument(argv[at], id, why);
			return ACP_BAD_REQUEST;
		}
		take_option(options, id, table.options[index].name);
		at = optind;
	}
	if (optind < argc) {
		explain_argument("", 0, why);
		return ACP_BAD_REQUEST;
	}
	return ACP_OK;
}

const char *
acp_options_peek_config_path(const struct acp_options *options)
{
	return options->config_path ? options->config_path : ACP_CONFIG_FILE;
}

static enum acp_error
read_file(const struct acp_options *options, struct acp_config *config,
	struct acp_buffer *why)
{
	ACP_AUTO(buffer) struct acp_buffer said;
	enum acp_error error;

	acp_buffer_init(&said, why->limit);
	error = acp_config_read_file(
		config, acp_options_peek_config_path(options), &said);
	if (error == ACP_GONE && !options->config_path)
		return ACP_OK;
	acp_buffer_append(why, acp_buffer_peek(&said));
	return error ? ACP_BAD_REQUEST : ACP_OK;
}

static enum acp_error
set_flags(const struct acp_options *options, struct acp_config *config,
	struct acp_buffer *why)
{
	for (size_t i = 0; i < options->flag_count; i++)
		if (acp_config_set_flag(config, options->flags[i].name,
			    options->flags[i].value, why))
			return ACP_BAD_REQUEST;
	return ACP_OK;
}

enum acp_error
acp_options_load(const struct acp_options *options, struct acp_config **config,
	struct acp_buffer *why)
{
	ACP_AUTO(config)
	struct acp_config *made = acp_config_new(options->spec->kind);

	if (read_file(options, made, why) ||
		acp_config_read_environment(made, why) ||
		set_flags(options, made, why) || acp_config_finish(made, why))
		return ACP_BAD_REQUEST;
	*config = made;
	made = NULL;
	return ACP_OK;
}

static void
describe_options(
	const struct acp_option *options, size_t count, struct acp_buffer *text)
{
	for (size_t i = 0; i < count && options[i].name; i++)
		acp_buffer_printf(text, "  --%s%s%s\n        %s\n",
			options[i].name, options[i].argument ? " " : "",
			options[i].argument ? options[i].argument : "",
			options[i].text);
}

void
acp_options_describe(
	const struct acp_options_spec *spec, struct acp_buffer *text)
{
	acp_buffer_printf(text, "Usage: %s [option ...]\n%s\n\nOptions:\n",
		spec->program, spec->purpose);
	describe_options(spec->own, ACP_OPTIONS_OWN_MAX, text);
	describe_options(shared, SHARED_COUNT, text);
	acp_buffer_append(text,
		"\nConfiguration, over the environment and the file "
		"(" ACP_CONFIG_FILE "):\n");
	acp_config_describe_flags(spec->kind, text);
}

void
acp_options_describe_version(
	const struct acp_options_spec *spec, struct acp_buffer *text)
{
	acp_buffer_printf(text, "%s %s\n", spec->program, PACKAGE_VERSION);
}
