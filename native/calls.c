// The module `native`: checks the arguments of each call by its table entry, calls it, and turns failures into exceptions.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "native.h"

static const struct part *const parts[] = {
    &text_part, &loop_part, &process_part, &program_part, &caller_part, &file_part, &mount_part, &socket_part, &terminal_part,
};

// --- kinds of arguments ------------------------------------------------------------------------------------------------------

/** Kinds that are whole numbers. The others: `t` milliseconds, `x` text, `p` a path that messages show, `s` a C string that
 * they do not, `S` one or null, `b` a Uint8Array, `y` a boolean, `F` a function, `v` anything. */
static const struct integer_kind {
    char kind;
    double least, most;
} integer_kinds[] = {
    { 'f', 0, INT32_MAX },          // a descriptor
    { 'd', -100, INT32_MAX },       // one of a directory, or AT_FDCWD
    { 'i', INT32_MIN, INT32_MAX },  // an int
    { 'u', 0, UINT32_MAX },         // an unsigned int
    { 'm', 0, 07777 },              // permission bits
    { 'g', 0, (double)UINT32_MAX - 1 }, // a user or group: -1 would mean to leave it as it is
    { 'k', 0, 64 },                 // a signal, or 0
    { 'n', 0, 255 },                // an exit code
    { 'e', 0, INT16_MAX },          // events of poll(2)
    { 'P', 0, UINT16_MAX },         // a port
    { 'c', 0, MOST_BYTES },         // a count of bytes
    { 'l', 0, 9007199254740991. },  // an offset, or a length
    { 'C', 0, 63 },                 // a capability
};

static JSClassID uint8_array_class;

/** Throws a TypeError and gives false. */
static bool refuse(struct frame *f, const char *what, const char *must) {
    JS_ThrowTypeError(f->ctx, "%s: %s %s", f->call->name, what, must);
    return false;
}

static bool convert_number(struct frame *f, const char *what, JSValueConst value, char kind, struct argument *out) {
    double least = 0, most = 1e12; // milliseconds: thirty years
    bool whole = false;
    for (size_t i = 0; i < LENGTH(integer_kinds); i++) {
        if (integer_kinds[i].kind != kind)
            continue;
        least = integer_kinds[i].least;
        most = integer_kinds[i].most;
        whole = true;
    }
    if (!JS_IsNumber(value))
        return refuse(f, what, "must be a number");
    if (JS_ToFloat64(f->ctx, &out->number, value) < 0)
        return false;
    if (!(out->number >= least && out->number <= most) || (whole && out->number != trunc(out->number)) ||
        (kind == 'd' && out->number < 0 && out->number != -100)) {
        char range[64];
        snprintf(range, sizeof range, "%.0f to %.0f", least, most);
        JS_ThrowRangeError(f->ctx, "%s: %s must be a %snumber from %s", f->call->name, what, whole ? "whole " : "", range);
        return false;
    }
    out->integer = (int64_t)out->number;
    return true;
}

/** The bytes of a Uint8Array, which stay where they are until JavaScript runs again. */
static bool convert_bytes(struct frame *f, const char *what, JSValueConst value, struct argument *out) {
    JSContext *ctx = f->ctx;
    if (JS_GetClassID(value) != uint8_array_class)
        return refuse(f, what, "must be a Uint8Array");
    size_t offset, size, whole;
    JSValue buffer = JS_GetTypedArrayBuffer(ctx, value, &offset, &size, NULL);
    if (JS_IsException(buffer))
        return false;
    const uint8_t *data = JS_GetArrayBuffer(ctx, &whole, buffer);
    // The array holds its buffer.
    JS_FreeValue(ctx, buffer);
    if (data == NULL)
        return false;
    if (offset > whole || size > whole - offset) {
        JS_ThrowRangeError(ctx, "%s: %s is larger than its buffer", f->call->name, what);
        return false;
    }
    out->bytes = data + offset;
    out->size = size;
    return true;
}

