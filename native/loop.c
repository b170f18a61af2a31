// The event loop: ppoll over watched descriptors and a signalfd, until the next timer. It sleeps until there is something to tell.
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

// --- faults and promises -----------------------------------------------------------------------------------------------------

static JSValue on_signal, on_fault, on_rejection;

static JSValue set_callback(struct frame *f, JSValue *place) {
    JS_FreeValue(f->ctx, *place);
    *place = JS_DupValue(f->ctx, f->a[0].value);
    return JS_UNDEFINED;
}

static void print(const char *text, size_t size) {
    // No more can be done where stderr takes nothing.
    (void)write_quietly(STDERR_FILENO, text, size, -1);
}

static void print_value(JSContext *ctx, JSValue value) {
    size_t size;
    const char *text = JS_ToCStringLen(ctx, &size, value);
    if (text != NULL)
        print(text, size);
    else
        JS_FreeValue(ctx, JS_GetException(ctx));
    print("\n", 1);
    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, value);
}

void print_fault(JSContext *ctx, JSValueConst error) {
    print_value(ctx, JS_DupValue(ctx, error));
    if (JS_IsError(ctx, error))
        print_value(ctx, JS_GetPropertyStr(ctx, error, "stack"));
}

void tell_fault(JSContext *ctx) {
    JSValue error = JS_GetException(ctx);
    JSValue call = JS_DupValue(ctx, on_fault);
    JSValue result = JS_IsUndefined(call) ? JS_EXCEPTION : JS_Call(ctx, call, JS_UNDEFINED, 1, &error);
    if (JS_IsException(result)) {
        if (!JS_IsUndefined(call))
            JS_FreeValue(ctx, JS_GetException(ctx));
        print_fault(ctx, error);
    }
    JS_FreeValue(ctx, result);
    JS_FreeValue(ctx, call);
    JS_FreeValue(ctx, error);
}

void run_jobs(JSContext *ctx) {
    JSContext *of_job;
    int ran;
    while ((ran = JS_ExecutePendingJob(JS_GetRuntime(ctx), &of_job)) != 0)
        if (ran < 0)
            tell_fault(ctx);
}

static void call_back(JSContext *ctx, JSValueConst function, int argc, JSValueConst *argv) {
    // It may take itself away while it runs.
    JSValue call = JS_DupValue(ctx, function);
    JSValue result = JS_Call(ctx, call, JS_UNDEFINED, argc, argv);
    if (JS_IsException(result))
        tell_fault(ctx);
    JS_FreeValue(ctx, result);
    JS_FreeValue(ctx, call);
    run_jobs(ctx);
}

static JSValue tell_rejection(JSContext *ctx, int argc, JSValueConst *argv) {
    if (!JS_IsUndefined(on_rejection)) {
        JSValue call = JS_DupValue(ctx, on_rejection);
        JSValue result = JS_Call(ctx, call, JS_UNDEFINED, argc, argv);
        JS_FreeValue(ctx, call);
        return result;
    }
    if (!JS_VALUE_GET_BOOL(argv[2]))
        print_fault(ctx, argv[1]);
    return JS_UNDEFINED;
}

/** The engine calls this in the middle of a rejection: the callback comes as a job, when no other code runs. */
static void track_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, JS_BOOL is_handled, void *opaque) {
    (void)opaque;
    JSValueConst arguments[] = { promise, reason, JS_NewBool(ctx, is_handled) };
    if (JS_EnqueueJob(ctx, tell_rejection, 3, arguments) < 0)
        JS_FreeValue(ctx, JS_GetException(ctx));
}

// --- descriptors -------------------------------------------------------------------------------------------------------------

enum { SIGNALS, FIRST_WATCH };

/** polls[i] belongs to watches[i]. The first is the signalfd, -1 while there is none, which poll(2) passes over. */
static struct pollfd *polls;
static JSValue *watches;
static size_t poll_count, poll_room;
static bool is_forgotten;

static size_t find_watch(int fd) {
    size_t i = FIRST_WATCH;
    while (i < poll_count && polls[i].fd != fd)
        i++;
    return i;
}

static bool reserve_polls(size_t count) {
    if (count <= poll_room)
        return true;
    size_t room = 2 * count;
    void *larger = realloc(polls, room * sizeof *polls);
    if (larger == NULL)
        return false;
    polls = larger;
    larger = realloc(watches, room * sizeof *watches);
    if (larger == NULL)
        return false;
    watches = larger;
    poll_room = room;
    return true;
}

