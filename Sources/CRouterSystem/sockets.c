// SPDX-License-Identifier: MIT
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CRouterSystem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mman.h>
#include <sys/sendfile.h>
#endif

int router_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int router_set_inherited(int fd, int inherited) { return fcntl(fd, F_SETFD, inherited ? 0 : FD_CLOEXEC); }

// The last reference of an inotify queue waits for a grace period of the kernel (0.2 to 15 ms here), also when it goes
// with the process. So the last one is given to a socket that can be reached only through its own queue: such sockets
// are collected by a thread of the kernel (Linux 6.10; before that by whoever closes them, as close(2) would have been).
void router_close_later(int fd) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) {
        close(fd);
        return;
    }
    int carried[2] = {fd, pair[1]};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof carried)];
    } control;
    memset(&control, 0, sizeof control);
    char byte = 0;
    struct iovec content = {&byte, 1};
    struct msghdr message = {0};
    message.msg_iov = &content;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control.bytes;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof carried);
    memcpy(CMSG_DATA(header), carried, sizeof carried);
    (void)sendmsg(pair[0], &message, MSG_DONTWAIT);
    // The sockets last: closing them is what starts the collection.
    close(fd);
    close(pair[0]);
    close(pair[1]);
}

int router_accept(int fd) {
#ifdef __linux__
    int found;
    do {
        found = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (found < 0 && errno == EINTR);
    return found;
#else
    int found = accept(fd, NULL, NULL);
    if (found >= 0) {
        router_set_nonblocking(found);
        fcntl(found, F_SETFD, FD_CLOEXEC);
    }
    return found;
#endif
}

union any_address {
    struct sockaddr generic;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

static int fill_address(const char *address, int port, union any_address *out, socklen_t *length) {
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, address, &out->four.sin_addr) == 1) {
        out->four.sin_family = AF_INET;
        out->four.sin_port = htons((uint16_t)port);
        *length = sizeof out->four;
        return 0;
    }
    if (inet_pton(AF_INET6, address, &out->six.sin6_addr) == 1) {
        out->six.sin6_family = AF_INET6;
        out->six.sin6_port = htons((uint16_t)port);
        *length = sizeof out->six;
        return 0;
    }
    errno = EADDRNOTAVAIL;
    return -1;
}

static int open_socket(int family) {
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static void close_keeping_error(int fd) {
    int saved = errno;
    close(fd);
    errno = saved;
}

int router_tcp_connect(const char *address, int port) {
    union any_address target;
    socklen_t length;
    if (fill_address(address, port, &target, &length) != 0) return -1;
    int fd = open_socket(target.generic.sa_family);
    if (fd < 0) return -1;
    if (router_set_nonblocking(fd) != 0 || (connect(fd, &target.generic, length) != 0 && errno != EINPROGRESS)) {
        close_keeping_error(fd);
        return -1;
    }
    return fd;
}

int router_socket_error(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 ? errno : error;
}

static int bound_socket(const char *address, int port) {
    union any_address target;
    socklen_t length;
    if (fill_address(address, port, &target, &length) != 0) return -1;
    int fd = open_socket(target.generic.sa_family);
    if (fd < 0) return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (target.generic.sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, &target.generic, length) != 0) {
        close_keeping_error(fd);
        return -1;
    }
    return fd;
}

int router_tcp_listen(const char *address, int port) {
    int fd = bound_socket(address, port);
    if (fd >= 0 && listen(fd, 128) != 0) {
        close_keeping_error(fd);
        return -1;
    }
    return fd;
}

int router_socket_port(int fd) {
    union any_address found;
    socklen_t length = sizeof found;
    if (getsockname(fd, &found.generic, &length) != 0) return -1;
    return ntohs(found.generic.sa_family == AF_INET6 ? found.six.sin6_port : found.four.sin_port);
}

int router_port_is_free(const char *address, int port) {
    int fd = bound_socket(address, port);
    if (fd >= 0) {
        close(fd);
        return 1;
    }
    return errno == EADDRINUSE ? 0 : -1;
}

ssize_t router_send(int fd, const void *bytes, size_t count) {
#ifdef MSG_NOSIGNAL
    return send(fd, bytes, count, MSG_NOSIGNAL);
#else
    return send(fd, bytes, count, 0);
#endif
}

ssize_t router_send_pair(int fd, const void *first, size_t first_count, const void *second, size_t second_count) {
    struct iovec pieces[2] = {{(void *)first, first_count}, {(void *)second, second_count}};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
#ifdef MSG_NOSIGNAL
    return sendmsg(fd, &message, MSG_NOSIGNAL);
#else
    return sendmsg(fd, &message, 0);
#endif
}

void router_send_without_delay(int fd) {
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int router_notify_service_manager(const char *path, const char *message) {
#ifdef __linux__
    struct sockaddr_un address;
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path) {
        errno = EINVAL;
        return -1;
    }
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path, length);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (path[0] == '@') address.sun_path[0] = 0;
    else size++;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    ssize_t sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, size);
    close_keeping_error(fd);
    return sent < 0 ? -1 : 0;
#else
    errno = ENOSYS;
    return -1;
#endif
}

int router_memory_file(const char *name) {
#ifdef __linux__
    return memfd_create(name, MFD_CLOEXEC);
#else
    errno = ENOSYS;
    return -1;
#endif
}

ssize_t router_copy_range(int from, off_t *from_offset, int to, size_t count) {
#ifdef __linux__
    ssize_t copied;
    do {
        copied = copy_file_range(from, from_offset, to, NULL, count, 0);
    } while (copied < 0 && errno == EINTR);
    if (copied >= 0 || (errno != EXDEV && errno != ENOSYS && errno != EINVAL && errno != EOPNOTSUPP)) return copied;
    do {
        copied = sendfile(to, from, from_offset, count);
    } while (copied < 0 && errno == EINTR);
    return copied;
#else
    errno = ENOSYS;
    return -1;
#endif
}

off_t router_seek_data(int fd, off_t offset) {
#ifdef SEEK_DATA
    off_t found = lseek(fd, offset, SEEK_DATA);
    if (found >= 0) return found;
    if (errno == ENXIO) return lseek(fd, 0, SEEK_END);
#endif
    return offset;
}

int router_block_size(int fd) {
    struct stat found;
    return fstat(fd, &found) == 0 ? (int)found.st_blksize : -1;
}
