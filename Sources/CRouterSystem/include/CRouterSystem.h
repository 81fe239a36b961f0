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
/// The same for the whole process group of which the process is the leader (Linux 6.9; EINVAL before).
int router_pidfd_send_group_signal(int pidfd, int signal_number);
/// The wait status of a process that is not our child, where the kernel keeps it; -1 with errno where not.
int router_pidfd_exit_status(int pidfd, int *wait_status);

/// Non-zero on success: orphaned grandchildren become our children.
int router_become_subreaper(void);
/// Non-zero on success: no core file of this process; children get the limit back that it had.
int router_forbid_core_files(void);
/// For a program that takes this process over.
void router_restore_core_limit(void);
/// No core file and no ptrace of this process by others of the same user.
int router_forbid_core_dumps(void);
/// Freed memory up to 64 MiB stays with the process: giving it back and faulting it in again costs more than using it.
void router_keep_freed_memory(void);
/// Swaps two files in one step; -1 with errno where one is missing or the file system cannot do that.
int router_exchange_files(const char *one, const char *other);
/// Renames unless something is there already.
int router_move_without_replacing(const char *from, const char *to);
/// Removes `length` bytes at `offset`, closing the gap; both multiples of the file system's block size.
int router_collapse_range(int fd, off_t offset, off_t length);
/// Gives back the blocks of `length` bytes at `offset`; they read as zeros and the size stays.
int router_punch_hole(int fd, off_t offset, off_t length);
/// Begins to write dirty pages of the range to disk and does not wait; only a hint.
void router_start_writeback(int fd, off_t offset, off_t length);
/// Credentials of the peer of a connected unix socket; 0 on success.
int router_peer_identity(int fd, uid_t *uid, pid_t *pid);

// MARK: - Waiting

/// One descriptor that is ready, with the token it was registered under.
struct router_poll_event {
    uint64_t token;
    uint32_t events;
};

/// `router_poll_edge` is only asked for, never reported: what was reported once is not reported again until it is new.
enum { router_poll_readable = 1, router_poll_writable = 2, router_poll_hangup = 4, router_poll_edge = 8 };

int router_poll_create(void);
/// Registers (`is_new`) or changes what is waited for.
int router_poll_set(int poll, int fd, uint32_t events, uint64_t token, int is_new);
int router_poll_remove(int poll, int fd);
/// Waits up to `timeout_nanoseconds` (negative: for ever); the number of events, or -1 with errno.
int router_poll_wait(int poll, struct router_poll_event *events, int capacity, int64_t timeout_nanoseconds);

/// Blocks `signals` in this thread and returns a non-blocking descriptor that delivers them.
int router_signal_descriptor(const int *signals, int count);
/// The next delivered signal with its sender; 0 when there is none.
int router_read_signal(int fd, pid_t *sender);

/// What happened to a watched path; `name` is the entry for folders, empty for files.
struct router_watch_event {
    int watch;
    uint32_t mask;
    char name[256];
};
enum {
    router_watch_modified = 1,
    router_watch_removed = 2,
    router_watch_created = 4,
    router_watch_once = 8,
    router_watch_overflow = 16,
};
int router_watch_create(void);
/// Watches `path` for a mask of the values above; the watch number, or -1 with errno.
int router_watch_add(int fd, const char *path, uint32_t mask);
int router_watch_remove(int fd, int watch);
/// The least capacity that `router_watch_read` takes.
enum { router_watch_capacity = 64 };
/// Fills `events`; the number of them, 0 when there are none, -1 with errno.
int router_watch_read(int fd, struct router_watch_event *events, int capacity);

/// The pid of a child that has ended and is not reaped yet, 0 when there is none, -1 with errno.
pid_t router_peek_ended_child(void);

/// 0 while the child runs, else non-zero; nothing is reaped.
int router_child_has_ended(pid_t pid);

// MARK: - Sockets and descriptors

int router_accept(int fd);
int router_set_nonblocking(int fd);
/// Closes a descriptor whose closing makes the kernel wait, without waiting with it.
void router_close_later(int fd);
/// Whether the descriptor survives an exec.
int router_set_inherited(int fd, int inherited);
/// Starts a connection to a numeric address without waiting; the descriptor, or -1 with errno.
int router_tcp_connect(const char *address, int port);
/// 0 once a started connection stands, else the error number.
int router_socket_error(int fd);
/// Listens on a numeric address; port 0 takes a free one. For tests and probes of free ports.
int router_tcp_listen(const char *address, int port);
int router_socket_port(int fd);
/// 1 when the address can be bound, 0 when it is in use, -1 with errno when that cannot be told.
int router_port_is_free(const char *address, int port);
ssize_t router_send(int fd, const void *bytes, size_t count);
/// Sends two pieces as one.
ssize_t router_send_pair(int fd, const void *first, size_t first_count, const void *second, size_t second_count);
/// Small pieces leave at once.
void router_send_without_delay(int fd);
/// Tells the service manager at `path` (`@` first: abstract); 0 on success.
int router_notify_service_manager(const char *path, const char *message);
/// A file without a name that lives in memory.
int router_memory_file(const char *name);
/// Copies between two files inside the kernel where it can; the number of bytes, 0 at the end, -1 with errno.
ssize_t router_copy_range(int from, off_t *from_offset, int to, size_t count);
/// The offset of the first data at or after `offset`; the size of the file when there is none.
off_t router_seek_data(int fd, off_t offset);
int router_block_size(int fd);

// MARK: - Memory

/// Unmaps the program's code and constants, which come back from the page cache, or the disk, where they are needed.
void router_release_code(void);
