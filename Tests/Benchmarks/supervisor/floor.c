// SPDX-License-Identifier: MIT
//
// The least that restarting costs: vfork, pidfd, epoll, and no feature at all.
// usage: floor COUNT PROGRAM FILE
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int queue;
static pid_t pids[4096];
static int descriptors[4096];

static void start(int index, const char *program, const char *file) {
    char name[32];
    snprintf(name, sizeof name, "s%d", index);
    char *arguments[] = {(char *)program, name, (char *)file, NULL};
    char *environment[] = {NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        setsid();
        execve(program, arguments, environment);
        _exit(127);
    }
    pids[index] = pid;
    descriptors[index] = (int)syscall(SYS_pidfd_open, pid, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
    epoll_ctl(queue, EPOLL_CTL_ADD, descriptors[index], &event);
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    int services = atoi(arguments[1]);
    queue = epoll_create1(EPOLL_CLOEXEC);
    for (int index = 0; index < services; index++) start(index, arguments[2], arguments[3]);
    for (;;) {
        struct epoll_event events[64];
        int ready = epoll_wait(queue, events, 64, -1);
        for (int number = 0; number < ready; number++) {
            int index = (int)events[number].data.u32;
            epoll_ctl(queue, EPOLL_CTL_DEL, descriptors[index], NULL);
            close(descriptors[index]);
            waitpid(pids[index], NULL, WNOHANG);
            start(index, arguments[2], arguments[3]);
        }
    }
}
