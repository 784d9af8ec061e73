// The MCP server behind every gateway: epoll, one thread, HTTP/1.1 keep-alive, answers JSON-RPC at once.
// Speaks both eras: handshake (initialize, Mcp-Session-Id) and 2026-07-28 (server/discover, stateless).
// The tools echo and erase return arguments.text. For measuring on loopback only: it trusts what it reads.
//
// build: gcc -O2 -o upstream upstream.c
// usage: upstream PORT [EVENTS]   serves http://127.0.0.1:PORT/ (any path). With EVENTS, the answer to tools/call is
//                                 a stream of so many events: progress notifications, then the result, each written
//                                 by itself. A call without a progressToken gets the result alone.
//        upstream stdio           one message a line on stdin and stdout
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
  int fd;
  char *in;
  size_t n, cap;
  char *out;
  size_t on, off, ocap;
} Conn;

#define SCHEMA "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\"}},\"required\":[\"text\"]}"
#define TOOLS                                                                                                     \
  "{\"tools\":[{\"name\":\"echo\",\"description\":\"Echo text back.\",\"inputSchema\":" SCHEMA "},"             \
  "{\"name\":\"erase\",\"description\":\"Nobody may call this.\",\"inputSchema\":" SCHEMA "}]"
#define MODERN                                                                                                    \
  "\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"up\",\"version\":\"1\"}},"                       \
  "\"resultType\":\"complete\""
#define CACHE "\"ttlMs\":0,\"cacheScope\":\"private\","

static char *body; // the reply being built
static size_t bcap;
static int events; // of a streamed answer; 0: answers are not streamed

static void need(char **b, size_t *cap, size_t n) {
  if (n <= *cap) return;
  size_t c = *cap ? *cap : 8192;
  while (c < n) c *= 2;
  *b = realloc(*b, c);
  *cap = c;
}

static void put(Conn *c, const char *s, size_t n) {
  need(&c->out, &c->ocap, c->on + n);
  memcpy(c->out + c->on, s, n);
  c->on += n;
}

static char *find(const char *h, size_t n, const char *s) { return memmem(h, n, s, strlen(s)); }

// Start of the string value of the first `key` (given with its quotes and colon); *len is 0 if there is none.
static const char *text(const char *b, size_t n, const char *key, size_t *len) {
  const char *t = find(b, n, key);
  *len = 0;
  if (!t) return b;
  t += strlen(key);
  while (*t == ' ') t++;
  t++;
  for (const char *e = t; (e = memchr(e, '"', b + n - e)); e++)
    if (e[-1] != '\\') {
      *len = e - t;
      break;
    }
  return t;
}

// Builds the reply to b (NUL-terminated) in `body` and returns its length; 0 if b is a notification.
// id and method are the first such keys in the text: escaping keeps a caller's text from looking like one.
static size_t reply(const char *b, size_t n, int modern, int *init) {
  *init = 0;
  const char *id = find(b, n, "\"id\":"), *m = find(b, n, "\"method\":");
  if (!id || !m) return 0;
  id += 5;
  while (*id == ' ') id++;
  size_t il = 0;
  if (*id == '"') {
    il = 1;
    while (id[il] != '"') il++;
    il++;
  } else {
    while (id[il] != ',' && id[il] != '}') il++;
  }
  m += 9;
  while (*m == ' ') m++;
  m++;

  need(&body, &bcap, n + 4096);
  size_t o = sprintf(body, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":", (int)il, id), o0 = o, tl;
  const char *tail = modern ? "," MODERN "}}" : "}}", *list = modern ? "," CACHE MODERN "}}" : "}}";
  if (!strncmp(m, "tools/call\"", 11)) {
    const char *t = text(b, n, "\"text\":", &tl);
    o += sprintf(body + o, "{\"content\":[{\"type\":\"text\",\"text\":\"");
    memcpy(body + o, t, tl);
    o += tl;
    o += sprintf(body + o, "\"}],\"isError\":false%s", tail);
  } else if (!strncmp(m, "tools/list\"", 11)) {
    o += sprintf(body + o, TOOLS "%s", list);
  } else if (!strncmp(m, "resources/list\"", 15)) {
    o += sprintf(body + o, "{\"resources\":[]%s", list);
  } else if (!strncmp(m, "resources/templates/list\"", 25)) {
    o += sprintf(body + o, "{\"resourceTemplates\":[]%s", list);
  } else if (!strncmp(m, "prompts/list\"", 13)) {
    o += sprintf(body + o, "{\"prompts\":[]%s", list);
  } else if (!strncmp(m, "ping\"", 5)) {
    o += sprintf(body + o, "{}}");
  } else if (!strncmp(m, "server/discover\"", 16) && modern) {
    o += sprintf(body + o, "{" CACHE "\"supportedVersions\":[\"2026-07-28\"],"
                           "\"capabilities\":{\"tools\":{\"listChanged\":false}}," MODERN "}}");
  } else if (!strncmp(m, "initialize\"", 11)) {
    const char *v = text(b, n, "\"protocolVersion\":", &tl);
    o += sprintf(body + o,
                 "{\"protocolVersion\":\"%.*s\",\"capabilities\":{\"tools\":{\"listChanged\":false}},"
                 "\"serverInfo\":{\"name\":\"up\",\"version\":\"1\"}}}",
                 tl ? (int)tl : 10, tl ? v : "2025-11-25");
    *init = 1;
  }
  if (o == o0)
    o = sprintf(body, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32601,\"message\":\"no\"}}", (int)il,
                id);
  return o;
}

