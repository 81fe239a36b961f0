// SPDX-License-Identifier: MIT
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CRouterSystem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#ifdef __APPLE__
#include <sys/event.h>
#endif
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static uint32_t kernel_events(uint32_t events) {
    uint32_t wanted = EPOLLRDHUP;
    if (events & router_poll_readable) wanted |= EPOLLIN;
    if (events & router_poll_writable) wanted |= EPOLLOUT;
    if (events & router_poll_edge) wanted |= EPOLLET;
    return wanted;
}

int router_poll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int router_poll_set(int poll, int fd, uint32_t events, uint64_t token, int is_new) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = kernel_events(events);
    event.data.u64 = token;
    return epoll_ctl(poll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

int router_poll_remove(int poll, int fd) { return epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL); }

int router_poll_wait(int poll, struct router_poll_event *events, int capacity, int64_t timeout_nanoseconds) {
    struct epoll_event raw[256];
    if (capacity > 256) capacity = 256;
    int count;
    struct timespec time = {timeout_nanoseconds / 1000000000, timeout_nanoseconds % 1000000000};
    count = (int)syscall(SYS_epoll_pwait2, poll, raw, capacity, timeout_nanoseconds < 0 ? NULL : &time, NULL, 0);
    if (count < 0 && errno == ENOSYS) {
        int64_t milliseconds = timeout_nanoseconds < 0 ? -1 : (timeout_nanoseconds + 999999) / 1000000;
        count = epoll_wait(poll, raw, capacity, milliseconds > 1 << 30 ? 1 << 30 : (int)milliseconds);
    }
    for (int index = 0; index < count; index++) {
        uint32_t found = 0;
        if (raw[index].events & EPOLLIN) found |= router_poll_readable;
        if (raw[index].events & EPOLLOUT) found |= router_poll_writable;
        if (raw[index].events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) found |= router_poll_hangup;
        events[index].events = found;
        events[index].token = raw[index].data.u64;
    }
    return count;
}

int router_signal_descriptor(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int index = 0; index < count; index++) sigaddset(&set, signals[index]);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int router_read_signal(int fd, pid_t *sender) {
    struct signalfd_siginfo information;
    ssize_t count;
    do {
        count = read(fd, &information, sizeof information);
    } while (count < 0 && errno == EINTR);
    if (count != (ssize_t)sizeof information) return 0;
    *sender = (pid_t)information.ssi_pid;
    return (int)information.ssi_signo;
}

int router_watch_create(void) { return inotify_init1(IN_CLOEXEC | IN_NONBLOCK); }

int router_watch_add(int fd, const char *path, uint32_t mask) {
    uint32_t wanted = 0;
    if (mask & router_watch_modified) wanted |= IN_MODIFY;
    if (mask & router_watch_removed) wanted |= IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF;
    if (mask & router_watch_created) wanted |= IN_CREATE | IN_MOVED_TO;
    if (mask & router_watch_once) wanted |= IN_ONESHOT;
    return inotify_add_watch(fd, path, wanted);
}

int router_watch_remove(int fd, int watch) { return inotify_rm_watch(fd, watch); }

int router_watch_read(int fd, struct router_watch_event *events, int capacity) {
    // A record is at least the bare struct, so never more than `router_watch_capacity` fit into the buffer.
    char buffer[router_watch_capacity * sizeof(struct inotify_event)]
        __attribute__((aligned(__alignof__(struct inotify_event))));
    size_t room = sizeof buffer;
    if (capacity < router_watch_capacity) {
        errno = EINVAL;
        return -1;
    }
    ssize_t length;
    do {
        length = read(fd, buffer, room);
    } while (length < 0 && errno == EINTR);
    if (length < 0) return errno == EAGAIN ? 0 : -1;
    int count = 0;
    for (char *cursor = buffer; cursor < buffer + length;) {
        struct inotify_event *raw = (struct inotify_event *)cursor;
        struct router_watch_event *event = &events[count++];
        event->watch = raw->wd;
        event->mask = 0;
        if (raw->mask & IN_MODIFY) event->mask |= router_watch_modified;
        if (raw->mask & (IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF)) event->mask |= router_watch_removed;
        if (raw->mask & (IN_CREATE | IN_MOVED_TO)) event->mask |= router_watch_created;
        if (raw->mask & IN_Q_OVERFLOW) event->mask |= router_watch_overflow;
        if (raw->mask & IN_IGNORED) event->mask |= router_watch_once;
        event->name[0] = 0;
        if (raw->len > 0) strncpy(event->name, raw->name, sizeof event->name - 1);
        event->name[sizeof event->name - 1] = 0;
        cursor += sizeof *raw + raw->len;
    }
    return count;
}
#else
static int unsupported(void) {
    errno = ENOSYS;
    return -1;
}
#ifdef __APPLE__
// A descriptor has a filter for each direction here. What is not wanted of reading stays there disabled; of writing it is
// taken away, since not every descriptor can have it.
int router_poll_create(void) { return kqueue(); }

