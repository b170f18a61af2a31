// Text to bytes and back: UTF-8 as the Encoding standard has it, and a byte a character.
#include "native.h"

/** How many bytes a character at `p` takes; where there is none, how many one U+FFFD stands for, as a negative number. */
static int character(const uint8_t *p, const uint8_t *end) {
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return -1;
    int length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    for (int i = 1; i < length; i++) {
        uint8_t least = 0x80, most = 0xbf;
        if (i == 1) {
            // No longer form than needed, no surrogates, nothing above U+10FFFF.
            least = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
            most = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
        }
        if (p + i >= end || p[i] < least || p[i] > most)
            return -i;
    }
    return length;
}

static JSValue decode(JSContext *ctx, const uint8_t *data, size_t size, bool fatal) {
    const uint8_t *end = data + size;
    size_t broken = 0;
    for (const uint8_t *p = data; p < end;) {
        int length = character(p, end);
        broken += length < 0;
        p += length < 0 ? -length : length;
    }
    if (broken == 0)
        return JS_NewStringLen(ctx, (const char *)data, size);
    if (fatal)
        return JS_ThrowTypeError(ctx, "not UTF-8");
    uint8_t *repaired = js_malloc(ctx, size + 2 * broken);
    if (repaired == NULL)
        return JS_EXCEPTION;
    uint8_t *to = repaired;
    for (const uint8_t *p = data; p < end;) {
        int length = character(p, end);
        if (length < 0) {
            memcpy(to, "\xef\xbf\xbd", 3);
            to += 3;
            p -= length;
        } else {
            memcpy(to, p, (size_t)length);
            to += length;
            p += length;
        }
    }
    JSValue text = JS_NewStringLen(ctx, (const char *)repaired, (size_t)(to - repaired));
    js_free(ctx, repaired);
    return text;
}

JSValue new_text(JSContext *ctx, const char *data, size_t size) {
    return decode(ctx, (const uint8_t *)data, size, false);
}

char *utf8_of(JSContext *ctx, JSValueConst text, size_t *size) {
    const char *given = JS_ToCStringLen(ctx, size, text);
    if (given == NULL)
        return NULL;
    char *copy = js_malloc(ctx, *size + 1);
    if (copy != NULL) {
        memcpy(copy, given, *size);
        copy[*size] = 0;
        // The engine writes half a surrogate pair as if it were a character, in three bytes as U+FFFD has them.
        for (size_t i = 0; i + 2 < *size; i++)
            if ((uint8_t)copy[i] == 0xed && (uint8_t)copy[i + 1] >= 0xa0)
                memcpy(copy + i, "\xef\xbf\xbd", 3);
    }
    JS_FreeCString(ctx, given);
    return copy;
}

static JSValue encode_utf8(struct frame *f) {
    size_t size;
    char *bytes = utf8_of(f->ctx, f->a[0].value, &size);
    return bytes == NULL ? JS_EXCEPTION : take_bytes(f->ctx, (uint8_t *)bytes, size);
}

CALL(decode_utf8, decode(f->ctx, f->a[0].bytes, f->a[0].size, f->a[1].integer != 0))

static JSValue encode_latin1(struct frame *f) {
    size_t size, length = 0;
    char *bytes = utf8_of(f->ctx, f->a[0].value, &size);
    if (bytes == NULL)
        return JS_EXCEPTION;
    for (size_t i = 0; i < size; i++) {
        uint8_t first = (uint8_t)bytes[i];
        if (first > 0xc3) {
            js_free(f->ctx, bytes);
            return JS_ThrowRangeError(f->ctx, "encodeLatin1: a character above U+00FF");
        }
        // The shorter form is written over the longer one behind it.
        bytes[length++] = (char)(first < 0x80 ? first : first << 6 | ((uint8_t)bytes[++i] & 0x3f));
    }
    return take_bytes(f->ctx, (uint8_t *)bytes, length);
}

static JSValue decode_latin1(struct frame *f) {
    const struct argument *from = &f->a[0];
    char *utf8 = js_malloc(f->ctx, 2 * from->size + 1);
    if (utf8 == NULL)
        return JS_EXCEPTION;
    size_t length = 0;
    for (size_t i = 0; i < from->size; i++) {
        uint8_t byte = from->bytes[i];
        if (byte >= 0x80)
            utf8[length++] = (char)(0xc0 | byte >> 6);
        utf8[length++] = (char)(byte < 0x80 ? byte : 0x80 | (byte & 0x3f));
    }
    JSValue text = JS_NewStringLen(f->ctx, utf8, length);
    js_free(f->ctx, utf8);
    return text;
}

static const struct call calls[] = {
    { "encodeUtf8", "x", encode_utf8, NULL },
    { "decodeUtf8", "b?y", decode_utf8, NULL },
    { "encodeLatin1", "x", encode_latin1, NULL },
    { "decodeLatin1", "b", decode_latin1, NULL },
};
const struct part text_part = { calls, LENGTH(calls), NULL, 0 };