static void flush_out(Conn *c, int ep) {
  while (c->off < c->on) {
    ssize_t w = send(c->fd, c->out + c->off, c->on - c->off, MSG_NOSIGNAL);
    if (w < 0) {
      if (errno != EAGAIN) break;
      struct epoll_event e = {EPOLLIN | EPOLLOUT, {.ptr = c}};
      epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
      return;
    }
    c->off += w;
  }
  c->on = c->off = 0;
}

// Joins the chunks at p into `to`. Returns the first byte after the body, or 0 if it is not all there yet.
static char *unchunk(char *p, char *end, char *to, size_t *len) {
  *len = 0;
  for (;;) {
    char *nl = memmem(p, end - p, "\r\n", 2);
    if (!nl) return 0;
    size_t k = strtoul(p, 0, 16);
    if (k > (size_t)(end - nl) || nl + 2 + k + 2 > end) return 0;
    memcpy(to + *len, nl + 2, k);
    *len += k;
    p = nl + 2 + k + 2;
    if (!k) return p;
  }
}

static void chunk(Conn *c, const char *s, size_t n) {
  char size[24];
  put(c, size, sprintf(size, "%zx\r\n", n));
  put(c, s, n);
  put(c, "\r\n", 2);
}

// Answers a call with a stream: progress as long as events are left, then the r bytes of result in `body`.
static void stream(Conn *c, int ep, const char *msg, size_t len, size_t r) {
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
                             "X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n";
  char event[512];
  const char *token = find(msg, len, "\"progressToken\":");
  size_t tl = 0;
  if (token) {
    token += 16;
    while (*token == ' ') token++;
    tl = *token == '"' ? strcspn(token + 1, "\"") + 2 : strcspn(token, ",}");
  }
  put(c, head, sizeof head - 1);
  for (int i = 1; i < events && tl && tl < 200; i++) {
    chunk(c, event,
          sprintf(event,
                  "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
                  "{\"progressToken\":%.*s,\"progress\":%d,\"total\":%d,\"message\":\"step %d\"}}\n\n",
                  (int)tl, token, i, events, i));
    flush_out(c, ep);
  }
  char *last = malloc(r + 32);
  size_t n = sprintf(last, "event: message\ndata: ");
  memcpy(last + n, body, r);
  n += r;
  last[n++] = '\n';
  last[n++] = '\n';
  chunk(c, last, n);
  put(c, "0\r\n\r\n", 5);
  free(last);
}

// A missing header is looked for through the body too. Do not speed that up: nginx needs less CPU behind a faster
// upstream, so at 64 KiB every ratio would move away from those published.
static char *header(Conn *c, char *end, const char *name) {
  char *p = strcasestr(c->in, name);
  return p && p < end ? p : 0;
}

