// The table of bytecode that the build makes. The first entry is the entry module; a name is that of imports, without `./` and `.js`.
#pragma once

struct chunk {
    const char *name;
    const unsigned char *bytes;
    unsigned size;
};
extern const struct chunk chunks[];
extern const unsigned chunk_count;