static JSValue watch(struct frame *f) {
    int fd = INT(0);
    size_t i = find_watch(fd);
    if (i == poll_count) {
        if (!reserve_polls(poll_count + 1))
            return JS_ThrowOutOfMemory(f->ctx);
        watches[poll_count++] = JS_UNDEFINED;
    }
    JSValue before = watches[i];
    // What was ready before was so for another.
    polls[i] = (struct pollfd){ .fd = fd, .events = (short)f->a[1].integer };
    watches[i] = JS_DupValue(f->ctx, f->a[2].value);
    JS_FreeValue(f->ctx, before);
    return JS_UNDEFINED;
}

static void end_watch(JSContext *ctx, int fd) {
    size_t i = find_watch(fd);
    if (i == poll_count)
        return;
    JSValue call = watches[i];
    poll_count--;
    polls[i] = polls[poll_count];
    watches[i] = watches[poll_count];
    JS_FreeValue(ctx, call);
}

static JSValue unwatch(struct frame *f) {
    end_watch(f->ctx, INT(0));
    return JS_UNDEFINED;
}

/** From the first again after each callback, which may have ended, replaced and moved others. */
static void tell_ready(JSContext *ctx) {
    for (size_t i = FIRST_WATCH; i < poll_count; i++) {
        int events = polls[i].revents;
        if (events == 0)
            continue;
        polls[i].revents = 0;
        JSValue call = JS_DupValue(ctx, watches[i]);
        // One that was closed without a word would be ready for ever.
        if (events & POLLNVAL)
            end_watch(ctx, polls[i].fd);
        JSValueConst argument = JS_NewInt32(ctx, events);
        call_back(ctx, call, 1, &argument);
        JS_FreeValue(ctx, call);
        i = FIRST_WATCH - 1;
    }
}

// --- signals -----------------------------------------------------------------------------------------------------------------

// The C libraries' sigset functions leave out the signals they use themselves, 32 to 34: hence the raw calls.
static const uint64_t every_signal = ~UINT64_C(0), kept_by_libc = UINT64_C(7) << 31;

/** Where no signalfd can be had, in a sandbox that does not know it say, the loop lets one signal in while it sleeps. */
static bool is_caught_by_handler;
static volatile sig_atomic_t caught, caught_pid;

static void catch_signal(int signal, siginfo_t *info, void *context) {
    (void)context;
    caught = signal;
    caught_pid = info->si_pid;
}

static void catch_signals(void) {
    struct sigaction action = { .sa_sigaction = catch_signal, .sa_flags = SA_SIGINFO };
    sigfillset(&action.sa_mask);
    for (int signal = 1; signal <= LAST_SIGNAL; signal++)
        sigaction(signal, &action, NULL);
    is_caught_by_handler = true;
}

static JSValue set_on_signal(struct frame *f) {
    if (JS_IsUndefined(on_signal) && !is_forgotten) {
        int fd = (int)syscall(SYS_signalfd4, -1, &every_signal, sizeof every_signal, SFD_CLOEXEC | SFD_NONBLOCK);
        polls[SIGNALS] = (struct pollfd){ .fd = fd, .events = POLLIN };
        if (fd < 0)
            catch_signals();
    }
    return set_callback(f, &on_signal);
}

static void tell_signal(JSContext *ctx, int signal, int64_t pid) {
    JSValueConst arguments[] = { JS_NewInt32(ctx, signal), JS_NewInt64(ctx, pid) };
    call_back(ctx, on_signal, 2, arguments);
}

static void tell_signals(JSContext *ctx) {
    struct signalfd_siginfo signals[16];
    ssize_t size = read(polls[SIGNALS].fd, signals, sizeof signals);
    for (ssize_t i = 0; (i + 1) * (ssize_t)sizeof *signals <= size; i++)
        tell_signal(ctx, (int)signals[i].ssi_signo, signals[i].ssi_pid);
}

// --- timers ------------------------------------------------------------------------------------------------------------------

