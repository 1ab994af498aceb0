/*
 * Loaded into Postgres with LD_PRELOAD, it lets the disk be slow, be full or lose its power, and the clock be wrong.
 *
 * Everything is steered while the program runs, through <HOLDFAST_SHIM>/control, which shim.ts writes and every process
 * maps. The volume that is full, or loses what was not synced, is the working directory of the process and what is below
 * it: Postgres goes into its data directory first of all.
 *
 * Loss of power: before a write, what it replaces is appended to a log of that file, <HOLDFAST_SHIM>/undo/<inode>-<birth>.
 * A sync of the file makes it void. Once all processes are dead, power.ts applies what is left, the newest first.
 * Names are not undone (files that were made, renamed or removed), for journals keep them in order; nor is what stdio
 * writes, which Postgres does with nothing that it needs after a crash; nor is O_DSYNC known: wal_sync_method=fdatasync.
 *
 * The system is called directly, not through dlsym, so that nothing here depends on when the loader resolves what.
 */
#include "shim.h"

struct control *control;
const char *directory;

void give_up(const char *what) {
  dprintf(STDERR_FILENO, "shim: %s: %s\n", what, strerror(errno));
  abort();
}

__attribute__((constructor)) static void begin(void) {
  const char *told = getenv("HOLDFAST_SHIM");
  if (told == NULL) return;
  directory = strdup(told); /* Postgres writes its title over the environment. */
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/control", directory);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) give_up(path);
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) give_up(path);
  close(fd);
  control = mapped;
}

static enum place place_of(int fd) {
  if (control == NULL) return ELSEWHERE;
  char link[32], path[PATH_MAX], volume[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0 || path[0] != '/') return ELSEWHERE; /* A pipe, a socket, nothing. */
  path[length] = '\0';
  ssize_t above = readlink("/proc/self/cwd", volume, sizeof volume);
  if (above <= 1 || length <= above || memcmp(path, volume, above) != 0 || path[above] != '/') return ELSEWHERE;
  struct stat file;
  if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) return ELSEWHERE;
  return strncmp(path + above, "/pg_wal/", 8) == 0 ? WAL : DATA;
}

/*
 * Before [from, to) of a file is changed in a way that needs the file to be `needs` long. False: there is no room for
 * what it would have to grow by; in place there always is. Otherwise nobody else changes the file until `after`.
 */
static int before(int fd, int64_t from, int64_t to, int64_t needs, int *log) {
  int saved = errno;
  *log = -1;
  enum place place = place_of(fd);
  if (place != ELSEWHERE) {
    *log = open_log(fd, O_CREAT);
    struct stat file;
    if (fstat(fd, &file) != 0) give_up("fstat");
    if ((control->full & place) && needs > file.st_size) {
      control->writes_refused++;
      close(*log);
      errno = ENOSPC;
      return 0;
    }
    remember(fd, *log, file.st_size, from, to);
  }
  errno = saved;
  return 1;
}

static long after(int log, long result) {
  int saved = errno;
  if (log >= 0) close(log); /* And so unlocks it. */
  errno = saved;
  return result;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  int log;
  if (!before(fd, at, at + length, at + length, &log)) return -1;
  return after(log, syscall(SYS_pwrite64, fd, bytes, length, at));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  int log;
  int64_t to = at;
  for (int i = 0; i < count; i++) to += parts[i].iov_len;
  if (!before(fd, at, to, to, &log)) return -1;
  return after(log, syscall(SYS_pwritev, fd, parts, count, at, 0));
}

ssize_t write(int fd, const void *bytes, size_t length) {
  int log = -1, saved = errno;
  int64_t at = lseek(fd, 0, SEEK_CUR);
  struct stat file;
  if (at >= 0 && (fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &file) == 0) at = file.st_size;
  errno = saved;
  if (at >= 0 && !before(fd, at, at + length, at + length, &log)) return -1;
  return after(log, syscall(SYS_write, fd, bytes, length));
}

int ftruncate(int fd, off_t size) {
  int log;
  if (!before(fd, size, INT64_MAX, size, &log)) return -1;
  return after(log, syscall(SYS_ftruncate, fd, size));
}

/* Answers the error, and does not do by writing what the file system cannot: Postgres does that itself. */
int posix_fallocate(int fd, off_t at, off_t length) {
  int log, saved = errno;
  int error = before(fd, 0, 0, at + length, &log) && after(log, syscall(SYS_fallocate, fd, 0, at, length)) == 0 ? 0 : errno;
  errno = saved;
  return error;
}

ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));
ssize_t pwritev64(int, const struct iovec *, int, off_t) __attribute__((alias("pwritev")));
int ftruncate64(int, off_t) __attribute__((alias("ftruncate")));
int posix_fallocate64(int, off_t, off_t) __attribute__((alias("posix_fallocate")));

static void delay(void) {
  int32_t ms = control == NULL ? 0 : control->sync_delay_ms;
  if (ms <= 0) return;
  control->syncs_delayed++;
  struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

/* Durable is what was written before it began; what others write meanwhile may or may not be, so it is not. */
static int sync_file(long number, int fd) {
  int saved = errno;
  delay();
  int log = place_of(fd) == ELSEWHERE ? -1 : open_log(fd, 0);
  int64_t durable = log < 0 ? 0 : log_end(log);
  if (log >= 0) flock(log, LOCK_UN);
  errno = saved;
  int result = syscall(number, fd);
  saved = errno;
  if (log >= 0 && result == 0) {
    while (flock(log, LOCK_EX) != 0 && errno == EINTR) continue;
    make_durable(log, durable);
  }
  errno = saved;
  return after(log, result);
}

int fsync(int fd) { return sync_file(SYS_fsync, fd); }

int fdatasync(int fd) { return sync_file(SYS_fdatasync, fd); }

/* Makes nothing durable: it says nothing of the file's length, nor to the disk's own cache. */
int sync_file_range(int fd, off_t at, off_t length, unsigned int flags) {
  delay();
  return syscall(SYS_sync_file_range, fd, at, length, flags);
}

int clock_gettime(clockid_t id, struct timespec *now) {
  int result = syscall(SYS_clock_gettime, id, now);
  if (result != 0 || control == NULL || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)) return result;
  int64_t ms = control->clock_ms;
  int64_t ns = now->tv_nsec + ms % 1000 * 1000000;
  int64_t carried = ns < 0 ? -1 : ns / 1000000000;
  now->tv_sec += ms / 1000 + carried;
  now->tv_nsec = ns - carried * 1000000000;
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  *now = (struct timeval){.tv_sec = exact.tv_sec, .tv_usec = exact.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *told) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (told != NULL) *told = exact.tv_sec;
  return exact.tv_sec;
}
