/* What the parts of the shim share. The layout of `control` is that of control.ts. */
#ifndef SHIM_H
#define SHIM_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum place { ELSEWHERE = 0, WAL = 1, DATA = 2 };

struct control {
  _Atomic int32_t sync_delay_ms;
  _Atomic int32_t full; /* The places that are full, added up. */
  _Atomic int64_t clock_ms;
  /* What was done to the program, so that a test can tell whether anything was. */
  _Atomic int64_t syncs_delayed;
  _Atomic int64_t writes_refused;
};

/* None of this may stand in for a name of the program's own. */
#pragma GCC visibility push(hidden)

extern struct control *control;
extern const char *directory;

/* Ends the process: a shim that did nothing would let tests pass that show nothing. */
void give_up(const char *what);

/* Opens the undo log of a file and locks it. -1: there is none, and O_CREAT was not among the flags. */
int open_log(int fd, int flags);

/* Appends what a change of [from, to) replaces in a file that is `size` long. */
void remember(int fd, int log, int64_t size, int64_t from, int64_t to);

/* Up to where the log is filled. */
int64_t log_end(int log);

/* Makes void what lies before that end. */
void make_durable(int log, int64_t end);

#pragma GCC visibility pop

#endif
