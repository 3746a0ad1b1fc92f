/* Types into terminals and times the echo, or reads what a terminal writes.
 *
 *   terminals keys RATE SECONDS TYPED WHERE    RATE keys a second in all, over all terminals in turn
 *   terminals bulk BYTES TYPED WHERE           until so many bytes of output have come from the first
 *
 * WHERE is where the terminals are:
 *   socket PORT HANDSHAKES HELLO               behind WebSockets of the subprotocol tz-terminal.1. HANDSHAKES is a file of
 *                                              request heads, HELLO one of frames that go first
 *   pty COUNT CORE                             pseudo-terminals of this process, each with /bin/sh on that core (-1: any)
 *
 * TYPED is a file: what is typed into each first. It must make the shell print READY, and then, for keys, echo byte by byte
 * (`stty raw -echo; printf REA\\DY; exec cat`).
 *
 * Keys are sent at times that are fixed beforehand: one that waits for a terminal has been waiting since its time came (no
 * coordinated omission). Between them it sleeps. Bulk output must be 'sixteen letters ', repeated. Whatever else ends the run
 * with exit code 1. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { MAX_EVENTS = 512, FILE_BYTES = 1 << 20, READ_BYTES = 1 << 18, HEAD_BYTES = 4096, MICROS = 1000000, TAIL = 16, START_SECONDS = 120 };
static const char READY[] = "READY", PATTERN[] = "sixteen letters ", KEY = 'k';

struct bytes {
  char *at;
  size_t length;
};
struct terminal {
  int fd, is_socket;
  /* Of the frame under way: bytes of its head that are here, payload that is to come, and whether it is output. */
  unsigned char head[10];
  size_t head_length;
  uint64_t left;
  int at_type, is_output;
  char tail[TAIL]; /* of the output before it is ready */
  int is_ready, waits;
  int64_t due_ns;
};

static struct terminal *terminals;
static int total, poll_fd;
static char *scratch;
static uint64_t micros[MICROS + 1], echoes, bulk_bytes;
static int64_t worst_ns;
/* Called with each piece of output. */
static void (*on_output)(struct terminal *, const char *, size_t);

static void fail(const char *what) {
  fprintf(stderr, "terminals: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static struct bytes read_file(const char *path) {
  struct bytes b = {malloc(FILE_BYTES), 0};
  FILE *file = fopen(path, "rb");
  if (!file || !b.at) fail(path);
  b.length = fread(b.at, 1, FILE_BYTES, file);
  fclose(file);
  return b;
}

static void write_all(int fd, const void *at, size_t length) {
  if (write(fd, at, length) != (ssize_t)length) fail("write");
}

/* A masked binary frame of a message of the given type; the mask is zero. */
static void send_message(struct terminal *t, char type, const char *at, size_t length) {
  char frame[8 + 2 + 512] = {(char)0x82};
  size_t head = 2;
  if (!t->is_socket) {
    write_all(t->fd, at, length);
    return;
  }
  if (length > 500) fail("too much is typed");
  if (length + 1 < 126) frame[1] = (char)(0x80 | (length + 1));
  else {
    frame[1] = (char)(0x80 | 126);
    frame[2] = (char)((length + 1) >> 8);
    frame[3] = (char)(length + 1);
    head = 4;
  }
  frame[head + 4] = type;
  memcpy(frame + head + 5, at, length);
  write_all(t->fd, frame, head + 5 + length);
}

static int dial(int port) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0) fail("socket");
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static void shake_hands(int fd, const char *request, size_t request_length) {
  static char head[HEAD_BYTES];
  size_t length = 0;
  write_all(fd, request, request_length);
  while (length < 4 || memcmp(head + length - 4, "\r\n\r\n", 4)) {
    errno = 0;
    if (length == HEAD_BYTES || read(fd, head + length, 1) != 1) fail("no answer to the handshake");
    length++;
  }
  errno = 0;
  if (strncmp(head, "HTTP/1.1 101", 12)) {
    fprintf(stderr, "%.*s", (int)length, head);
    fail("the handshake was refused");
  }
}

static void open_sockets(int port, struct bytes handshakes, struct bytes hello) {
  char *at = handshakes.at, *end = at + handshakes.length;
  while (at < end) {
    char *stop = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
    if (!stop) fail("a handshake without an end");
    stop += 4;
    struct terminal *t = &terminals[total++];
    t->is_socket = 1;
    t->fd = dial(port);
    shake_hands(t->fd, at, (size_t)(stop - at));
    write_all(t->fd, hello.at, hello.length);
    at = stop;
  }
}

