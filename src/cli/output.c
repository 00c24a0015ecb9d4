/*
 * output.c - stdout, files, and results written to them.
 */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/errors.h"
#include "cli/interrupt.h"

static const char *const format_names[] = { "table", "csv", "json", "ndjson", "arrow" };

enum { FORMAT_COUNT = sizeof format_names / sizeof *format_names };

bool
cli_format_parse(const CliCommand *command, const char *name, CliFormat *format)
{
    for (int i = 0; i < FORMAT_COUNT; i++)
        if (name == NULL || strcmp(name, format_names[i]) == 0) {
            *format = (CliFormat) i;
            return true;
        }
    (void) cli_usage_error(command, "--format is table, csv, json, ndjson or arrow, not \"%s\"",
                           name);
    return false;
}

bool
cli_row_format_parse(const CliCommand *command, const char *name, CliFormat *format)
{
    CliFormat parsed;

    if (!cli_format_parse(command, name, &parsed))
        return false;
    if (parsed == CLI_FORMAT_ARROW) {
        (void) cli_usage_error(command, "%s has no Arrow output", command->name);
        return false;
    }
    *format = parsed;
    return true;
}

const char *
cli_format_name(CliFormat format)
{
    return format_names[format];
}

/* The mode a new file gets: that of the file it replaces, else what the umask leaves. */
static mode_t
mode_for(const char *path)
{
    struct stat old;
    mode_t mask;

    if (stat(path, &old) == 0)
        return old.st_mode & 07777;
    mask = umask(0);
    (void) umask(mask);
    return 0666 & ~mask;
}

/* What is no ordinary file (/dev/null, a named pipe) cannot be replaced, and is written to. */
static bool
is_special_file(const char *path)
{
    struct stat old;

    return stat(path, &old) == 0 && !S_ISREG(old.st_mode);
}

int
cli_output_open(CliOutput *output, Cli *cli, const char *path)
{
    *output = (CliOutput){ .fd = STDOUT_FILENO, .path = path, .interrupt = cli->interrupt };
    if (path == NULL)
        return CLI_EXIT_OK;
    if (is_special_file(path)) {
        output->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (output->fd < 0)
            return cli_io_error("cannot write \"%s\": %s", path, strerror(errno));
        return CLI_EXIT_OK;
    }
    if (asprintf(&output->temporary, "%s.XXXXXX", path) < 0) {
        output->temporary = NULL;
        return cli_io_error("out of memory");
    }
    output->fd = mkostemp(output->temporary, O_CLOEXEC);
    if (output->fd < 0) {
        int code = cli_io_error("cannot write \"%s\": %s", path, strerror(errno));

        free(output->temporary);
        output->temporary = NULL;
        return code;
    }
    (void) fchmod(output->fd, mode_for(path));
    cli_interrupt_remove_file(output->interrupt, output->temporary);
    return CLI_EXIT_OK;
}

int
cli_output_commit(CliOutput *output)
{
    int fd = output->fd;

    if (output->path == NULL)
        return CLI_EXIT_OK;
    output->fd = -1;
    if (close(fd) != 0)
        return cli_io_error("cannot write \"%s\": %s", output->path, strerror(errno));
    if (output->temporary == NULL)
        return CLI_EXIT_OK;
    cli_interrupt_remove_file(output->interrupt, NULL);
    if (rename(output->temporary, output->path) != 0) {
        int code = cli_io_error("cannot write \"%s\": %s", output->path, strerror(errno));

        (void) unlink(output->temporary);
        free(output->temporary);
        output->temporary = NULL;
        return code;
    }
    free(output->temporary);
    output->temporary = NULL;
    return CLI_EXIT_OK;
}

void
cli_output_close(CliOutput *output)
{
    if (output->path != NULL && output->fd >= 0)
        (void) close(output->fd);
    if (output->temporary != NULL) {
        cli_interrupt_remove_file(output->interrupt, NULL);
        (void) unlink(output->temporary);
        free(output->temporary);
    }
    *output = (CliOutput){ .fd = -1 };
}

int
cli_output_write(CliOutput *output, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(output->fd, bytes, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return cli_io_error("cannot write %s%s%s: %s", output->path != NULL ? "\"" : "",
                                output->path != NULL ? output->path : "the output",
                                output->path != NULL ? "\"" : "", strerror(errno));
        bytes += written;
        len -= (size_t) written;
    }
    return CLI_EXIT_OK;
}

static void
say_how_many(const Cli *cli, const InstantResult *result, int64_t row_count)
{
    InstantStats stats = { 0 };

    instant_result_stats(result, &stats);
    fprintf(stderr, "(%" PRId64 " row%s, %.1f s)\n", row_count, row_count == 1 ? "" : "s",
            (double) stats.total_us / 1e6);
    if (stats.unrepresentable > 0 && cli->verbosity >= 0)
        fprintf(stderr, "instant: %" PRId64 " values that Arrow cannot hold became NULL\n",
                stats.unrepresentable);
}

int
cli_output_result(CliOutput *output, Cli *cli, InstantResult *result, CliFormat format)
{
    InstantOption options[2];
    size_t option_count = 0;
    struct winsize window;
    bool is_terminal = isatty(output->fd) == 1;
    char width[16];
    int64_t row_count = 0;
    InstantError err = { 0 };
    int code = CLI_EXIT_OK;

    if (format == CLI_FORMAT_ARROW && is_terminal) {
        instant_result_free(result);
        return cli_io_error("Arrow data is not for a terminal: use --output FILE or a pipe");
    }
    if (format == CLI_FORMAT_TABLE && is_terminal && ioctl(output->fd, TIOCGWINSZ, &window) == 0 &&
        window.ws_col > 0) {
        (void) snprintf(width, sizeof width, "%d", window.ws_col);
        options[option_count++] = (InstantOption){ "max_width", width };
    }
    cli_interrupt_watch_result(cli->interrupt, result);
    if (instant_result_write(result, cli_format_name(format), output->fd, options, option_count,
                             &row_count, &err) != INSTANT_OK)
        code =
            cli_interrupt_was_signalled(cli->interrupt) ? CLI_EXIT_CANCELED : cli_report(cli, &err);
    cli_interrupt_watch_result(cli->interrupt, NULL);
    if (code == CLI_EXIT_OK && cli->verbosity >= 0 && isatty(STDERR_FILENO) == 1)
        say_how_many(cli, result, row_count);
    instant_result_free(result);
    return code;
}
