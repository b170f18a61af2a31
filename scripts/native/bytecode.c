// Runs on the building machine: compiles chunks to the engine's bytecode. Arguments: NAME SOURCE BYTECODE, as many times as there are chunks.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quickjs.h"

static void fail(const char *what, const char *on)
{
    fprintf(stderr, "cannot %s %s: %s\n", what, on, strerror(errno));
    exit(1);
}

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) || (long)(*size = (size_t)ftell(file)) < 0)
        fail("read", path);
    rewind(file);
    char *text = malloc(*size + 1);
    if (!text || fread(text, 1, *size, file) != *size)
        fail("read", path);
    fclose(file);
    text[*size] = 0;
    return text;
}

static void write_file(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
        fail("write", path);
}

static int nothing(JSContext *context, JSModuleDef *module)
{
    (void)context;
    (void)module;
    return 0;
}

// A compiled module holds the names of what it imports and nothing else of it: an empty one of that name will do.
static JSModuleDef *load(JSContext *context, const char *name, void *opaque)
{
    (void)opaque;
    return JS_NewCModule(context, name, nothing);
}

// The names stay as they are written.
static char *normalize(JSContext *context, const char *base, const char *name, void *opaque)
{
    (void)base;
    (void)opaque;
    return js_strdup(context, name);
}

static void report(JSContext *context, const char *name)
{
    JSValue error = JS_GetException(context);
    JSValue stack = JS_GetPropertyStr(context, error, "stack");
    const char *text = JS_ToCString(context, error);
    const char *where = JS_ToCString(context, stack);
    fprintf(stderr, "cannot compile %s: %s\n%s", name, text ? text : "?", where ? where : "");
    exit(1);
}

static void compile(JSRuntime *runtime, const char *name, const char *from, const char *to)
{
    // A context each: no chunk finds another's modules.
    JSContext *context = JS_NewContext(runtime);
    size_t size;
    char *text = read_file(from, &size);
    JSValue module = JS_Eval(context, text, size, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(module))
        report(context, name);
    uint8_t *bytes = JS_WriteObject(context, &size, module, JS_WRITE_OBJ_BYTECODE);
    if (!bytes)
        report(context, name);
    write_file(to, bytes, size);
    js_free(context, bytes);
    free(text);
    JS_FreeValue(context, module);
    JS_FreeContext(context);
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 2 < argc; i += 3) {
        JSRuntime *runtime = JS_NewRuntime();
        if (!runtime)
            fail("start", "the engine");
        // Lines stay, for the stack of an error; sources go.
        JS_SetStripInfo(runtime, JS_STRIP_SOURCE);
        JS_SetModuleLoaderFunc(runtime, normalize, load, NULL);
        compile(runtime, argv[i], argv[i + 1], argv[i + 2]);
        JS_FreeRuntime(runtime);
    }
    return 0;
}