static void open_ptys(int count, int core) {
  struct winsize size = {.ws_col = 80, .ws_row = 24};
  for (; total < count; total++) {
    int pid = forkpty(&terminals[total].fd, NULL, NULL, &size);
    if (pid < 0) fail("forkpty");
    if (pid > 0) continue;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)(core < 0 ? 0 : core), &set);
    if (core >= 0) sched_setaffinity(0, sizeof set, &set);
    execl("/bin/sh", "sh", (char *)NULL);
    _exit(127);
  }
}

static void payload(struct terminal *t, const char *at, size_t length) {
  if (t->at_type && length > 0) {
    t->at_type = 0;
    t->is_output = *at == '0';
    at++;
    length--;
  }
  if (t->is_output && length > 0) on_output(t, at, length);
}

static size_t head_size(const struct terminal *t) {
  int length = t->head_length < 2 ? 0 : t->head[1] & 127;
  return length == 126 ? 4 : length == 127 ? 10 : 2;
}

/* Frames of a server: not masked. Only messages of type 0 are output. */
static void frames(struct terminal *t, const char *at, size_t length) {
  while (length > 0) {
    if (t->left > 0) {
      size_t piece = length < t->left ? length : (size_t)t->left;
      payload(t, at, piece);
      t->left -= piece;
      at += piece;
      length -= piece;
      continue;
    }
    t->head[t->head_length++] = (unsigned char)*at++;
    length--;
    if (t->head_length < 2 || t->head_length < head_size(t)) continue;
    errno = 0;
    if ((t->head[0] & 15) == 8) fail("the gateway closed a terminal");
    uint64_t bytes = t->head_length == 2 ? t->head[1] : 0;
    for (size_t i = 2; i < t->head_length; i++) bytes = bytes << 8 | t->head[i];
    t->left = bytes;
    t->head_length = 0;
    if ((t->head[0] & 8) == 0) t->at_type = 1;
    else t->is_output = t->at_type = 0; /* a ping */
  }
}

static void read_one(struct terminal *t) {
  for (;;) {
    ssize_t got = read(t->fd, scratch, READ_BYTES);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) fail("a terminal ended");
    if (t->is_socket) frames(t, scratch, (size_t)got);
    else on_output(t, scratch, (size_t)got);
    if (got < READ_BYTES && t->is_socket) return;
  }
}

static void poll_once(int timeout_ms) {
  struct epoll_event events[MAX_EVENTS];
  int ready = epoll_wait(poll_fd, events, MAX_EVENTS, timeout_ms);
  for (int i = 0; i < ready; i++) read_one(&terminals[events[i].data.u32]);
}

/* Sleeps meanwhile: a client that spins leaves all else that the machine does to the core of those it measures. */
static void poll_until(int64_t due_ns) {
  int64_t left = due_ns - now_ns();
  struct timespec timeout = {left / 1000000000, left % 1000000000};
  struct pollfd any = {.fd = poll_fd, .events = POLLIN};
  if (left > 0) ppoll(&any, 1, &timeout, NULL);
  poll_once(0);
}

static int ready_count;

static void bulk_output(struct terminal *t, const char *at, size_t length);

/* Waits for READY at the end of what came; of bulk output the beginning may be behind it. */
static void await_ready(struct terminal *t, const char *at, size_t length) {
  for (size_t i = 0; i < length; i++) {
    memmove(t->tail, t->tail + 1, TAIL - 1);
    t->tail[TAIL - 1] = at[i];
    if (memcmp(t->tail + TAIL - (sizeof READY - 1), READY, sizeof READY - 1)) continue;
    t->is_ready = 1;
    ready_count++;
    if (i + 1 < length) bulk_output(t, at + i + 1, length - i - 1);
    return;
  }
}

static void bulk_output(struct terminal *t, const char *at, size_t length) {
  if (!t->is_ready) {
    await_ready(t, at, length);
    return;
  }
  errno = 0;
  for (size_t i = 0; i < length;) {
    size_t in = bulk_bytes % (sizeof PATTERN - 1), piece = sizeof PATTERN - 1 - in;
    if (piece > length - i) piece = length - i;
    if (memcmp(at + i, PATTERN + in, piece)) fail("wrong output");
    bulk_bytes += piece;
    i += piece;
  }
}

