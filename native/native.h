// What the files of the native host share: how a call of the module `native` gets its arguments and gives its result.
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "quickjs.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/** Repeats a call that was interrupted. No handler is ever installed here, but a stop and SIGCONT interrupt some calls (signal(7)). */
#define RETRY(call) \
    __extension__({ \
        __typeof__(call) returned_; \
        do \
            returned_ = (call); \
        while (returned_ == -1 && errno == EINTR); \
        returned_; \
    })

/** An argument, as the letter of its kind has it (calls.c). */
struct argument {
    bool given;
    double number; // every number; `integer` is the same for those without a fraction
    int64_t integer;
    char *text; // a C string that ends with the call, or NULL
    const uint8_t *bytes; // of a Uint8Array: valid until JavaScript runs again
    size_t size; // of text, or of bytes
    JSValueConst value; // as it was given
};

enum { MOST_ARGUMENTS = 6, MOST_BYTES = 1 << 20 };

/** A call that goes on: what was called, and with what. */
struct frame {
    JSContext *ctx;
    const struct call *call;
    struct argument a[MOST_ARGUMENTS];
};

/** A function of the module. `arguments` has a letter for the kind of each; those after `?` may be left out. */
struct call {
    const char *name;
    const char *arguments;
    JSValue (*function)(struct frame *);
    const char *syscall; // where it is not the name
};

/** A function that is one expression, with its arguments by their place. */
#define CALL(name, result) \
    static JSValue name(struct frame *f) { return result; }
#define INT(place) ((int)f->a[place].integer)
#define TEXT(place) (f->a[place].text)

struct number {
    const char *name;
    int64_t value;
};

#define NUMBER(name) { #name, name }

/** What a file adds to the module. */
struct part {
    const struct call *calls;
    size_t call_count;
    const struct number *numbers;
    size_t number_count;
};

extern const struct part text_part, loop_part, process_part, program_part, caller_part, file_part, mount_part, socket_part,
    terminal_part;

// calls.c: arguments and results
JSModuleDef *native_module(JSContext *ctx);
/** Converts `value` to `kind`; throws and gives false where it is not one. `what` names it in the message. */
bool convert(struct frame *f, const char *what, JSValueConst value, char kind, struct argument *out);
/** Throws where it is none. */
bool is_object(struct frame *f, const char *what, JSValueConst value);
/** Converts a property of an object. One that is undefined is an error unless it is optional. */
bool field(struct frame *f, JSValueConst object, const char *name, char kind, bool optional, struct argument *out);
/** An array of integers; free it with js_free. An empty one is not NULL. */
int64_t *integers(struct frame *f, const char *what, JSValueConst array, char kind, uint32_t *count);
/** An array of C strings, ended by NULL; free it with free_strings. */
char **strings(struct frame *f, const char *what, JSValueConst array);
void free_strings(JSContext *ctx, char **list);
/** Throws the NativeError of errno. */
JSValue fail(struct frame *f);
/** Throws a NativeError; `path` may be NULL. */
JSValue fail_as(JSContext *ctx, const char *code, const char *text, const char *syscall, const char *path);
/** The result of a call that gives nothing, or a number; -1 throws. */
JSValue done(struct frame *f, long returned);
JSValue number(struct frame *f, long returned);
JSValue new_bytes(JSContext *ctx, const void *data, size_t size);
/** Takes over memory of js_malloc. */
JSValue take_bytes(JSContext *ctx, uint8_t *data, size_t size);
/** Adds a property. A failure on either side makes the object an exception, so that only the last result needs a look. */
void put(JSContext *ctx, JSValue *object, const char *name, JSValue value);
void push(JSContext *ctx, JSValue *array, uint32_t index, JSValue value);

// errno.c
const char *errno_name(int number);
const char *errno_text(int number);

// text.c
/** Text of UTF-8; what is none becomes U+FFFD. */
JSValue new_text(JSContext *ctx, const char *data, size_t size);
/** UTF-8 of a string, as js_malloc gives it, ended by a NUL that `size` does not count. */
char *utf8_of(JSContext *ctx, JSValueConst text, size_t *size);

// loop.c
void loop_start(JSContext *ctx);
/** Runs what promises have waiting. */
void run_jobs(JSContext *ctx);
/** Tells onFault of the exception that is pending. */
void tell_fault(JSContext *ctx);
/** Returns when nothing can happen any more. */
void run_loop(JSContext *ctx);
/** In a child: its loop never runs. */
void forget_loop(void);
/** Prints an error and its stack to stderr. */
void print_fault(JSContext *ctx, JSValueConst error);

// memory.c
JSRuntime *new_runtime(void);
/** Collects what is left in circles once the heap has grown by so much: what it once had the kernel never gets back. */
void collect_if_grown(JSRuntime *rt);

// caller.c
/** A child has been waited for, which may have been a caller. */
void caller_ended(pid_t pid);

// files.c and mounts.c: what the kernel gives, as JavaScript has it
struct stat;
struct statfs;
JSValue file_status(JSContext *ctx, const struct stat *stat);
JSValue file_system_space(JSContext *ctx, const struct statfs *stat);
/** The names in `size` bytes of getdents64(2), but `.` and `..`. */
JSValue entry_names(JSContext *ctx, const char *entries, long size);

// files.c
/** write(2), or pwrite(2) where `position` is not below 0. It never raises SIGPIPE. */
ssize_t write_quietly(int fd, const void *bytes, size_t size, int64_t position);

// process.c
/** Blocks these signals, a bit each from 1 up, and no others; gives those that were. */
uint64_t mask_signals(uint64_t mask);
enum { NO_SIGNALS, ALL_SIGNALS = -1, LAST_SIGNAL = 64 };
/** One signal, or all of them, at their default. */
void default_signal(int signal);
void default_signals(void);
/** The highest open descriptor, or one that none is above. */
int highest_descriptor(void);
uint64_t boot_time_ns(void);

// program.c
/** capget(2): two of the sets, for the first 32 capabilities and for the rest. */
struct capability_header {
    uint32_t version;
    int pid;
};
struct capability_sets {
    uint32_t effective, permitted, inheritable;
};
enum { CAPABILITY_VERSION = 0x20080522 };
int change_groups(const int64_t *list, uint32_t count);
int change_gid(uint32_t gid);
int change_uid(uint32_t uid);

// main.c
extern char **program_argv;
extern char **program_environ;
