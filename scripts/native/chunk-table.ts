// The bytecode as a table that is linked in; native/chunks.h declares it.

export interface TableEntry {
  readonly name: string;
  /** The file with its bytes, relative to the folder of the assembler's source. */
  readonly file: string;
  readonly sizeBytes: number;
}

/** C source of the table. */
export function chunkTable(entries: readonly TableEntry[]): string {
  return [
    "// Made by the build: the program's bytecode.",
    '#include "chunks.h"',
    ...entries.map((_, index) => `extern const unsigned char chunk_${index}[] __attribute__((visibility("hidden")));`),
    "const struct chunk chunks[] = {",
    ...entries.map(({ name, sizeBytes }, index) => `    {${JSON.stringify(name)}, chunk_${index}, ${sizeBytes}},`),
    "};",
    `const unsigned chunk_count = ${entries.length};`,
    "",
  ].join("\n");
}

/** Assembler source that holds the bytes. */
export function chunkBytes(entries: readonly TableEntry[]): string {
  const parts = entries.flatMap(({ file }, index) => [
    ".balign 16",
    `.globl chunk_${index}`,
    `.hidden chunk_${index}`,
    `chunk_${index}:`,
    `.incbin ${JSON.stringify(file)}`,
  ]);
  return ['.section .rodata.chunks,"a",%progbits', ...parts, '.section .note.GNU-stack,"",%progbits', ""].join("\n");
}
