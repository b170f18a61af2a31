// Counts how often the mounts of its mount namespace change until stdin ends, and prints the count (proc(5), mountinfo and poll).
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    struct pollfd both[] = {
        { .fd = STDIN_FILENO, .events = POLLIN },
        { .fd = open("/proc/self/mountinfo", O_RDONLY), .events = POLLPRI },
    };
    char byte;
    int count = 0;
    // It is ready once for what was before it was opened.
    poll(&both[1], 1, 0);
    puts("ready");
    fflush(stdout);
    while (both[1].fd >= 0 && poll(both, 2, -1) > 0) {
        count += (both[1].revents & POLLPRI) != 0;
        if (both[0].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0)
            break;
    }
    printf("%d\n", count);
    return 0;
}
