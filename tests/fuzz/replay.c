/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over the files of a corpus and prints TAP, one test a file.
 *
 * The folders are named on the command line; without any it is tests/fuzz/corpus/NAME below
 * $srcdir, NAME being what follows "replay_" in the program's name. A failure is a crash: the
 * harness sees the missing lines.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct files {
	char **path;
	size_t n, cap;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_folder(struct files *files, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (files->n == files->cap) {
			files->cap = files->cap ? files->cap * 2 : 64;
			files->path = xrealloc(files->path, files->cap * sizeof(*files->path));
		}
		files->path[files->n++] = xasprintf("%s/%s", folder, entry->d_name);
	}
	closedir(dir);
	return 0;
}

static char *default_folder(const char *program)
{
	const char *srcdir = getenv("srcdir"), *name = strstr(program, "replay_");

	if (!name)
		return NULL;
	return xasprintf("%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".",
			 name + strlen("replay_"));
}

/* A copy of exactly the file's size, so that a read past the end is one past the allocation. */
static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;
	int r = 0;

	if (!f)
		return -errno;
	if (fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) < 0) {
		r = -errno;
		fclose(f);
		return r;
	}
	data = xmalloc((size_t)size);
	if (fread(data, 1, (size_t)size, f) == (size_t)size)
		LLVMFuzzerTestOneInput(data, (size_t)size);
	else
		r = -EIO;
	free(data);
	fclose(f);
	return r;
}

static int run_all(struct files *files)
{
	int r, failed = 0;

	qsort(files->path, files->n, sizeof(*files->path), by_name);
	printf("1..%zu\n", files->n);
	for (size_t i = 0; i < files->n; i++) {
		fflush(stdout); /* what ran before a crash must be on record */
		r = run_file(files->path[i]);
		if (r < 0)
			failed = 1;
		printf("%s %zu - %s%s%s\n", r < 0 ? "not ok" : "ok", i + 1, files->path[i],
		       r < 0 ? ": " : "", r < 0 ? strerror(-r) : "");
	}
	return failed;
}

int main(int argc, char **argv)
{
	struct files files = {0};
	char *folder = argc > 1 ? NULL : default_folder(argv[0]);
	int r = 0, failed;

	for (int i = 1; i < argc && r == 0; i++)
		r = list_folder(&files, argv[i]);
	if (folder)
		r = list_folder(&files, folder);
	if (r < 0 || files.n == 0) {
		printf("Bail out! no corpus: %s\n", r < 0 ? strerror(-r) : "no files");
		free(folder);
		return EXIT_FAILURE;
	}
	failed = run_all(&files);
	for (size_t i = 0; i < files.n; i++)
		free(files.path[i]);
	free(files.path);
	free(folder);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
