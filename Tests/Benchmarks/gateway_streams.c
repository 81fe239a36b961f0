// SPDX-License-Identifier: MIT
//
// Both ends of a proxy under test in one process and one thread, so that both read the same clock: an upstream that sends
// server-sent events which carry the time, and clients that say how old each one is when it arrives.
//
// usage: gateway_streams UPSTREAM_PORT PROXY_PORT STREAMS EVENTS INTERVAL_US SECONDS
//   INTERVAL_US 0 sends all events of a stream at once; SECONDS is how long clients begin new streams.
// prints: events received, streams finished, faults, and the delay in microseconds at p50, p99 and most. A stream fails when the
// proxy refuses or closes its connection or changes the number of its events, never because this program itself is slow: it gives
// up only when nothing at all has moved for a minute. What failed how is said on stderr.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { UPSTREAM = 1, CLIENT = 2, LISTENER = 3, MOST_FDS = 70000, REQUEST_BYTES = 4096 };

struct peer {
    int kind, sent, got, ended;
    int64_t due;
    size_t length, tail;
    char *request;   // upstream: what of a request has come
    char rest[640];  // client: the end of what was read, which may cut an event
};

static struct peer *peers[MOST_FDS];
static int queue[MOST_FDS], head, count, poller, upstream_port, proxy_port, streams, events;
static int64_t interval, stop_at, received, finished, faults, pending_starts, moved_at;
static int64_t refused, closed, miscounted, unsent, stuck;
static uint32_t *delays;
static size_t delay_count, delay_room;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void watch(int fd, int kind) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    peers[fd] = calloc(1, sizeof(struct peer));
    peers[fd]->kind = kind;
    int yes = 1;
    if (kind != LISTENER) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static void drop(int fd) {
    free(peers[fd]->request);
    free(peers[fd]);
    peers[fd] = NULL;
    close(fd);
}

static void put(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t done = send(fd, bytes, length, MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) { usleep(50); continue; }
        if (done <= 0) { faults++, unsent++; return; }
        bytes += done, length -= (size_t)done;
    }
}

static size_t chunk(char *to, const char *content) {
    return (size_t)sprintf(to, "%zx\r\n%s\r\n", strlen(content), content);
}

static size_t event_chunk(char *to) {
    char content[512];
    sprintf(content, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":"
        "[{\"index\":0,\"delta\":{\"content\":\"%lld\"},\"finish_reason\":null}]}\n\n", (long long)now_ns());
    return chunk(to, content);
}

