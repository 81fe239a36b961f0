// SPDX-License-Identifier: MIT
//
// The service of the benchmark: says when it was exec'd, then waits for a signal.
// usage: stamp NAME FILE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **arguments) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    char line[200];
    int length = snprintf(line, sizeof line, "%s %lld %d\n", count > 1 ? arguments[1] : "?",
                          (long long)now.tv_sec * 1000000000LL + now.tv_nsec, (int)getpid());
    int file = open(count > 2 ? arguments[2] : "/dev/null", O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (file < 0 || write(file, line, (size_t)length) != length) return 1;
    close(file);
    for (;;) pause();
}
