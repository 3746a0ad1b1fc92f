/* Opens connections, has one request answered on each, and holds them idle until its input ends.
 *
 *   hold PORT CONNECTIONS FIRST REQUEST ANSWER_BYTES STATUS
 *
 * Prints `held N` when all are answered. FIRST is the number of the first connection of this process: 20,000 of them
 * share a source address, 127.0.0.1, 127.0.0.2, … Exit code 1 when an answer does not begin with the STATUS or a connection ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PER_ADDRESS = 20000, ANSWER_MAX = 65536, REQUEST_MAX = 65536 };

static void fail(const char *what) {
  fprintf(stderr, "hold: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

static int dial(int port, int number) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in from = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (unsigned)(number / PER_ADDRESS))};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&from, sizeof from)) fail("bind");
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
  return fd;
}

static void ask(int fd, const char *request, size_t length, size_t answer_bytes, const char *status) {
  static char answer[ANSWER_MAX];
  size_t received = 0;
  if (send(fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) fail("send");
  while (received < answer_bytes) {
    ssize_t got = recv(fd, answer + received, answer_bytes - received, 0);
    if (got <= 0) fail("the server closed a connection");
    received += (size_t)got;
  }
  errno = 0;
  if (strncmp(answer, "HTTP/1.1 ", 9) || strncmp(answer + 9, status, 3)) fail("a wrong answer");
}

int main(int argc, char **argv) {
  static char request[REQUEST_MAX];
  if (argc != 7) {
    fprintf(stderr, "usage: hold PORT CONNECTIONS FIRST REQUEST ANSWER_BYTES STATUS\n");
    return 2;
  }
  int port = atoi(argv[1]), total = atoi(argv[2]), first = atoi(argv[3]);
  size_t answer_bytes = (size_t)atol(argv[5]);
  if (answer_bytes > ANSWER_MAX) fail("an answer that long is not held");
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  FILE *file = fopen(argv[4], "rb");
  if (!file) fail(argv[4]);
  size_t length = fread(request, 1, sizeof request, file);
  for (int i = 0; i < total; i++) ask(dial(port, first + i), request, length, answer_bytes, argv[6]);
  printf("held %d\n", total);
  fflush(stdout);
  while (getchar() != EOF) {
  }
  return 0;
}
