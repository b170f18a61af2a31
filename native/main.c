// nfs-init's host: brings the engine up, imports the first chunk of bytecode, and runs the loop until nothing is left to do.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "chunks.h"
#include "native.h"

char **program_argv;
char **program_environ;

enum { EXIT_SOFTWARE = 70 };

/** Imports are written `./name.js`; a chunk is `name`. */
static char *normalise(JSContext *ctx, const char *base, const char *name, void *opaque) {
    (void)base, (void)opaque;
    for (;;) {
        if (strncmp(name, "./", 2) == 0)
            name += 2;
        else if (strncmp(name, "../", 3) == 0)
            name += 3;
        else
            break;
    }
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".js") == 0)
        length -= 3;
    return js_strndup(ctx, name, length);
}

/** Reads a chunk when it is first imported. Whoever imports it resolves what it imports itself. */
static JSModuleDef *load(JSContext *ctx, const char *name, void *opaque) {
    (void)opaque;
    if (strcmp(name, "native") == 0)
        return native_module(ctx);
    for (unsigned i = 0; i < chunk_count; i++) {
        if (strcmp(chunks[i].name, name) != 0)
            continue;
        JSValue module = JS_ReadObject(ctx, chunks[i].bytes, chunks[i].size, JS_READ_OBJ_BYTECODE | JS_READ_OBJ_ROM_DATA);
        if (JS_IsException(module))
            return NULL;
        // The context holds its modules.
        JSModuleDef *loaded = JS_VALUE_GET_PTR(module);
        JS_FreeValue(ctx, module);
        return loaded;
    }
    JS_ThrowReferenceError(ctx, "no module %s", name);
    return NULL;
}

/**
 * How deep the engine may go. The stack grows up to its soft limit, which may be unlimited or small, and begins with the
 * arguments and the environment. What is left over is for C code that does not ask how deep it is.
 */
static size_t stack_bytes(char **environ) {
    const size_t most = 4 << 20, headroom = 192 << 10, least = 32 << 10;
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return most;
    const char *top = (const char *)environ;
    for (char **one = environ; *one != NULL; one++)
        if (*one > top)
            top = *one;
    size_t used = (size_t)(top - (const char *)__builtin_frame_address(0)) + headroom;
    size_t left = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
    return left > most ? most : left < least ? least : left;
}

/** A context with what the program uses: no eval, so that the compiler is not linked, and no tables of Unicode's normal forms. */
static JSContext *new_context(JSRuntime *rt) {
    JSContext *ctx = JS_NewContextRaw(rt);
    if (ctx == NULL)
        return NULL;
    JS_AddIntrinsicBaseObjects(ctx);
    JS_AddIntrinsicDate(ctx);
    JS_AddIntrinsicRegExp(ctx);
    JS_AddIntrinsicJSON(ctx);
    JS_AddIntrinsicProxy(ctx);
    JS_AddIntrinsicMapSet(ctx);
    JS_AddIntrinsicTypedArrays(ctx);
    JS_AddIntrinsicPromise(ctx);
    JS_AddIntrinsicWeakRef(ctx);
    return ctx;
}

int main(int argc, char **argv, char **environ) {
    (void)argc;
    mask_signals((uint64_t)ALL_SIGNALS);
    // Whoever started us may have ignored it, and then no child could be waited for (wait(2)).
    default_signal(SIGCHLD);
    program_argv = argv;
    program_environ = environ;

    JSRuntime *rt = new_runtime();
    JSContext *ctx = rt == NULL ? NULL : new_context(rt);
    if (ctx == NULL) {
        static const char message[] = "nfs-init: not enough memory to start\n";
        (void)!write(STDERR_FILENO, message, sizeof message - 1);
        return EXIT_SOFTWARE;
    }
    JS_SetMaxStackSize(rt, stack_bytes(environ));
    // For what is taken between two turns of the loop, which collects earlier; the engine sets it to half more than is in use then.
    JS_SetGCThreshold(rt, 4 << 20);
    JS_SetModuleLoaderFunc(rt, normalise, load, NULL);

    loop_start(ctx);
    JSValue entry = JS_LoadModule(ctx, "", chunks[0].name);
    if (JS_IsException(entry))
        tell_fault(ctx);
    run_loop(ctx);
    bool failed = JS_IsException(entry) || JS_PromiseState(ctx, entry) == JS_PROMISE_REJECTED;
    _exit(failed ? EXIT_SOFTWARE : 0);
}