static bool convert_string(struct frame *f, const char *what, JSValueConst value, struct argument *out) {
    JSContext *ctx = f->ctx;
    if (JS_IsString(value)) {
        out->text = utf8_of(ctx, value, &out->size);
    } else if (JS_GetClassID(value) == uint8_array_class) {
        if (!convert_bytes(f, what, value, out))
            return false;
        out->text = js_malloc(ctx, out->size + 1);
        if (out->text != NULL) {
            memcpy(out->text, out->bytes, out->size);
            out->text[out->size] = 0;
        }
    } else {
        return refuse(f, what, "must be text or bytes");
    }
    if (out->text == NULL)
        return false;
    if (memchr(out->text, 0, out->size) != NULL) {
        js_free(ctx, out->text);
        out->text = NULL;
        return refuse(f, what, "holds a NUL");
    }
    return true;
}

bool convert(struct frame *f, const char *what, JSValueConst value, char kind, struct argument *out) {
    *out = (struct argument){ .given = true, .value = value };
    switch (kind) {
    case 'v':
        return true;
    case 'x':
        return JS_IsString(value) || refuse(f, what, "must be text");
    case 'S':
        return JS_IsNull(value) || convert_string(f, what, value, out);
    case 'p':
    case 's':
        return convert_string(f, what, value, out);
    case 'b':
        return convert_bytes(f, what, value, out);
    case 'y':
        out->integer = JS_VALUE_GET_TAG(value) == JS_TAG_BOOL && JS_VALUE_GET_BOOL(value);
        return JS_IsBool(value) || refuse(f, what, "must be a boolean");
    case 'F':
        return JS_IsFunction(f->ctx, value) || refuse(f, what, "must be a function");
    default:
        return convert_number(f, what, value, kind, out);
    }
}

bool is_object(struct frame *f, const char *what, JSValueConst value) {
    return JS_IsObject(value) || refuse(f, what, "must be an object");
}

bool field(struct frame *f, JSValueConst object, const char *name, char kind, bool optional, struct argument *out) {
    JSContext *ctx = f->ctx;
    *out = (struct argument){ .given = false };
    JSValue value = JS_GetPropertyStr(ctx, object, name);
    if (JS_IsException(value))
        return false;
    bool good = (optional && JS_IsUndefined(value)) || convert(f, name, value, kind, out);
    // Whoever wants the value itself takes it from the object again.
    out->value = JS_UNDEFINED;
    JS_FreeValue(ctx, value);
    return good;
}

// --- arrays ------------------------------------------------------------------------------------------------------------------

static bool array_length(struct frame *f, const char *what, JSValueConst array, uint32_t *length) {
    enum { MOST_ENTRIES = 1 << 20 };
    int is_array = JS_IsArray(f->ctx, array);
    if (is_array < 0)
        return false;
    if (!is_array)
        return refuse(f, what, "must be an array");
    struct argument count;
    if (!field(f, array, "length", 'u', false, &count))
        return false;
    if (count.integer > MOST_ENTRIES) {
        JS_ThrowRangeError(f->ctx, "%s: %s has too many entries", f->call->name, what);
        return false;
    }
    *length = (uint32_t)count.integer;
    return true;
}

static bool entry(struct frame *f, const char *what, JSValueConst array, uint32_t index, char kind, struct argument *out) {
    JSValue value = JS_GetPropertyUint32(f->ctx, array, index);
    if (JS_IsException(value))
        return false;
    bool good = convert(f, what, value, kind, out);
    JS_FreeValue(f->ctx, value);
    return good;
}

int64_t *integers(struct frame *f, const char *what, JSValueConst array, char kind, uint32_t *count) {
    uint32_t length;
    if (!array_length(f, what, array, &length))
        return NULL;
    int64_t *list = js_malloc(f->ctx, (length + 1) * sizeof *list);
    if (list == NULL)
        return NULL;
    for (uint32_t i = 0; i < length; i++) {
        struct argument one;
        if (!entry(f, what, array, i, kind, &one)) {
            js_free(f->ctx, list);
            return NULL;
        }
        list[i] = one.integer;
    }
    *count = length;
    return list;
}

