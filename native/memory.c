// Memory of the engine: small blocks come from large ones, and go back to lists by size.
// musl's malloc maps and unmaps pages as the engine takes and gives back, and its malloc_usable_size, which the engine asks at
// every turn, is slow: both together were a third of a start.
#include <stdlib.h>
#include <sys/mman.h>

#include "native.h"

#ifdef __SANITIZE_ADDRESS__

// Each block by itself, so that the sanitizer sees where it ends.
JSRuntime *new_runtime(void) {
    return JS_NewRuntime();
}

#else

enum { STEP = 8, MOST_SMALL = 1024, POOL_BYTES = 256 << 10 };

/** Stands before each block; `size` is what the block has room for. */
struct header {
    size_t size;
};

static struct free_block {
    struct free_block *next;
} *free_blocks[MOST_SMALL / STEP + 1];
static char *pool, *pool_end;

static struct header *header_of(const void *block) {
    return (struct header *)block - 1;
}

static void *take_small(size_t size) {
    // Room for the list that it goes back to, at least.
    size_t class = size == 0 ? 1 : (size + STEP - 1) / STEP;
    struct free_block *free_block = free_blocks[class];
    if (free_block != NULL) {
        free_blocks[class] = free_block->next;
        return free_block;
    }
    size_t whole = sizeof(struct header) + class * STEP;
    if ((size_t)(pool_end - pool) < whole) {
        // All of its pages at once: one fault for each would cost more than the few that stay unused.
        void *more = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (more == MAP_FAILED)
            return NULL;
        pool = more;
        pool_end = pool + POOL_BYTES;
    }
    struct header *header = (struct header *)(void *)pool;
    pool += whole;
    header->size = class * STEP;
    return header + 1;
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
    struct free_block *free_block = block;
    free_block->next = free_blocks[size / STEP];
    free_blocks[size / STEP] = free_block;
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
    if (size <= before && before - size < MOST_SMALL / 2)
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

#endif
