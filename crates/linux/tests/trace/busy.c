// A process whose threads do all that a tracer could disturb, and notice when it did: they compute with every register,
// sleep, wait in system calls, take signals, start and end threads. It answers every line with what it has noticed.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long wrong, interrupted, counted, slept, born, taken, started;

static void on_alarm(int number) { (void)number; taken++; }

static void *compute(void *unused) {
    started++;
    for (;;) {
        register unsigned long a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
        for (int i = 0; i < 100000; i++) {
            __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g), "+r"(h));
            a++, b++, c++, d++, e++, f++, g++, h++;
            if (b != a + 1 || c != a + 2 || d != a + 3 || e != a + 4 || f != a + 5 || g != a + 6 || h != a + 7) wrong++;
        }
        counted++;
    }
    return unused;
}

static void *sleep_on(void *unused) {
    started++;
    for (;;) {
        struct timespec length = {0, 3000000};
        if (nanosleep(&length, 0)) interrupted++;
        slept++;
    }
    return unused;
}

static void *wait_on(void *unused) {
    started++;
    int ends[2];
    char byte;
    if (pipe(ends)) wrong++;
    // Nobody ever writes: this can only end by being disturbed.
    read(ends[0], &byte, 1);
    interrupted++;
    return unused;
}

static void *nothing(void *unused) { return unused; }

static void *bear(void *unused) {
    started++;
    for (;;) {
        pthread_t child;
        if (!pthread_create(&child, 0, nothing, 0)) pthread_join(child, 0), born++;
    }
    return unused;
}

static void *take_signals(void *unused) {
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarm, 0);
    return compute(unused);
}

int main(int count, char **words) {
    void *(*works[])(void *) = {compute, sleep_on, wait_on, bear, take_signals};
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    // Only one thread takes them, so that no other one is interrupted.
    sigprocmask(SIG_BLOCK, &alarm, 0);
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, 0);
    unsigned long wanted = count > 1 && !strcmp(words[1], "few") ? 3 : 5;
    for (unsigned long i = 0; i < wanted; i++) {
        pthread_t thread;
        if (pthread_create(&thread, 0, works[i], 0)) return 1;
    }
    while (started < wanted) usleep(1000);
    struct itimerval often = {{0, 700}, {0, 700}};
    if (wanted == 5) setitimer(ITIMER_REAL, &often, 0);
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        sigset_t mask;
        pthread_sigmask(SIG_BLOCK, 0, &mask);
        if (sigismember(&mask, SIGTERM) || !sigismember(&mask, SIGALRM)) wrong++;
        printf("wrong %lu interrupted %lu counted %lu slept %lu born %lu taken %lu\n", wrong, interrupted, counted, slept,
               born, taken);
        fflush(stdout);
    }
}
