// SPDX-License-Identifier: MIT
//
// Writes lines of 100 bytes to standard output at a rate, and says on a file how fast it really was.
// usage: flood MEGABYTES_PER_SECOND SECONDS FILE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    double rate = atof(arguments[1]) * 1e6, seconds = atof(arguments[2]);
    enum { block = 64000 };
    static char lines[block];
    memset(lines, 'x', sizeof lines);
    for (int end = 99; end < block; end += 100) lines[end] = '\n';
    double begun = now(), slowest = 0, written = 0;
    while (now() - begun < seconds) {
        double before = now();
        if (write(1, lines, block) != block) return 1;
        double took = now() - before;
        if (took > slowest) slowest = took;
        written += block;
        double ahead = written / rate - (now() - begun);
        if (ahead > 0) usleep((useconds_t)(ahead * 1e6));
    }
    char text[200];
    int length = snprintf(text, sizeof text, "%.1f %.3f\n", written / (now() - begun) / 1e6, slowest * 1e3);
    int file = open(arguments[3], O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (write(file, text, (size_t)length) != length) return 1;
    for (;;) pause();
}
