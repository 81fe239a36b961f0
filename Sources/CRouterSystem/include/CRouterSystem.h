// SPDX-License-Identifier: MIT
//
// System calls that Swift cannot import: variadic functions, macros, and what must happen between fork and exec.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#endif

/// The step of a spawn that failed; the order is the order in which the child takes them.
enum router_spawn_step {
    router_spawn_step_none = 0,
    router_spawn_step_fork,
    router_spawn_step_session,
    router_spawn_step_limits,
    router_spawn_step_directory,
    router_spawn_step_descriptors,
    router_spawn_step_exec,
    router_spawn_step_pidfd,
};

/// What to run and in which surroundings. Descriptors not named here are closed in the child.
struct router_spawn_request {
    const char *path;
    char *const *argv;
    char *const *envp;
    /// NULL keeps the parent's directory.
    const char *directory;
    /// The child's descriptors 0, 1 and 2; none may be 0, 1 or 2 unless it is in its own place.
    int standard_input;
    int standard_output;
    int standard_error;
    /// Handed on as descriptor 3, or -1.
    int extra_descriptor;
    /// Non-zero: a session and process group of its own.
    int new_session;
    mode_t umask;
    /// Non-zero: no core files.
    int no_core;
    /// Soft and hard limit of open files; 0 keeps the parent's.
    uint64_t open_files_soft;
    uint64_t open_files_hard;
};

struct router_spawn_result {
    pid_t pid;
    /// Refers to the child whatever becomes of its pid; -1 where the system has none.
    int pidfd;
    /// errno of the step that failed, 0 on success.
    int error;
    enum router_spawn_step step;
};

/// Starts a program the vfork way: the parent waits until the child has exec'd or failed, and learns which.
struct router_spawn_result router_spawn(const struct router_spawn_request *request);

/// How a child ended, read without blocking.
struct router_wait_result {
    /// The pid that was reaped, 0 when nothing has ended, -1 with errno on failure.
    pid_t pid;
    int exited;
    /// Exit code or signal number.
    int status;
    int core_dumped;
};

/// Reaps one child that has ended: `pid` > 0 that one, -1 any.
struct router_wait_result router_reap(pid_t pid);

int router_pidfd_open(pid_t pid);
int router_pidfd_send_signal(int pidfd, int signal_number);
/// The wait status of a process that is not our child, where the kernel keeps it; -1 with errno where not.
int router_pidfd_exit_status(int pidfd, int *wait_status);

/// Non-zero on success: orphaned grandchildren become our children.
int router_become_subreaper(void);
/// No core file and no ptrace of this process by others of the same user.
int router_forbid_core_dumps(void);
/// Removes `length` bytes at `offset`, closing the gap; both multiples of the file system's block size.
int router_collapse_range(int fd, off_t offset, off_t length);
/// Gives back the blocks of `length` bytes at `offset`; they read as zeros and the size stays.
int router_punch_hole(int fd, off_t offset, off_t length);
/// Credentials of the peer of a connected unix socket; 0 on success.
int router_peer_identity(int fd, uid_t *uid, pid_t *pid);
