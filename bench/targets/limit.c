/* The limit: the least that a server on epoll can do for a request, so that nothing above it can be faster.
 *
 *   limit PORT FILE TYPE
 *
 * It answers whatever ends in an empty line with one fixed answer: no parsing, no limits, no timeouts, no second
 * request in one read. Not a server; the yardstick of the table.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_EVENTS = 512, RECEIVE_BYTES = 16384, ANSWER_BYTES = 1 << 20 };

static char answer[ANSWER_BYTES];
static size_t answer_length;
static char received[RECEIVE_BYTES];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void build_answer(const char *path, const char *type) {
  static char body[ANSWER_BYTES - 1024];
  FILE *file = fopen(path, "rb");
  if (!file) fail(path);
  size_t length = fread(body, 1, sizeof body, file);
  if (!feof(file)) {
    fprintf(stderr, "%s: larger than %zu bytes\n", path, sizeof body);
    exit(1);
  }
  fclose(file);
  int head = sprintf(answer,
                     "HTTP/1.1 200 OK\r\n"
                     "Content-Type: %.64s\r\n"
                     "Content-Length: %zu\r\n"
                     "ETag: \"limit\"\r\n"
                     "Last-Modified: Sat, 21 Nov 2026 07:29:00 GMT\r\n"
                     "Date: Sat, 21 Nov 2026 07:29:00 GMT\r\n"
                     "Cache-Control: public\r\n"
                     "\r\n",
                     type, length);
  memcpy(answer + head, body, length);
  answer_length = (size_t)head + length;
}

static int listen_on(unsigned short port) {
  int one = 1;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (listener < 0) fail("socket");
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address)) fail("bind");
  if (listen(listener, 4096)) fail("listen");
  return listener;
}

static void accept_all(int listener, int poll) {
  int one = 1;
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP, .data.fd = fd};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event)) close(fd);
  }
}

int main(int count, char **arguments) {
  if (count != 4) {
    fprintf(stderr, "usage: limit PORT FILE TYPE\n");
    return 2;
  }
  build_answer(arguments[2], arguments[3]);
  int listener = listen_on((unsigned short)atoi(arguments[1]));
  int poll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  struct epoll_event events[MAX_EVENTS];
  if (epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event)) fail("epoll_ctl");
  for (;;) {
    int ready = epoll_wait(poll, events, MAX_EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        accept_all(listener, poll);
        continue;
      }
      ssize_t length = recv(fd, received, sizeof received, 0);
      if (length <= 0) {
        close(fd);
      } else if (memmem(received, (size_t)length, "\r\n\r\n", 4)) {
        send(fd, answer, answer_length, MSG_NOSIGNAL);
      }
    }
  }
}
