/* The undo logs: what writes replace that are not synced yet. power.ts reads them. */
#include "shim.h"

/* At the beginning of a log; records lie between the two offsets, those before are void. */
struct log_head {
  int64_t durable;
  int64_t end;
};

/* Followed by `length` bytes: what was at `offset` of a file that was `size` long. */
struct log_record {
  int64_t size;
  int64_t offset;
  int64_t length;
};

static void lock(int log) {
  while (flock(log, LOCK_EX) != 0)
    if (errno != EINTR) give_up("flock");
}

/* Inode numbers are given out again, together with the birth they are not. */
int open_log(int fd, int flags) {
  struct statx file;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &file) != 0) give_up("statx");
  if (!(file.stx_mask & STATX_BTIME)) give_up("a file system without births of files");
  unsigned long long inode = file.stx_ino, birth_ns = file.stx_btime.tv_sec * 1000000000ull + file.stx_btime.tv_nsec;
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/undo/%llu-%llu", directory, inode, birth_ns);
  int log = open(path, flags | O_RDWR | O_CLOEXEC, 0600);
  if (log < 0 && (errno != ENOENT || (flags & O_CREAT))) give_up(path);
  if (log >= 0) lock(log);
  return log;
}

static struct log_head head_of(int log) {
  struct log_head head;
  ssize_t length = pread(log, &head, sizeof head, 0);
  if (length == sizeof head) return head;
  return (struct log_head){.durable = sizeof head, .end = sizeof head};
}

static void put(int log, const void *bytes, size_t length, int64_t at) {
  if (syscall(SYS_pwrite64, log, bytes, length, at) != (ssize_t)length) give_up("the undo log");
}

/* The head is written last: of a process that is killed before, nothing is in the log, and nothing in the file either. */
void remember(int fd, int log, int64_t size, int64_t from, int64_t to) {
  if (to > size) to = size;
  struct log_head head = head_of(log);
  struct log_record record = {.size = size, .offset = from, .length = to > from ? to - from : 0};
  put(log, &record, sizeof record, head.end);
  int64_t at = head.end + sizeof record;
  if (record.length > 0) {
    char link[32], block[16384]; /* The program may have opened the file for writing only. */
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int old = open(link, O_RDONLY | O_CLOEXEC);
    if (old < 0) give_up("to read what is overwritten");
    for (int64_t left = record.length; left > 0;) {
      ssize_t length = pread(old, block, left < (int64_t)sizeof block ? left : (int64_t)sizeof block, to - left);
      if (length <= 0) give_up("to read what is overwritten");
      put(log, block, length, at);
      at += length;
      left -= length;
    }
    close(old);
  }
  head.end = at;
  put(log, &head, sizeof head, 0);
}

int64_t log_end(int log) { return head_of(log).end; }

/* Offsets stay as they are, for another sync may hold one; the space is given back where the file system can. */
void make_durable(int log, int64_t end) {
  struct log_head head = head_of(log);
  if (head.durable >= end) return;
  head.durable = end;
  put(log, &head, sizeof head, 0);
  int64_t from = 4096, to = end / 4096 * 4096;
  if (to > from) syscall(SYS_fallocate, log, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from);
}
