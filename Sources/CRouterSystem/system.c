// SPDX-License-Identifier: MIT
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CRouterSystem.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/un.h>
#include <unistd.h>

#ifdef __linux__
#include <link.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#endif

/* What RLIMIT_CORE was before this process set it for itself alone. */
static struct rlimit core_limit;
static int has_core_limit;

static void close_from(int first) {
#ifdef __linux__
    // Closing at exec, not before it: a lock that the parent held is let go only once the child is its own program,
    // so whoever takes the lock after the parent's death sees the child with its own environment.
    if (syscall(SYS_close_range, first, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) == 0) return;
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
#endif
    struct rlimit limit;
    int last = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
    for (int fd = first; fd < last; fd++) close(fd);
}

static int place(int from, int to) {
    if (from == to) return fcntl(to, F_SETFD, 0);
    return dup2(from, to) < 0 ? -1 : 0;
}

/// Runs in the child, which borrows the parent's memory until exec: only system calls, no allocation.
static void run_child(const struct router_spawn_request *request, volatile struct router_spawn_result *result) {
    enum router_spawn_step step = router_spawn_step_session;
    if (request->new_session && setsid() < 0) goto failed;

    // A handler of the parent's must never run here, and the child must not inherit ignored or blocked signals.
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = SIG_DFL;
        sigaction(number, &action, NULL);
    }
    umask(request->umask);

    step = router_spawn_step_limits;
    if (request->no_core) {
        struct rlimit none = {0, 0};
        if (setrlimit(RLIMIT_CORE, &none) != 0) goto failed;
    } else if (has_core_limit) {
        if (setrlimit(RLIMIT_CORE, &core_limit) != 0) goto failed;
    }
    if (request->open_files_soft != 0) {
        struct rlimit files = {(rlim_t)request->open_files_soft, (rlim_t)request->open_files_hard};
        if (setrlimit(RLIMIT_NOFILE, &files) != 0) goto failed;
    }

    step = router_spawn_step_directory;
    if (request->directory != NULL && chdir(request->directory) != 0) goto failed;

    step = router_spawn_step_descriptors;
    if (place(request->standard_input, 0) != 0) goto failed;
    if (place(request->standard_output, 1) != 0) goto failed;
    if (place(request->standard_error, 2) != 0) goto failed;
    int kept = 3;
    if (request->extra_descriptor >= 0) {
        if (place(request->extra_descriptor, 3) != 0) goto failed;
        kept = 4;
    }
    close_from(kept);

    step = router_spawn_step_exec;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(request->path, request->argv, request->envp);
failed:
    result->error = errno;
    result->step = step;
    _exit(127);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
struct router_spawn_result router_spawn(const struct router_spawn_request *request) {
    volatile struct router_spawn_result result = {0, -1, 0, router_spawn_step_none};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = vfork();
    if (pid == 0) run_child(request, &result);
    int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (pid < 0) {
        result.error = fork_error;
        result.step = router_spawn_step_fork;
    } else if (result.error != 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    } else {
        result.pid = pid;
        // The child cannot have been reaped yet, so the pid still means it.
        result.pidfd = router_pidfd_open(pid);
    }
    struct router_spawn_result copy = {result.pid, result.pidfd, result.error, result.step};
    return copy;
}
#pragma GCC diagnostic pop

struct router_wait_result router_reap(pid_t pid) {
    struct router_wait_result result = {0, 0, 0, 0};
    int status = 0;
    pid_t reaped;
    do {
        reaped = waitpid(pid, &status, WNOHANG);
    } while (reaped < 0 && errno == EINTR);
    result.pid = reaped;
    if (reaped <= 0) return result;
    if (WIFEXITED(status)) {
        result.exited = 1;
        result.status = WEXITSTATUS(status);
    } else if (WIFSIGNALED(status)) {
        result.status = WTERMSIG(status);
        result.core_dumped = WCOREDUMP(status) ? 1 : 0;
    }
    return result;
}

int router_pidfd_open(pid_t pid) {
#ifdef __linux__
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    errno = ENOSYS;
    return -1;
#endif
}

int router_pidfd_send_signal(int pidfd, int signal_number) {
#ifdef __linux__
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0);
#else
    (void)pidfd;
    (void)signal_number;
    errno = ENOSYS;
    return -1;
#endif
}

