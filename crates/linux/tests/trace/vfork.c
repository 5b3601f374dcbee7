// A process that does not stand still: it waits for a child of vfork that takes its time.
#include <unistd.h>

int main(void) {
    if (!vfork()) {
        write(1, "waiting\n", 8);
        sleep(1);
        _exit(0);
    }
    write(1, "done\n", 5);
    pause();
}