static void key_output(struct terminal *t, const char *at, size_t length) {
  errno = 0;
  if (!t->is_ready) {
    await_ready(t, at, length);
    return;
  }
  if (length != 1 || *at != KEY || !t->waits) fail("an echo of something else");
  int64_t taken = now_ns() - t->due_ns;
  micros[taken / 1000 < MICROS ? taken / 1000 : MICROS]++;
  if (taken > worst_ns) worst_ns = taken;
  echoes++;
  t->waits = 0;
}

static double percentile(double part) {
  uint64_t wanted = (uint64_t)(part * (double)echoes), seen = 0;
  for (int i = 0; i < MICROS; i++)
    if ((seen += micros[i]) > wanted) return i + 1;
  return (double)worst_ns / 1000;
}

static void echo_all(void) {
  for (int64_t late = now_ns() + START_SECONDS * 1000000000LL, waiting = 1; waiting; poll_once(1)) {
    waiting = 0;
    for (int i = 0; i < total; i++) waiting |= terminals[i].waits;
    errno = 0;
    if (now_ns() > late) fail("a key was not echoed");
  }
}

static void keys(double rate, double seconds) {
  /* A shell that said READY has its program still to start: the first key of each terminal does not count. */
  for (int i = 0; i < total; i++) {
    terminals[i].due_ns = now_ns();
    terminals[i].waits = 1;
    send_message(&terminals[i], '0', &KEY, 1);
  }
  echo_all();
  memset(micros, 0, sizeof micros);
  echoes = 0;
  worst_ns = 0;
  prctl(PR_SET_TIMERSLACK, 1);
  int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9);
  uint64_t next = 0;
  while (now_ns() < end) {
    for (;;) {
      int64_t due = start + (int64_t)((double)next * 1e9 / rate);
      struct terminal *t = &terminals[next % (uint64_t)total];
      if (due > now_ns() || t->waits) break;
      t->due_ns = due;
      t->waits = 1;
      next++;
      send_message(t, '0', &KEY, 1);
    }
    if (terminals[next % (uint64_t)total].waits) poll_once(1);
    else poll_until(start + (int64_t)((double)next * 1e9 / rate));
  }
  echo_all();
  printf("{\"echoes\":%llu,\"p50\":%.0f,\"p99\":%.0f,\"p999\":%.0f,\"max\":%.0f}\n", (unsigned long long)echoes,
         percentile(0.5), percentile(0.99), percentile(0.999), (double)worst_ns / 1000);
}

static void usage(void) {
  fprintf(stderr, "usage: terminals keys RATE SECONDS TYPED WHERE | bulk BYTES TYPED WHERE\n"
                  "WHERE: socket PORT HANDSHAKES HELLO | pty COUNT CORE\n");
  exit(2);
}

int main(int argc, char **argv) {
  if (argc < 7) usage();
  int is_keys = !strcmp(argv[1], "keys"), at = is_keys ? 4 : 3;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  struct bytes typed = read_file(argv[at++]);
  terminals = calloc(20000, sizeof *terminals);
  scratch = malloc(READ_BYTES);
  on_output = is_keys ? key_output : bulk_output;
  if (!strcmp(argv[at], "pty") && argc == at + 3) open_ptys(atoi(argv[at + 1]), atoi(argv[at + 2]));
  else if (!strcmp(argv[at], "socket") && argc == at + 4)
    open_sockets(atoi(argv[at + 1]), read_file(argv[at + 2]), read_file(argv[at + 3]));
  else usage();
  poll_fd = epoll_create1(0);
  for (int i = 0; i < total; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    send_message(&terminals[i], '0', typed.at, typed.length);
    fcntl(terminals[i].fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, terminals[i].fd, &event)) fail("epoll_ctl");
  }
  int64_t late = now_ns() + START_SECONDS * 1000000000LL;
  while (ready_count < total) {
    poll_once(100);
    errno = 0;
    if (now_ns() > late) fail("not all shells are ready");
  }
  if (is_keys) {
    keys(atof(argv[2]), atof(argv[3]));
    return 0;
  }
  int64_t start = now_ns();
  uint64_t wanted = strtoull(argv[2], NULL, 10);
  while (bulk_bytes < wanted) poll_once(1000);
  printf("{\"bytes\":%llu,\"seconds\":%.6f}\n", (unsigned long long)bulk_bytes, (double)(now_ns() - start) / 1e9);
  return 0;
}
