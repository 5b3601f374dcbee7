// A process that reads its clocks in every way there is, in several threads, and says how far each is from what the kernel
// itself says: in milliseconds, clock by clock.
//
// now: says it.  fork: makes a child, and says its number.  child: the same as `now`, by the child.  exec: starts again.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const struct { const char *name; clockid_t clock; } clocks[] = {
    {"realtime", CLOCK_REALTIME},   {"coarse", CLOCK_REALTIME_COARSE}, {"tai", CLOCK_TAI},
    {"monotonic", CLOCK_MONOTONIC}, {"raw", CLOCK_MONOTONIC_RAW},      {"ticks", CLOCK_MONOTONIC_COARSE},
    {"boottime", CLOCK_BOOTTIME},   {"cpu", CLOCK_PROCESS_CPUTIME_ID},
};

static double milliseconds(struct timespec time) { return time.tv_sec * 1e3 + time.tv_nsec / 1e6; }

static double kernel(clockid_t clock) {
    struct timespec time;
    syscall(SYS_clock_gettime, clock, &time);
    return milliseconds(time);
}

static double library(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time)) return -1;
    return milliseconds(time);
}

static volatile double spinner;
static volatile unsigned long backwards, rounds;
static volatile int is_child;

// Reads without a pause, so that it is in the middle of it whenever somebody changes something.
static void *spin(void *which) {
    double last = library(CLOCK_MONOTONIC);
    for (;;) {
        double now = library(CLOCK_MONOTONIC), before = kernel(CLOCK_REALTIME), off = library(CLOCK_REALTIME) - before;
        if (now < last) backwards++;
        last = now;
        if (which) spinner = off, rounds++;
    }
    return 0;
}

static void say(FILE *to) {
    // By then the thread has begun to read and done so. A child has no other threads.
    for (unsigned long seen = rounds; !is_child && rounds < seen + 2;) usleep(100);
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        double before = kernel(clocks[i].clock);
        fprintf(to, "%s %.3f ", clocks[i].name, library(clocks[i].clock) - before);
    }
    struct timeval of_day;
    struct timezone zone = {9, 9};
    double before = kernel(CLOCK_REALTIME);
    if (gettimeofday(&of_day, &zone) || zone.tz_minuteswest == 9) fprintf(to, "broken ");
    time_t seconds, stored;
    seconds = time(&stored);
    fprintf(to, "day %.3f time %.0f stored %d thread %.3f backwards %lu\n",
            of_day.tv_sec * 1e3 + of_day.tv_usec / 1e3 - before, seconds * 1e3 - before, seconds == stored && seconds == time(0),
            spinner, backwards);
    fflush(to);
}

int main(int count, char **words) {
    pthread_t thread;
    char line[64];
    FILE *to_child = 0, *from_child = 0;
    (void)count;
    setvbuf(stdin, 0, _IONBF, 0); // What comes after `exec` is for the next program.
    pthread_create(&thread, 0, spin, words);
    pthread_create(&thread, 0, spin, 0);
    while (fgets(line, sizeof line, stdin)) {
        if (!strcmp(line, "now\n")) say(stdout);
        if (!strcmp(line, "exec\n")) execv("/proc/self/exe", words);
        if (!strcmp(line, "fork\n")) {
            int there[2], back[2];
            if (pipe(there) || pipe(back)) return 1;
            pid_t child = fork();
            if (!child) {
                FILE *asks = fdopen(there[0], "r"), *answers = fdopen(back[1], "w");
                close(there[1]);
                is_child = 1;
                while (fgets(line, sizeof line, asks)) say(answers);
                _exit(0);
            }
            close(there[0]);
            to_child = fdopen(there[1], "w"), from_child = fdopen(back[0], "r");
            printf("%d\n", child);
            fflush(stdout);
        }
        if (!strcmp(line, "child\n")) {
            char answer[512];
            fputs("now\n", to_child), fflush(to_child);
            if (!fgets(answer, sizeof answer, from_child)) return 1;
            fputs(answer, stdout), fflush(stdout);
        }
    }
}
