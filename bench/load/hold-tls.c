/* Opens TLS connections, has one request answered on each, and holds them idle until its input ends.
 *
 *   hold-tls PORT CONNECTIONS REQUEST ANSWER_BYTES
 *
 * Prints `held N` when all are answered. Exit code 1 when an answer does not begin with a 200 or a connection ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 65536, REQUEST_MAX = 65536 };

static void fail(const char *what) {
  perror(what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static int dial(int port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0) fail("hold-tls: socket");
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) fail("hold-tls: connect");
  return fd;
}

static void ask(SSL *ssl, const char *request, int length, size_t answer_bytes) {
  static char answer[ANSWER_MAX];
  size_t received = 0;
  if (SSL_connect(ssl) != 1) fail("hold-tls: handshake");
  if (SSL_write(ssl, request, length) != length) fail("hold-tls: send");
  while (received < answer_bytes) {
    int got = SSL_read(ssl, answer + received, (int)(answer_bytes - received));
    if (got <= 0) fail("hold-tls: the server closed a connection");
    received += (size_t)got;
  }
  if (strncmp(answer, "HTTP/1.1 200 ", 13)) fail("hold-tls: a wrong answer");
}

int main(int argc, char **argv) {
  static char request[REQUEST_MAX];
  if (argc != 5) {
    fprintf(stderr, "usage: hold-tls PORT CONNECTIONS REQUEST ANSWER_BYTES\n");
    return 2;
  }
  int port = atoi(argv[1]), total = atoi(argv[2]);
  size_t answer_bytes = (size_t)atol(argv[4]);
  if (answer_bytes > ANSWER_MAX) fail("hold-tls: an answer that long is not held");
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  FILE *file = fopen(argv[3], "rb");
  if (!file) fail(argv[3]);
  size_t length = fread(request, 1, sizeof request, file);
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  for (int i = 0; i < total; i++) {
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, dial(port));
    ask(ssl, request, (int)length, answer_bytes);
  }
  printf("held %d\n", total);
  fflush(stdout);
  while (getchar() != EOF) {
  }
  return 0;
}