static size_t last_chunks(char *to) {
    size_t length = chunk(to, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":"
        "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    length += chunk(to + length, "data: [DONE]\n\n");
    return length + (size_t)sprintf(to + length, "0\r\n\r\n");
}

// The upstream's side: the queue is in order of time, because every stream waits equally long.
static void wait_turn(int fd, int64_t due) {
    peers[fd]->due = due;
    queue[(head + count++) % MOST_FDS] = fd;
}

static void answer(int fd) {
    static char out[1 << 20];
    size_t length = (size_t)sprintf(out, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    peers[fd]->sent = 0;
    if (interval == 0) {
        for (int i = 0; i < events; i++) length += event_chunk(out + length);
        length += last_chunks(out + length);
        return put(fd, out, length);
    }
    put(fd, out, length);
    wait_turn(fd, now_ns() + interval);
}

static void send_due(int64_t now) {
    char out[2048];
    while (count > 0) {
        int fd = queue[head];
        if (peers[fd] && peers[fd]->due > now) return;
        head = (head + 1) % MOST_FDS, count--;
        if (!peers[fd]) continue;
        size_t length = peers[fd]->sent++ < events ? event_chunk(out) : 0;
        if (length > 0) wait_turn(fd, peers[fd]->due + interval); else length = last_chunks(out);
        put(fd, out, length);
    }
}

static void upstream_read(int fd) {
    struct peer *peer = peers[fd];
    if (!peer->request) peer->request = calloc(1, REQUEST_BYTES + 1);
    ssize_t got = read(fd, peer->request + peer->length, REQUEST_BYTES - peer->length);
    if (got <= 0) { if (got == 0 || errno != EAGAIN) drop(fd); return; }
    peer->length += (size_t)got;
    peer->request[peer->length] = 0;
    char *end = strstr(peer->request, "\r\n\r\n"), *field = strcasestr(peer->request, "content-length:");
    if (!end || !field) return;
    size_t whole = (size_t)(end + 4 - peer->request) + (size_t)atol(field + 15);
    if (peer->length < whole) return;
    peer->length = 0;
    free(peer->request);
    peer->request = NULL;
    answer(fd);
}

// The clients' side.
static void ask(int fd) {
    static const char body[] = "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    char out[512];
    put(fd, out, (size_t)sprintf(out, "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "Authorization: Bearer sk-benchmark-client\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body));
    peers[fd]->got = peers[fd]->ended = 0;
    peers[fd]->tail = 0;
}

static void start(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)proxy_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || fd >= MOST_FDS || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        faults++, refused++;
        if (fd >= 0) close(fd);
        return;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    watch(fd, CLIENT);
    ask(fd);
}

static void note(uint32_t delay) {
    if (delay_count == delay_room) delays = realloc(delays, (delay_room = delay_room * 2 + 65536) * sizeof *delays);
    delays[delay_count++] = delay;
}

static void client_read(int fd) {
    static char in[(1 << 18) + sizeof(((struct peer *)0)->rest)];
    struct peer *peer = peers[fd];
    memcpy(in, peer->rest, peer->tail);
    ssize_t got = read(fd, in + peer->tail, 1 << 18);
    if (got <= 0) { if (got == 0 || errno != EAGAIN) { faults++, closed++, pending_starts--; drop(fd); } return; }
    int64_t now = now_ns();
    moved_at = now;
    size_t length = peer->tail + (size_t)got, used = 0;
    char *place = in, *found;
    while ((found = memmem(place, length - (size_t)(place - in), "\"content\":\"", 11))) {
        char *stop = memchr(found + 11, '"', length - (size_t)(found + 11 - in));
        if (!stop) break;
        int64_t delay = (now - strtoll(found + 11, NULL, 10)) / 1000;
        note(delay < 0 ? 0 : (uint32_t)delay);
        received++, peer->got++;
        place = stop, used = (size_t)(stop - in);
    }
    int is_over = memmem(in + used, length - used, "[DONE]", 6) != NULL;
    if (is_over) peer->ended = 1;
    if (peer->ended && length >= 5 && memcmp(in + length - 5, "0\r\n\r\n", 5) == 0) {
        if (peer->got != events) faults++, miscounted++;
        finished++;
        if (now < stop_at) return ask(fd);
        pending_starts--;
        return drop(fd);
    }
    peer->tail = length - used < sizeof peer->rest ? length - used : sizeof peer->rest;
    memcpy(peer->rest, in + length - peer->tail, peer->tail);
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    if (argc != 7) return fprintf(stderr, "usage: %s UPSTREAM_PORT PROXY_PORT STREAMS EVENTS INTERVAL_US SECONDS\n", argv[0]), 2;
    struct rlimit limit = {MOST_FDS, MOST_FDS};
    setrlimit(RLIMIT_NOFILE, &limit);
    upstream_port = atoi(argv[1]), proxy_port = atoi(argv[2]), streams = atoi(argv[3]), events = atoi(argv[4]);
    interval = atoll(argv[5]) * 1000;
    poller = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)upstream_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) return perror("listen"), 1;
    watch(listener, LISTENER);
    int64_t begin = moved_at = now_ns();
    stop_at = begin + atoll(argv[6]) * 1000000000LL;
    int started = 0;
    while (started < streams || pending_starts > 0) {
        int64_t now = now_ns();
        if (started == streams && now > moved_at + 60000000000LL) { stuck = pending_starts, faults += stuck; break; }
        // Streams begin spread over a second or over one interval, so that their events do not come in step.
        int64_t spread = interval > 0 ? (streams > 2000 ? 5000000000LL : 1000000000LL) : 1;
        for (int burst = 0; started < streams && burst < 8 && now - begin >= spread * started / streams; burst++, started++) {
            pending_starts++;
            int64_t before = faults;
            start();
            if (faults > before) pending_starts--;
        }
        send_due(now);
        int64_t wait = count > 0 && peers[queue[head]] ? peers[queue[head]]->due - now_ns() : 1000000;
        if (started < streams && wait > 1000000) wait = 1000000;
        struct timespec time = {.tv_nsec = wait < 0 ? 0 : wait > 100000000 ? 100000000 : wait};
        struct epoll_event ready[256];
        int many = epoll_pwait2(poller, ready, 256, &time, NULL);
        for (int i = 0; i < many; i++) {
            int fd = ready[i].data.fd;
            if (!peers[fd]) continue;
            if (peers[fd]->kind == UPSTREAM) upstream_read(fd);
            else if (peers[fd]->kind == CLIENT) client_read(fd);
            else for (int next; (next = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) watch(next, UPSTREAM);
        }
    }
    if (faults > 0) {
        fprintf(stderr, "%lld connections refused, %lld closed, %lld streams with other events, %lld writes failed, %lld stuck\n",
            (long long)refused, (long long)closed, (long long)miscounted, (long long)unsent, (long long)stuck);
    }
    qsort(delays, delay_count, sizeof *delays, by_size);
    printf("%lld events %lld streams %lld faults p50 %u p99 %u most %u\n", (long long)received, (long long)finished, (long long)faults,
        delay_count ? delays[delay_count / 2] : 0, delay_count ? delays[delay_count * 99 / 100] : 0,
        delay_count ? delays[delay_count - 1] : 0);
    return faults > 0;
}
