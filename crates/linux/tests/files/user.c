/* In a mount namespace of its own, uses the files of the directory it is given, as it is told line by line. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char *map;
static int a, b, c, gone, lock, pipe_;

static void say(const char *text) {
    puts(text);
    fflush(stdout);
}

int main(int count, char **words) {
    char line[64], told[256], bytes[9];
    if (count < 2 || unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || chdir(words[1])) return 1;
    a = open("a", O_RDWR | O_CREAT, 0600);
    if (write(a, "0123456789", 10) != 10) return 2;
    b = dup(a);
    c = open("a", O_RDONLY | O_CLOEXEC);
    lseek(a, 3, SEEK_SET);
    for (int more = 0; more < 60; more++) open("a", O_RDWR);
    say("ready");
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!strcmp(line, "state")) {
            memset(bytes, 0, sizeof bytes);
            long first = lseek(a, 1, SEEK_CUR), second = lseek(b, -1, SEEK_CUR), read_ = pread(c, bytes, 4, 0);
            snprintf(told, sizeof told, "%ld %ld %d %d %ld %s", first, second, fcntl(a, F_GETFD), fcntl(c, F_GETFD), read_, bytes);
            say(told);
        } else if (!strcmp(line, "map")) {
            int file = open("m", O_RDONLY);
            map = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
            void *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
            int why = shared == MAP_FAILED ? errno : 0;
            close(file);
            map[4096] = 'X';
            snprintf(told, sizeof told, "%c%c%c %d", map[0], map[4096], map[8192], why);
            say(told);
        } else if (!strcmp(line, "mapped")) {
            snprintf(told, sizeof told, "%c%c%c", map[0], map[4096], map[8192 + 100]);
            say(told);
        } else if (!strcmp(line, "remove")) {
            gone = open("gone", O_RDWR | O_CREAT | O_EXCL, 0600);
            if (write(gone, "still", 5) != 5) return 3;
            say(unlink("gone") ? "no" : "removed");
        } else if (!strcmp(line, "gone")) {
            memset(bytes, 0, sizeof bytes);
            long length = pread(gone, bytes, 5, 0);
            snprintf(told, sizeof told, "%ld %s", length, bytes);
            say(told);
        } else if (!strcmp(line, "pipe")) {
            if (!pipe_) mkfifo("pipe", 0600), pipe_ = open("pipe", O_RDWR);
            memset(bytes, 0, sizeof bytes);
            long length = write(pipe_, "through", 7) == 7 ? read(pipe_, bytes, 7) : -1;
            snprintf(told, sizeof told, "%ld %s", length, bytes);
            say(told);
        } else if (!strcmp(line, "lock")) {
            struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
            lock = open("lock", O_RDWR | O_CREAT, 0600);
            say(fcntl(lock, F_SETLK, &whole) ? "no" : "locked");
        } else {
            say("what?");
        }
    }
    return 0;
}