// Answers every complete request in c->in.
static void serve(Conn *c, int ep) {
  while (c->n) {
    char *e = find(c->in, c->n, "\r\n\r\n"), *msg, *end, *un = 0, head[256];
    if (!e) return;
    char *cl = header(c, e, "content-length:");
    int chunked = header(c, e, "transfer-encoding: chunked") != 0, init = 0;
    int modern = header(c, e, "mcp-protocol-version: 2026-07-28") != 0;
    size_t len = cl ? strtoul(cl + 15, 0, 10) : 0;
    msg = e + 4;
    if (chunked) {
      un = malloc(c->n + 1);
      end = unchunk(msg, c->in + c->n, un, &len);
      msg = un;
    } else {
      end = len > (size_t)(c->in + c->n - msg) ? 0 : msg + len;
    }
    if (!end) {
      free(un);
      return;
    }

    if (!strncmp(c->in, "POST", 4)) {
      char keep = msg[len];
      msg[len] = 0;
      size_t r = reply(msg, len, modern, &init);
      int streamed = events && r && memmem(msg, len, "\"tools/call\"", 12);
      if (streamed) stream(c, ep, msg, len, r);
      msg[len] = keep;
      if (streamed) {
      } else if (r) {
        int k = sprintf(head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n",
                        init ? "Mcp-Session-Id: 0123456789abcdef0123456789abcdef\r\n" : "", r);
        put(c, head, k);
        put(c, body, r);
      } else {
        put(c, head, sprintf(head, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"));
      }
    } else if (!strncmp(c->in, "DELETE", 6)) {
      put(c, head, sprintf(head, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    } else {
      put(c, head, sprintf(head, "HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n"));
    }
    free(un);
    c->n -= end - c->in;
    memmove(c->in, end, c->n);
    c->in[c->n] = 0;
  }
}

// Reads what is there; returns 0 when the peer has gone.
static int fill(Conn *c) {
  for (;;) {
    need(&c->in, &c->cap, c->n + 65536 + 1);
    ssize_t r = recv(c->fd, c->in + c->n, c->cap - c->n - 1, 0);
    if (r <= 0) return r < 0 && errno == EAGAIN;
    c->n += r;
    c->in[c->n] = 0;
    if (r < 65536 && c->n < c->cap - 1) return 1;
  }
}

static int serve_stdio(void) {
  char *line = 0;
  size_t cap = 0;
  ssize_t n;
  while ((n = getline(&line, &cap, stdin)) > 0) {
    int init, modern = memmem(line, n, "\"2026-07-28\"", 12) != 0;
    size_t r = reply(line, n, modern, &init);
    if (!r) continue;
    body[r++] = '\n';
    for (size_t off = 0; off < r;) {
      ssize_t w = write(1, body + off, r - off);
      if (w < 0) return 1;
      off += w;
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "stdio")) return serve_stdio();
  int port = argc == 2 || argc == 3 ? atoi(argv[1]) : 0, one = 1;
  events = argc == 3 ? atoi(argv[2]) : 0;
  if (port <= 0 || port > 65535) {
    fprintf(stderr, "usage: upstream PORT [EVENTS] | upstream stdio\n");
    return 2;
  }
  int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in a = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
  if (bind(s, (void *)&a, sizeof a) || listen(s, 1024)) {
    perror("upstream: bind");
    return 1;
  }
  int ep = epoll_create1(0);
  struct epoll_event e = {EPOLLIN, {.ptr = 0}}, ev[256];
  epoll_ctl(ep, EPOLL_CTL_ADD, s, &e);
  for (;;) {
    int k = epoll_wait(ep, ev, 256, -1), fd;
    for (int i = 0; i < k; i++) {
      Conn *c = ev[i].data.ptr;
      if (!c) {
        while ((fd = accept4(s, 0, 0, SOCK_NONBLOCK)) >= 0) {
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          c = calloc(1, sizeof *c);
          c->fd = fd;
          e = (struct epoll_event){EPOLLIN, {.ptr = c}};
          epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
        }
        continue;
      }
      if (ev[i].events & EPOLLOUT) {
        flush_out(c, ep);
        if (!c->on) {
          e = (struct epoll_event){EPOLLIN, {.ptr = c}};
          epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
        }
      }
      if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        int alive = fill(c);
        if (c->n) {
          serve(c, ep);
          flush_out(c, ep);
        }
        if (!alive) {
          close(c->fd);
          free(c->in);
          free(c->out);
          free(c);
        }
      }
    }
  }
}
