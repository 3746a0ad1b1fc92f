/* Plays a trace (trace.ts) through malloc, realloc and free and prints what the allocator has mapped.
 * Which malloc: the one that it is started with (LD_PRELOAD for another).
 *
 *   driver TRACE OPERATIONS IDS PEAK_OPERATION
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int mallctl_function(const char *, void *, size_t *, void *, size_t);
static mallctl_function *mallctl;

static size_t statistic(const char *name) {
  size_t value = 0, length = sizeof value;
  return mallctl(name, &value, &length, NULL, 0) == 0 ? value : 0;
}

static size_t resident_kib(void) {
  char text[128] = {0};
  int file = open("/proc/self/statm", O_RDONLY);
  if (file < 0 || read(file, text, sizeof text - 1) <= 0) return 0;
  close(file);
  size_t all = 0, resident = 0, shared = 0;
  sscanf(text, "%zu %zu %zu", &all, &resident, &shared);
  return (resident - shared) * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static size_t resident_before;

static void print(const char *when) {
  if (mallctl) {
    uint64_t epoch = 1;
    mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
    printf("{\"when\":\"%s\",\"allocated\":%zu,\"active\":%zu,\"mapped\":%zu,\"resident\":%zu,\"metadata\":%zu,\"rssKiB\":%zu}\n", when,
           statistic("stats.allocated"), statistic("stats.active"), statistic("stats.mapped"), statistic("stats.resident"),
           statistic("stats.metadata"), resident_kib() - resident_before);
  } else {
    struct mallinfo2 info = mallinfo2();
    printf("{\"when\":\"%s\",\"allocated\":%zu,\"active\":%zu,\"mapped\":%zu,\"rssKiB\":%zu}\n", when, info.uordblks + info.hblkhd,
           info.uordblks + info.hblkhd, info.arena + info.hblkhd, resident_kib() - resident_before);
  }
}

/* Memory that is not written is not resident: touch each page, as a user would. */
static void touch(char *block, size_t bytes) {
  for (size_t at = 0; at < bytes; at += 4096) block[at] = 1;
  block[bytes - 1] = 1;
}

int main(int count, char **arguments) {
  if (count != 5) return 2;
  size_t operations = strtoul(arguments[2], NULL, 10), ids = strtoul(arguments[3], NULL, 10), peak = strtoul(arguments[4], NULL, 10);
  int file = open(arguments[1], O_RDONLY);
  /* Shared mappings, so that neither counts as the allocator's. */
  const int32_t *trace = mmap(NULL, operations * 12, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
  char **blocks = mmap(NULL, ids * sizeof(char *), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (file < 0 || trace == MAP_FAILED || blocks == MAP_FAILED) return 3;
  mallctl = (mallctl_function *)dlsym(RTLD_DEFAULT, "mallctl");
  setvbuf(stdout, NULL, _IONBF, 0);
  resident_before = resident_kib();
  struct timespec from, to;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
  for (size_t i = 0; i < operations; i++) {
    int32_t kind = trace[i * 3], id = trace[i * 3 + 1];
    size_t bytes = (size_t)trace[i * 3 + 2];
    if (kind == 1) {
      free(blocks[id]);
    } else {
      blocks[id] = kind == 0 ? malloc(bytes) : realloc(blocks[id], bytes);
      touch(blocks[id], bytes);
    }
    if (i == peak) print("peak");
  }
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
  print("end");
  if (mallctl) mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
  else malloc_trim(0);
  print("purged");
  printf("{\"when\":\"time\",\"ns\":%.1f}\n", ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / operations);
  return 0;
}