char **strings(struct frame *f, const char *what, JSValueConst array) {
    uint32_t length;
    if (!array_length(f, what, array, &length))
        return NULL;
    char **list = js_mallocz(f->ctx, (length + 1) * sizeof *list);
    if (list == NULL)
        return NULL;
    for (uint32_t i = 0; i < length; i++) {
        struct argument one;
        if (!entry(f, what, array, i, 's', &one)) {
            free_strings(f->ctx, list);
            return NULL;
        }
        list[i] = one.text;
    }
    return list;
}

void free_strings(JSContext *ctx, char **list) {
    for (char **one = list; one != NULL && *one != NULL; one++)
        js_free(ctx, *one);
    js_free(ctx, list);
}

// --- results -----------------------------------------------------------------------------------------------------------------

JSValue fail_as(JSContext *ctx, const char *code, const char *text, const char *syscall, const char *path) {
    char message[512];
    snprintf(message, sizeof message, "%s: %s, %s%s%.300s%s", code, text, syscall, path == NULL ? "" : " '",
             path == NULL ? "" : path, path == NULL ? "" : "'");
    JSValue error = JS_NewError(ctx);
    put(ctx, &error, "message", new_text(ctx, message, strlen(message)));
    put(ctx, &error, "code", JS_NewString(ctx, code));
    put(ctx, &error, "syscall", JS_NewString(ctx, syscall));
    return JS_IsException(error) ? error : JS_Throw(ctx, error);
}

JSValue fail(struct frame *f) {
    int number = errno;
    const char *path = NULL;
    const char *kind = f->call->arguments;
    for (struct argument *a = f->a; *kind != 0; kind++) {
        if (*kind == 'p' && path == NULL)
            path = a->text;
        if (*kind != '?')
            a++;
    }
    const char *syscall = f->call->syscall == NULL ? f->call->name : f->call->syscall;
    return fail_as(f->ctx, errno_name(number), errno_text(number), syscall, path);
}

JSValue done(struct frame *f, long returned) {
    return returned == -1 ? fail(f) : JS_UNDEFINED;
}

JSValue number(struct frame *f, long returned) {
    return returned == -1 ? fail(f) : JS_NewInt64(f->ctx, returned);
}

void put(JSContext *ctx, JSValue *object, const char *name, JSValue value) {
    if (JS_IsException(*object)) {
        JS_FreeValue(ctx, value);
    } else if (JS_IsException(value) || JS_DefinePropertyValueStr(ctx, *object, name, value, JS_PROP_C_W_E) < 0) {
        JS_FreeValue(ctx, *object);
        *object = JS_EXCEPTION;
    }
}

void push(JSContext *ctx, JSValue *array, uint32_t index, JSValue value) {
    if (JS_IsException(*array)) {
        JS_FreeValue(ctx, value);
    } else if (JS_IsException(value) || JS_DefinePropertyValueUint32(ctx, *array, index, value, JS_PROP_C_W_E) < 0) {
        JS_FreeValue(ctx, *array);
        *array = JS_EXCEPTION;
    }
}

static JSValue uint8_array(JSContext *ctx, JSValue buffer) {
    if (JS_IsException(buffer))
        return buffer;
    // The engine reads all three arguments of the constructor.
    JSValueConst arguments[] = { buffer, JS_UNDEFINED, JS_UNDEFINED };
    JSValue array = JS_NewTypedArray(ctx, 3, arguments, JS_TYPED_ARRAY_UINT8);
    JS_FreeValue(ctx, buffer);
    return array;
}

JSValue new_bytes(JSContext *ctx, const void *data, size_t size) {
    return uint8_array(ctx, JS_NewArrayBufferCopy(ctx, data, size));
}

static void free_bytes(JSRuntime *rt, void *opaque, void *data) {
    (void)opaque;
    js_free_rt(rt, data);
}

JSValue take_bytes(JSContext *ctx, uint8_t *data, size_t size) {
    JSValue buffer = JS_NewArrayBuffer(ctx, data, size, free_bytes, NULL, false);
    if (JS_IsException(buffer))
        js_free(ctx, data);
    return uint8_array(ctx, buffer);
}

