// How much the kernel tests run: what matters most, or with NFS_INIT_TESTS=all every version and every slow case (npm run test:all).

export const everyCombination = process.env["NFS_INIT_TESTS"] === "all";

const allVersions: readonly string[] = ["3", "4.0", "4.1", "4.2"];

/** The NFS versions to go through: those given, or all that there are. */
export function versionsOr(few: readonly string[]): readonly string[] {
  return everyCombination ? allVersions : few;
}
