/* Sends one request over and over, on many connections, and times the answers.
 *
 *   exchange [--sleep] PORT CONNECTIONS SECONDS RATE REQUEST ANSWER_BYTES [HANDSHAKE EXPECTED]
 *
 * RATE 0: each connection sends its next request as soon as the answer is here (closed loop).
 * RATE n: n requests a second in all, at times that are fixed beforehand. A request that waits for a free connection has
 * been waiting since its time came, so a server that stalls is charged for all who would have come meanwhile: no
 * coordinated omission. Until the next is due it asks for answers without a pause, or with --sleep waits for them.
 *
 * REQUEST, HANDSHAKE and EXPECTED are files. With a HANDSHAKE each connection begins with it and its answer must be a 101;
 * then each answer must be EXPECTED, byte for byte. Without, each must be ANSWER_BYTES long and begin with a 200.
 * A wrong answer or a closed connection ends the run with exit code 1. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_EVENTS = 512, FILE_BYTES = 1 << 20, MICROS = 100000, MILLIS = 100000 };
static const char STATUS[] = "HTTP/1.1 200 ";

struct bytes {
  char *at;
  size_t length;
};
struct connection {
  int fd;
  size_t sent, received; /* of the request and the answer under way */
  int64_t due_ns;
};

static struct bytes request, handshake, expected;
static size_t answer_bytes;
static struct connection *connections;
static char *scratch;
static int poll_fd;
/* How many answers took so many µs, and, beyond 100 ms, so many ms. */
static uint64_t micros[MICROS], millis[MILLIS], answers;
static int64_t worst_ns;

static void fail(const char *what) {
  fprintf(stderr, "exchange: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
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

static int dial(int port, int number) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  /* 127.0.0.1, 127.0.0.2, …: one address has too few ports for some runs. */
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + number / 20000)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&from, sizeof from)) fail("bind");
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static void shake_hands(int fd) {
  size_t length = 0;
  if (write(fd, handshake.at, handshake.length) != (ssize_t)handshake.length) fail("handshake");
  while (!memmem(scratch, length, "\r\n\r\n", 4)) {
    ssize_t got = read(fd, scratch + length, 4096 - length);
    if (got <= 0) fail("no answer to the handshake");
    length += (size_t)got;
  }
  errno = 0;
  if (strncmp(scratch, "HTTP/1.1 101", 12)) fail("the handshake was refused");
}

static void send_more(struct connection *c) {
  while (c->sent < request.length) {
    ssize_t done = send(c->fd, request.at + c->sent, request.length - c->sent, MSG_NOSIGNAL);
    if (done < 0 && errno == EAGAIN) return; /* goes on when it is writable */
    if (done < 0) fail("send");
    c->sent += (size_t)done;
  }
}

static void begin(struct connection *c, int64_t due_ns) {
  c->sent = c->received = 0;
  c->due_ns = due_ns;
  send_more(c);
}

static void check(struct connection *c, size_t length) {
  for (size_t i = 0; i < length; i++) {
    size_t at = c->received + i;
    if (expected.length ? at >= expected.length || scratch[i] != expected.at[at]
                        : at < sizeof STATUS - 1 && scratch[i] != STATUS[at]) {
      errno = 0;
      fail("a wrong answer");
    }
    if (!expected.length && at >= sizeof STATUS - 1) break;
  }
}

/* 1 when the answer is whole. */
static int receive(struct connection *c) {
  for (;;) {
    ssize_t got = recv(c->fd, scratch, FILE_BYTES, 0);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) fail("the server closed a connection");
    check(c, (size_t)got);
    c->received += (size_t)got;
    errno = 0;
    if (c->received > answer_bytes) fail("more bytes than an answer has");
    if (c->received == answer_bytes) return 1;
  }
}

static void count(int64_t ns) {
  int64_t us = ns / 1000, ms = us / 1000;
  if (us < MICROS) micros[us]++;
  else millis[ms < MILLIS ? ms : MILLIS - 1]++;
  if (ns > worst_ns) worst_ns = ns;
  answers++;
}

