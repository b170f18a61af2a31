// Memory of the engine: small blocks come from large ones, and go back to lists by size.
// musl's malloc maps and unmaps pages as the engine takes and gives back, and its malloc_usable_size, which the engine asks at
// every turn, is slow: both together were a third of a start. Pages that are kept need no system call, and are not faulted in again.
#include <stdlib.h>
#include <sys/mman.h>

#include "native.h"

#ifdef __SANITIZE_ADDRESS__

// Each block by itself, so that the sanitizer sees where it ends.
JSRuntime *new_runtime(void) {
    return JS_NewRuntime();
}

void collect_if_grown(JSRuntime *rt) {
    (void)rt;
}

#else

enum { STEP = 8, MOST_EVEN = 1024, MOST_SMALL = 8 << 10, EVEN_CLASSES = MOST_EVEN / STEP, POOL_BYTES = 128 << 10 };

/** Up to MOST_EVEN in steps of STEP, above in quarters of a power of two: arrays and tables grow by half and more. */
enum { CLASSES = EVEN_CLASSES + 1 + 3 * 4 };

/** Stands before each block; `size` is what the block has room for. */
struct header {
    size_t size;
};

static struct free_block {
    struct free_block *next;
} *free_blocks[CLASSES];
static char *pool, *pool_end;
static const JSMallocState *heap;

static struct header *header_of(const void *block) {
    return (struct header *)block - 1;
}

/** The class of a block that has room for `size`; sets that to all the room it has. */
static size_t class_of(size_t *size) {
    if (*size <= MOST_EVEN) {
        // Room for the list that it goes back to, at least.
        size_t class = *size == 0 ? 1 : (*size + STEP - 1) / STEP;
        *size = class * STEP;
        return class;
    }
    unsigned power = 63 - (unsigned)__builtin_clzl(*size - 1);
    size_t quarter = (size_t)1 << (power - 2), quarters = (*size - 1) / quarter + 1;
    *size = quarters * quarter;
    return EVEN_CLASSES + (power - 10) * 4 + quarters - 4;
}

static void *cut_block(size_t size) {
    struct header *header = (struct header *)(void *)pool;
    pool += sizeof *header + size;
    header->size = size;
    return header + 1;
}

static void keep_block(struct free_block *block, size_t size) {
    size_t class = class_of(&size);
    block->next = free_blocks[class];
    free_blocks[class] = block;
}

/** What is left of a pool that is too small for what is wanted goes to the lists, in the largest blocks that it has room for. */
static void keep_rest(void) {
    while ((size_t)(pool_end - pool) >= sizeof(struct header) + STEP) {
        size_t room = (size_t)(pool_end - pool) - sizeof(struct header);
        size_t step = room <= MOST_EVEN ? STEP : (size_t)1 << (61 - (unsigned)__builtin_clzl(room));
        size_t size = room / step * step;
        keep_block(cut_block(size), size);
    }
}

static void *take_small(size_t size) {
    size_t class = class_of(&size);
    struct free_block *free_block = free_blocks[class];
    if (free_block != NULL) {
        free_blocks[class] = free_block->next;
        return free_block;
    }
    size_t whole = sizeof(struct header) + size;
    if ((size_t)(pool_end - pool) < whole) {
        // All of its pages at once: one fault for each would cost more than the few that stay unused.
        void *more = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (more == MAP_FAILED)
            return NULL;
        keep_rest();
        pool = more;
        pool_end = pool + POOL_BYTES;
    }
    return cut_block(size);
}

static void *take_large(size_t size) {
    struct header *header = malloc(sizeof *header + size);
    if (header == NULL)
        return NULL;
    header->size = size;
    return header + 1;
}

static void *take(JSMallocState *state, size_t size) {
    if (size > SIZE_MAX / 2 || state->malloc_size + size > state->malloc_limit)
        return NULL;
    heap = state;
    void *block = size <= MOST_SMALL ? take_small(size) : take_large(size);
    if (block != NULL) {
        state->malloc_count++;
        state->malloc_size += header_of(block)->size + sizeof(struct header);
    }
    return block;
}

static void give_back(JSMallocState *state, void *block) {
    if (block == NULL)
        return;
    size_t size = header_of(block)->size;
    state->malloc_count--;
    state->malloc_size -= size + sizeof(struct header);
    if (size > MOST_SMALL) {
        free(header_of(block));
        return;
    }
    keep_block(block, size);
}

static void *resize(JSMallocState *state, void *block, size_t size) {
    if (block == NULL)
        return size == 0 ? NULL : take(state, size);
    if (size == 0) {
        give_back(state, block);
        return NULL;
    }
    size_t before = header_of(block)->size;
    if (before > MOST_SMALL && size > MOST_SMALL) {
        if (size > SIZE_MAX / 2 || state->malloc_size + size - before > state->malloc_limit)
            return NULL;
        struct header *header = realloc(header_of(block), sizeof *header + size);
        if (header == NULL)
            return NULL;
        header->size = size;
        state->malloc_size += size - before;
        return header + 1;
    }
    if (size <= before && before - size < MOST_EVEN / 2)
        return block;
    void *other = take(state, size);
    if (other != NULL) {
        memcpy(other, block, size < before ? size : before);
        give_back(state, block);
    }
    return other;
}

static size_t room_of(const void *block) {
    return header_of(block)->size;
}

JSRuntime *new_runtime(void) {
    static const JSMallocFunctions functions = { take, give_back, resize, room_of };
    return JS_NewRuntime2(&functions, NULL);
}

void collect_if_grown(JSRuntime *rt) {
    // A start with a few shares stays below the first: a collection costs milliseconds.
    static size_t limit = 2 << 20;
    if (heap->malloc_size < limit)
        return;
    JS_RunGC(rt);
    // By a share of what is in use, too: else a heap that grows costs by the square of its size.
    size_t least = 256 << 10, share = heap->malloc_size / 16;
    limit = heap->malloc_size + (share > least ? share : least);
}

#endif
