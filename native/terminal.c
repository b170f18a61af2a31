// The terminal: who is in its foreground, and being stopped.
#include <signal.h>
#include <unistd.h>

#include "native.h"

CALL(is_terminal, JS_NewBool(f->ctx, isatty(INT(0))))
CALL(foreground, number(f, tcgetpgrp(INT(0))))

static JSValue set_foreground(struct frame *f) {
    // SIGTTOU is blocked, or this would stop us in the background (tcsetpgrp(3)).
    uint64_t before = mask_signals((uint64_t)ALL_SIGNALS);
    int returned = tcsetpgrp(INT(0), (pid_t)f->a[1].integer);
    int error = errno;
    mask_signals(before);
    errno = error;
    return done(f, returned);
}

static JSValue stop_self(struct frame *f) {
    int signal = INT(0);
    if (signal != SIGSTOP && signal != SIGTSTP && signal != SIGTTIN && signal != SIGTTOU)
        return JS_ThrowRangeError(f->ctx, "stopSelf: not a signal that stops: %d", signal);
    struct sigaction action = { .sa_handler = SIG_DFL }, ours;
    sigaction(signal, &action, &ours);
    if (kill(getpid(), signal) != 0)
        return fail(f);
    // It is pending until it is let in: the call stops on its way back from the kernel.
    uint64_t before = mask_signals((uint64_t)ALL_SIGNALS & ~(UINT64_C(1) << (signal - 1)));
    mask_signals(before);
    sigaction(signal, &ours, NULL);
    return JS_UNDEFINED;
}

static const struct call calls[] = {
    { "isatty", "f", is_terminal, NULL },
    { "tcgetpgrp", "f", foreground, NULL },
    { "tcsetpgrp", "fi", set_foreground, NULL },
    { "stopSelf", "k", stop_self, "kill" },
};
const struct part terminal_part = { calls, LENGTH(calls), NULL, 0 };