static double percentile(double part) {
  uint64_t wanted = (uint64_t)(part * (double)answers), seen = 0;
  for (int i = 0; i < MICROS; i++)
    if ((seen += micros[i]) > wanted) return i + 1;
  for (int i = 0; i < MILLIS; i++)
    if ((seen += millis[i]) > wanted) return (i + 1) * 1000.0;
  return (double)worst_ns / 1000;
}

int main(int argc, char **argv) {
  int sleeps = argc > 1 && !strcmp(argv[1], "--sleep");
  argc -= sleeps;
  argv += sleeps;
  if (argc != 7 && argc != 9) {
    fprintf(stderr, "usage: exchange PORT CONNECTIONS SECONDS RATE REQUEST ANSWER_BYTES [HANDSHAKE EXPECTED]\n");
    return 2;
  }
  int port = atoi(argv[1]), total = atoi(argv[2]);
  double seconds = atof(argv[3]), rate = atof(argv[4]);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  request = read_file(argv[5]);
  answer_bytes = (size_t)atol(argv[6]);
  if (argc == 9) {
    handshake = read_file(argv[7]);
    expected = read_file(argv[8]);
    answer_bytes = expected.length;
  }
  scratch = malloc(FILE_BYTES);
  connections = calloc((size_t)total, sizeof *connections);
  int *idle = malloc((size_t)total * sizeof *idle), idle_count = 0;
  poll_fd = epoll_create1(0);
  for (int i = 0; i < total; i++) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = (uint32_t)i};
    connections[i].fd = dial(port, i);
    if (handshake.length) shake_hands(connections[i].fd);
    fcntl(connections[i].fd, F_SETFL, O_NONBLOCK);
    connections[i].sent = request.length;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, connections[i].fd, &event)) fail("epoll_ctl");
    idle[idle_count++] = i;
  }
  struct epoll_event events[MAX_EVENTS];
  int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9), now = start;
  uint64_t next = 0; /* number of the next request; its time is start + next / rate */
  if (rate == 0)
    while (idle_count > 0) begin(&connections[idle[--idle_count]], start);
  while ((now = now_ns()) < end) {
    while (rate > 0 && idle_count > 0) {
      int64_t due = start + (int64_t)((double)next * 1e9 / rate);
      if (due > now) break;
      next++;
      begin(&connections[idle[--idle_count]], due);
    }
    if (sleeps && rate > 0) {
      /* With no free connection an answer comes first. */
      int64_t left = idle_count > 0 ? start + (int64_t)((double)next * 1e9 / rate) - now_ns() : 10000000;
      struct timespec timeout = {left / 1000000000, left % 1000000000};
      struct pollfd any = {.fd = poll_fd, .events = POLLIN};
      if (left > 0) ppoll(&any, 1, &timeout, NULL);
    }
    int ready = epoll_wait(poll_fd, events, MAX_EVENTS, rate > 0 ? 0 : 10);
    for (int i = 0; i < ready; i++) {
      struct connection *c = &connections[events[i].data.u32];
      if (events[i].events & EPOLLOUT) send_more(c);
      if (!(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) || !receive(c)) continue;
      now = now_ns();
      count(now - c->due_ns);
      if (rate > 0) idle[idle_count++] = (int)events[i].data.u32;
      else begin(c, now);
    }
  }
  /* Those whose time came and that have no answer yet have waited at least so long. */
  if (rate > 0) {
    for (int i = 0; i < total; i++) {
      struct connection *c = &connections[i];
      if (c->received < answer_bytes && c->due_ns > 0) count(now - c->due_ns);
    }
    for (int64_t due; (due = start + (int64_t)((double)next * 1e9 / rate)) < now; next++) count(now - due);
  }
  printf("{\"answers\":%llu,\"seconds\":%.3f,\"p50\":%.0f,\"p90\":%.0f,\"p99\":%.0f,\"p999\":%.0f,\"max\":%.0f}\n",
         (unsigned long long)answers, (double)(now - start) / 1e9, percentile(0.5), percentile(0.9),
         percentile(0.99), percentile(0.999), (double)worst_ns / 1000);
  return 0;
}