int router_poll_set(int poll, int fd, uint32_t events, uint64_t token, int is_new) {
    (void)is_new;
    uint16_t kind = events & router_poll_edge ? EV_CLEAR : 0;
    void *data = (void *)(uintptr_t)token;
    struct kevent change;
    EV_SET(&change, fd, EVFILT_READ, EV_ADD | kind | (events & router_poll_readable ? EV_ENABLE : EV_DISABLE), 0, 0, data);
    if (kevent(poll, &change, 1, NULL, 0, NULL) != 0) return -1;
    int is_wanted = (events & router_poll_writable) != 0;
    EV_SET(&change, fd, EVFILT_WRITE, is_wanted ? EV_ADD | kind : EV_DELETE, 0, 0, data);
    return kevent(poll, &change, 1, NULL, 0, NULL) != 0 && is_wanted ? -1 : 0;
}

int router_poll_remove(int poll, int fd) {
    struct kevent change;
    EV_SET(&change, fd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
    (void)kevent(poll, &change, 1, NULL, 0, NULL);
    EV_SET(&change, fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
    return kevent(poll, &change, 1, NULL, 0, NULL);
}

int router_poll_wait(int poll, struct router_poll_event *events, int capacity, int64_t timeout_nanoseconds) {
    struct kevent raw[256];
    if (capacity > 256) capacity = 256;
    struct timespec time = {timeout_nanoseconds / 1000000000, timeout_nanoseconds % 1000000000};
    int count = kevent(poll, NULL, 0, raw, capacity, timeout_nanoseconds < 0 ? NULL : &time);
    for (int index = 0; index < count; index++) {
        uint32_t found = raw[index].filter == EVFILT_READ ? router_poll_readable : router_poll_writable;
        if (raw[index].flags & EV_EOF) found |= router_poll_hangup;
        events[index].events = found;
        events[index].token = (uint64_t)(uintptr_t)raw[index].udata;
    }
    return count;
}
#else
int router_poll_create(void) { return unsupported(); }
int router_poll_set(int poll, int fd, uint32_t events, uint64_t token, int is_new) { return unsupported(); }
int router_poll_remove(int poll, int fd) { return unsupported(); }
int router_poll_wait(int poll, struct router_poll_event *events, int capacity, int64_t timeout_nanoseconds) {
    return unsupported();
}
#endif
int router_signal_descriptor(const int *signals, int count) { return unsupported(); }
int router_read_signal(int fd, pid_t *sender) { return 0; }
int router_watch_create(void) { return unsupported(); }
int router_watch_add(int fd, const char *path, uint32_t mask) { return unsupported(); }
int router_watch_remove(int fd, int watch) { return unsupported(); }
int router_watch_read(int fd, struct router_watch_event *events, int capacity) { return unsupported(); }
#endif

pid_t router_peek_ended_child(void) {
    siginfo_t information;
    memset(&information, 0, sizeof information);
    int result;
    do {
        result = waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return errno == ECHILD ? 0 : -1;
    return information.si_pid;
}

int router_child_has_ended(pid_t pid) {
    siginfo_t information;
    memset(&information, 0, sizeof information);
    int result;
    do {
        result = waitid(P_PID, (id_t)pid, &information, WEXITED | WNOHANG | WNOWAIT);
    } while (result < 0 && errno == EINTR);
    return result < 0 || information.si_pid != 0;
}
