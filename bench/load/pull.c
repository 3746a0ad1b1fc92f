/* Reads what a WebSocket sends: the same frame over and over.
 *
 *   pull PORT BYTES HANDSHAKE BEGIN FRAME
 *
 * HANDSHAKE, BEGIN and FRAME are files. After a 101 it sends BEGIN and reads until BYTES have come; each must be that of
 * FRAME, repeated. A wrong byte ends the run with exit code 1. Prints one line of JSON: the bytes, and the seconds from
 * BEGIN to the last of them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FILE_BYTES = 1 << 20, READ_BYTES = 1 << 18, HEAD_BYTES = 4096 };

struct bytes {
  char *at;
  size_t length;
};

static void fail(const char *what) {
  fprintf(stderr, "pull: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct bytes read_file(const char *path) {
  struct bytes b = {malloc(FILE_BYTES), 0};
  FILE *file = fopen(path, "rb");
  if (!file || !b.at) fail(path);
  b.length = fread(b.at, 1, FILE_BYTES, file);
  fclose(file);
  return b;
}

static int dial(int port) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0) fail("socket");
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* Byte by byte: what comes behind the head belongs to the frames. */
static void shake_hands(int fd, struct bytes handshake) {
  static char head[HEAD_BYTES];
  size_t length = 0;
  if (write(fd, handshake.at, handshake.length) != (ssize_t)handshake.length) fail("handshake");
  while (length < 4 || memcmp(head + length - 4, "\r\n\r\n", 4)) {
    errno = 0;
    if (length == HEAD_BYTES || read(fd, head + length, 1) != 1) fail("no answer to the handshake");
    length++;
  }
  errno = 0;
  if (strncmp(head, "HTTP/1.1 101", 12)) fail("the handshake was refused");
}

int main(int argc, char **argv) {
  static char buffer[READ_BYTES];
  if (argc != 6) {
    fprintf(stderr, "usage: pull PORT BYTES HANDSHAKE BEGIN FRAME\n");
    return 2;
  }
  int fd = dial(atoi(argv[1]));
  uint64_t wanted = strtoull(argv[2], NULL, 10), received = 0;
  struct bytes begin = read_file(argv[4]), frame = read_file(argv[5]);
  shake_hands(fd, read_file(argv[3]));
  double start = now();
  if (write(fd, begin.at, begin.length) != (ssize_t)begin.length) fail("begin");
  size_t at = 0; /* in the frame */
  while (received < wanted) {
    ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0) fail("read");
    errno = 0;
    if (got == 0) fail("the server closed the connection");
    for (size_t done = 0; done < (size_t)got;) {
      size_t length = (size_t)got - done;
      if (length > frame.length - at) length = frame.length - at;
      if (memcmp(buffer + done, frame.at + at, length)) fail("a wrong byte");
      done += length;
      at = (at + length) % frame.length;
    }
    received += (uint64_t)got;
  }
  printf("{\"bytes\":%llu,\"seconds\":%.6f}\n", (unsigned long long)received, now() - start);
  return 0;
}