// --- calls -------------------------------------------------------------------------------------------------------------------

/** How many of them a call must have, and may have. */
static void count_arguments(const char *kinds, int *least, int *most) {
    const char *optional = strchr(kinds, '?');
    *most = (int)strlen(kinds) - (optional == NULL ? 0 : 1);
    *least = optional == NULL ? *most : (int)(optional - kinds);
}

static bool convert_all(struct frame *f, int argc, JSValueConst *argv) {
    int least, most;
    count_arguments(f->call->arguments, &least, &most);
    if (argc < least || argc > most) {
        JS_ThrowTypeError(f->ctx, "%s: %d arguments instead of %d", f->call->name, argc, argc < least ? least : most);
        return false;
    }
    const char *kind = f->call->arguments;
    for (int i = 0; i < argc; i++, kind++) {
        if (*kind == '?')
            kind++;
        if (i >= least && JS_IsUndefined(argv[i]))
            continue;
        char what[24];
        snprintf(what, sizeof what, "argument %d", i + 1);
        if (!convert(f, what, argv[i], *kind, &f->a[i]))
            return false;
    }
    return true;
}

/** Every call comes through here; `magic` is its part and its place there. */
static JSValue dispatch(JSContext *ctx, JSValueConst this, int argc, JSValueConst *argv, int magic) {
    (void)this;
    struct frame f = { .ctx = ctx, .call = &parts[magic >> 8]->calls[magic & 255] };
    JSValue result = convert_all(&f, argc, argv) ? f.call->function(&f) : JS_EXCEPTION;
    for (int i = 0; i < MOST_ARGUMENTS; i++)
        js_free(ctx, f.a[i].text);
    return result;
}

static int fill_module(JSContext *ctx, JSModuleDef *module) {
    JSValueConst arguments[] = { JS_NewInt32(ctx, 0), JS_UNDEFINED, JS_UNDEFINED };
    JSValue array = JS_NewTypedArray(ctx, 3, arguments, JS_TYPED_ARRAY_UINT8);
    if (JS_IsException(array))
        return -1;
    uint8_array_class = JS_GetClassID(array);
    JS_FreeValue(ctx, array);
    for (size_t p = 0; p < LENGTH(parts); p++) {
        for (size_t i = 0; i < parts[p]->call_count; i++) {
            const struct call *call = &parts[p]->calls[i];
            int least, most;
            count_arguments(call->arguments, &least, &most);
            const JSCFunctionType type = { .generic_magic = dispatch };
            JSValue function =
                JS_NewCFunction2(ctx, type.generic, call->name, most, JS_CFUNC_generic_magic, (int)(p << 8 | i));
            if (JS_IsException(function) || JS_SetModuleExport(ctx, module, call->name, function) < 0)
                return -1;
        }
        for (size_t i = 0; i < parts[p]->number_count; i++) {
            const struct number *one = &parts[p]->numbers[i];
            if (JS_SetModuleExport(ctx, module, one->name, JS_NewInt64(ctx, one->value)) < 0)
                return -1;
        }
    }
#if defined __x86_64__
    return JS_SetModuleExport(ctx, module, "architecture", JS_NewString(ctx, "x64"));
#elif defined __aarch64__
    return JS_SetModuleExport(ctx, module, "architecture", JS_NewString(ctx, "arm64"));
#else
#error "not a processor we build for"
#endif
}

JSModuleDef *native_module(JSContext *ctx) {
    JSModuleDef *module = JS_NewCModule(ctx, "native", fill_module);
    if (module == NULL || JS_AddModuleExport(ctx, module, "architecture") < 0)
        return NULL;
    for (size_t p = 0; p < LENGTH(parts); p++) {
        for (size_t i = 0; i < parts[p]->call_count; i++)
            if (JS_AddModuleExport(ctx, module, parts[p]->calls[i].name) < 0)
                return NULL;
        for (size_t i = 0; i < parts[p]->number_count; i++)
            if (JS_AddModuleExport(ctx, module, parts[p]->numbers[i].name) < 0)
                return NULL;
    }
    return module;
}