/** Sorted by time; those of the same time in the order they were set. */
static struct timer {
    struct timer *next;
    uint64_t due_ns;
    int64_t id;
    JSValue call;
} *timers;
static int64_t last_timer;
static JSValue set_timer(struct frame *f) {
    struct timer *timer = malloc(sizeof *timer);
    if (timer == NULL)
        return JS_ThrowOutOfMemory(f->ctx);
    uint64_t due = boot_time_ns() + (uint64_t)(f->a[0].number * 1e6);
    struct timer **place = &timers;
    while (*place != NULL && (*place)->due_ns <= due)
        place = &(*place)->next;
    *timer = (struct timer){ *place, due, ++last_timer, JS_DupValue(f->ctx, f->a[1].value) };
    *place = timer;
    return JS_NewInt64(f->ctx, timer->id);
}

static JSValue clear_timer(struct frame *f) {
    for (struct timer **place = &timers; *place != NULL; place = &(*place)->next) {
        struct timer *timer = *place;
        if (timer->id != f->a[0].integer)
            continue;
        *place = timer->next;
        JS_FreeValue(f->ctx, timer->call);
        free(timer);
        break;
    }
    return JS_UNDEFINED;
}

static void tell_timers(JSContext *ctx) {
    uint64_t now = boot_time_ns();
    // One that is set meanwhile is later than that and waits for the next turn, so that descriptors get theirs.
    while (timers != NULL && timers->due_ns <= now) {
        struct timer *timer = timers;
        timers = timer->next;
        call_back(ctx, timer->call, 0, NULL);
        JS_FreeValue(ctx, timer->call);
        free(timer);
    }
}

// --- the loop ----------------------------------------------------------------------------------------------------------------

void loop_start(JSContext *ctx) {
    on_signal = on_fault = on_rejection = JS_UNDEFINED;
    JS_SetHostPromiseRejectionTracker(JS_GetRuntime(ctx), track_rejection, NULL);
    if (!reserve_polls(16))
        abort();
    polls[SIGNALS] = (struct pollfd){ .fd = -1 };
    watches[SIGNALS] = JS_UNDEFINED;
    poll_count = FIRST_WATCH;
}

/** Sleeps until a descriptor is ready, a signal has come or the next timer is due; gives how many descriptors are ready. */
static long sleep_until_ready(void) {
    struct timespec left = { 0 };
    if (timers != NULL) {
        uint64_t now = boot_time_ns(), ns = timers->due_ns > now ? timers->due_ns - now : 0;
        left = (struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
    }
    // poll(2) refuses more entries than this process may have files open, used or not.
    size_t count = poll_count == FIRST_WATCH && polls[SIGNALS].fd < 0 ? 0 : poll_count;
    return syscall(SYS_ppoll, polls, count, timers == NULL ? NULL : &left, is_caught_by_handler ? &kept_by_libc : NULL,
                   sizeof kept_by_libc);
}

void run_loop(JSContext *ctx) {
    run_jobs(ctx);
    while (poll_count > FIRST_WATCH || timers != NULL || !JS_IsUndefined(on_signal)) {
        collect_if_grown(JS_GetRuntime(ctx));
        bool is_any_ready = sleep_until_ready() > 0;
        if (caught != 0) {
            int signal = caught;
            caught = 0;
            tell_signal(ctx, signal, caught_pid);
        }
        if (is_any_ready && polls[SIGNALS].revents != 0)
            tell_signals(ctx);
        tell_timers(ctx);
        if (is_any_ready)
            tell_ready(ctx);
    }
}

void forget_loop(void) {
    // Its descriptor is closed with all others.
    is_forgotten = true;
    polls[SIGNALS].fd = -1;
}

CALL(set_on_fault, set_callback(f, &on_fault))
CALL(set_on_rejection, set_callback(f, &on_rejection))
CALL(boot_time_ms, JS_NewFloat64(f->ctx, (double)boot_time_ns() / 1e6))

static const struct call calls[] = {
    { "watch", "feF", watch, NULL },
    { "unwatch", "f", unwatch, NULL },
    { "setTimer", "tF", set_timer, NULL },
    { "clearTimer", "l", clear_timer, NULL },
    { "onSignal", "F", set_on_signal, NULL },
    { "onFault", "F", set_on_fault, NULL },
    { "onRejection", "F", set_on_rejection, NULL },
    { "bootTimeMs", "", boot_time_ms, NULL },
};
const struct part loop_part = { calls, LENGTH(calls), NULL, 0 };