int router_pidfd_send_group_signal(int pidfd, int signal_number) {
#ifdef __linux__
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 4 /* PIDFD_SIGNAL_PROCESS_GROUP */);
#else
    (void)pidfd;
    (void)signal_number;
    errno = EINVAL;
    return -1;
#endif
}

#ifdef __linux__
// Linux 6.15: PIDFD_GET_INFO reports the exit status of any process whose pidfd was open when it ended.
struct router_pidfd_info {
    uint64_t mask;
    uint64_t cgroupid;
    uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code;
    uint32_t coredump_mask, coredump_signal;
};
#define ROUTER_PIDFD_INFO_EXIT (1UL << 3)
#define ROUTER_PIDFD_GET_INFO _IOWR(0xFF, 11, struct router_pidfd_info)
#endif

int router_pidfd_exit_status(int pidfd, int *wait_status) {
#ifdef __linux__
    struct router_pidfd_info info;
    memset(&info, 0, sizeof info);
    info.mask = ROUTER_PIDFD_INFO_EXIT;
    if (ioctl(pidfd, ROUTER_PIDFD_GET_INFO, &info) != 0) return -1;
    if ((info.mask & ROUTER_PIDFD_INFO_EXIT) == 0) {
        errno = ENODATA;
        return -1;
    }
    *wait_status = info.exit_code;
    return 0;
#else
    (void)pidfd;
    (void)wait_status;
    errno = ENOSYS;
    return -1;
#endif
}

int router_become_subreaper(void) {
#ifdef __linux__
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
#else
    return 0;
#endif
}

int router_forbid_core_files(void) {
    if (has_core_limit) return 1;
    if (getrlimit(RLIMIT_CORE, &core_limit) != 0) return 0;
    struct rlimit none = {0, core_limit.rlim_max};
    if (setrlimit(RLIMIT_CORE, &none) != 0) return 0;
    has_core_limit = 1;
    return 1;
}

void router_restore_core_limit(void) {
    if (has_core_limit) setrlimit(RLIMIT_CORE, &core_limit);
}

int router_forbid_core_dumps(void) {
    struct rlimit none = {0, 0};
    int failed = setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) failed = -1;
#endif
    return failed == 0;
}

void router_keep_freed_memory(void) {
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_MMAP_THRESHOLD, 8 << 20);
#endif
}

int router_exchange_files(const char *one, const char *other) {
#ifdef __linux__
    return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
#else
    (void)one;
    (void)other;
    errno = ENOSYS;
    return -1;
#endif
}

int router_move_without_replacing(const char *from, const char *to) {
#ifdef __linux__
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
#else
    (void)from;
    (void)to;
    errno = ENOSYS;
    return -1;
#endif
}

int router_collapse_range(int fd, off_t offset, off_t length) {
#ifdef __linux__
    return fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, offset, length);
#else
    errno = EOPNOTSUPP;
    return -1;
#endif
}

void router_start_writeback(int fd, off_t offset, off_t length) {
#ifdef __linux__
    (void)sync_file_range(fd, offset, length, SYNC_FILE_RANGE_WRITE);
#else
    (void)fd;
    (void)offset;
    (void)length;
#endif
}

int router_punch_hole(int fd, off_t offset, off_t length) {
#ifdef __linux__
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
#else
    errno = EOPNOTSUPP;
    return -1;
#endif
}

int router_peer_identity(int fd, uid_t *uid, pid_t *pid) {
#ifdef __linux__
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -1;
    *uid = credentials.uid;
    *pid = credentials.pid;
    return 0;
#else
    gid_t group;
    *pid = -1;
    return getpeereid(fd, uid, &group);
#endif
}

#ifdef __linux__
static int release_segments(struct dl_phdr_info *program, size_t size, void *unused) {
    (void)size;
    (void)unused;
    uintptr_t page = (uintptr_t)getpagesize();
    for (int index = 0; index < program->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[index];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t start = (program->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        // A last page that is only half ours also holds the beginning of what can be written.
        uintptr_t end = (program->dlpi_addr + segment->p_vaddr + segment->p_filesz) & ~(page - 1);
        if (end > start) (void)madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 1; // The first is the program itself.
}
#endif

void router_release_code(void) {
#ifdef __linux__
    (void)dl_iterate_phdr(release_segments, NULL);
#endif
}
