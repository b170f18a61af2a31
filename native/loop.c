// The event loop: ppoll over watched descriptors, a signalfd and a timerfd. It sleeps until the kernel has something to tell.
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

// --- faults and promises -----------------------------------------------------------------------------------------------------

static JSValue on_signal, on_fault, on_rejection;

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

enum { SIGNALS, TIMERS, FIRST_WATCH };

/** polls[i] belongs to watches[i]. The first two are our own, -1 until they are needed, which poll(2) passes over. */
static struct pollfd *polls;
static struct watch {
    JSValue call;
    uint64_t serial;
} *watches;
static size_t poll_count, poll_room;
static uint64_t last_serial;
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
        polls[poll_count++].fd = fd;
        watches[i].call = JS_UNDEFINED;
    }
    JSValue before = watches[i].call;
    polls[i].events = (short)f->a[1].integer;
    polls[i].revents = 0;
    watches[i] = (struct watch){ JS_DupValue(f->ctx, f->a[2].value), ++last_serial };
    JS_FreeValue(f->ctx, before);
    return JS_UNDEFINED;
}

static void end_watch(JSContext *ctx, int fd) {
    size_t i = find_watch(fd);
    if (i == poll_count)
        return;
    JSValue call = watches[i].call;
    poll_count--;
    polls[i] = polls[poll_count];
    watches[i] = watches[poll_count];
    JS_FreeValue(ctx, call);
}

static JSValue unwatch(struct frame *f) {
    end_watch(f->ctx, INT(0));
    return JS_UNDEFINED;
}

/** What was ready when ppoll returned; a callback may have ended or replaced the watch by its turn. */
struct ready {
    int fd;
    short events;
    uint64_t serial;
};

static void tell_ready(JSContext *ctx) {
    size_t count = 0;
    for (size_t i = FIRST_WATCH; i < poll_count; i++)
        count += polls[i].revents != 0;
    struct ready *list = count == 0 ? NULL : malloc(count * sizeof *list);
    if (list == NULL)
        return;
    count = 0;
    for (size_t i = FIRST_WATCH; i < poll_count; i++)
        if (polls[i].revents != 0)
            list[count++] = (struct ready){ polls[i].fd, polls[i].revents, watches[i].serial };
    for (size_t n = 0; n < count; n++) {
        size_t i = find_watch(list[n].fd);
        if (i == poll_count || watches[i].serial != list[n].serial)
            continue;
        JSValue call = JS_DupValue(ctx, watches[i].call);
        // One that was closed without a word would be ready for ever.
        if (list[n].events & POLLNVAL)
            end_watch(ctx, list[n].fd);
        JSValueConst events = JS_NewInt32(ctx, list[n].events);
        call_back(ctx, call, 1, &events);
        JS_FreeValue(ctx, call);
    }
    free(list);
}

// --- signals -----------------------------------------------------------------------------------------------------------------

static JSValue set_on_signal(struct frame *f) {
    if (polls[SIGNALS].fd < 0 && !is_forgotten) {
        // The C libraries' sigset functions leave out the signals they use themselves, 32 to 34: hence the raw call.
        uint64_t all = ~UINT64_C(0);
        int fd = (int)syscall(SYS_signalfd4, -1, &all, sizeof all, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
            return fail(f);
        polls[SIGNALS] = (struct pollfd){ .fd = fd, .events = POLLIN };
    }
    JS_FreeValue(f->ctx, on_signal);
    on_signal = JS_DupValue(f->ctx, f->a[0].value);
    return JS_UNDEFINED;
}

static void tell_signals(JSContext *ctx) {
    struct signalfd_siginfo signals[16];
    ssize_t size = read(polls[SIGNALS].fd, signals, sizeof signals);
    for (ssize_t i = 0; (i + 1) * (ssize_t)sizeof *signals <= size; i++) {
        JSValueConst arguments[] = {
            JS_NewInt32(ctx, (int32_t)signals[i].ssi_signo),
            JS_NewInt64(ctx, signals[i].ssi_pid),
        };
        call_back(ctx, on_signal, 2, arguments);
    }
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
static uint64_t armed_ns;

/** Sets the timerfd to the next timer, or to nothing. */
static void arm(void) {
    uint64_t due = timers == NULL ? 0 : timers->due_ns;
    if (due == armed_ns || is_forgotten)
        return;
    struct itimerspec time = { .it_value = { (time_t)(due / 1000000000), (long)(due % 1000000000) } };
    if (timerfd_settime(polls[TIMERS].fd, TFD_TIMER_ABSTIME, &time, NULL) == 0)
        armed_ns = due;
}

static JSValue set_timer(struct frame *f) {
    if (polls[TIMERS].fd < 0 && !is_forgotten) {
        int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        if (fd < 0)
            return fail(f);
        polls[TIMERS] = (struct pollfd){ .fd = fd, .events = POLLIN };
    }
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
    uint64_t expirations;
    // It is level-triggered until it is read; what it counts is of no interest.
    (void)!read(polls[TIMERS].fd, &expirations, sizeof expirations);
    armed_ns = 0;
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
    polls[SIGNALS] = polls[TIMERS] = (struct pollfd){ .fd = -1 };
    watches[SIGNALS].call = watches[TIMERS].call = JS_UNDEFINED;
    poll_count = FIRST_WATCH;
}

/** What is asked of poll(2), which refuses more entries than this process may have files open, used or not. */
static size_t polled(void) {
    return poll_count == FIRST_WATCH && polls[TIMERS].fd < 0 ? TIMERS : poll_count;
}

void run_loop(JSContext *ctx) {
    run_jobs(ctx);
    while (poll_count > FIRST_WATCH || timers != NULL || !JS_IsUndefined(on_signal)) {
        arm();
        if (ppoll(polls, polled(), NULL, NULL) <= 0)
            continue;
        if (polls[SIGNALS].revents != 0)
            tell_signals(ctx);
        if (polls[TIMERS].revents != 0)
            tell_timers(ctx);
        tell_ready(ctx);
    }
}

void forget_loop(void) {
    // Its descriptors are closed with all others.
    is_forgotten = true;
    polls[SIGNALS].fd = polls[TIMERS].fd = -1;
}

static JSValue set_on_fault(struct frame *f) {
    JS_FreeValue(f->ctx, on_fault);
    on_fault = JS_DupValue(f->ctx, f->a[0].value);
    return JS_UNDEFINED;
}

static JSValue set_on_rejection(struct frame *f) {
    JS_FreeValue(f->ctx, on_rejection);
    on_rejection = JS_DupValue(f->ctx, f->a[0].value);
    return JS_UNDEFINED;
}

CALL(boot_time_ms, JS_NewFloat64(f->ctx, (double)boot_time_ns() / 1e6))

static const struct call calls[] = {
    { "watch", "feF", watch, NULL },
    { "unwatch", "f", unwatch, NULL },
    { "setTimer", "tF", set_timer, "timerfd_create" },
    { "clearTimer", "l", clear_timer, NULL },
    { "onSignal", "F", set_on_signal, "signalfd" },
    { "onFault", "F", set_on_fault, NULL },
    { "onRejection", "F", set_on_rejection, NULL },
    { "bootTimeMs", "", boot_time_ms, NULL },
};
const struct part loop_part = { calls, LENGTH(calls), NULL, 0 };
