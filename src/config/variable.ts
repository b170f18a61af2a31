// What the table of variables has of each.
import type { Format } from "./values.ts";

export type VariableGroup =
  | "Shares"
  | "fstab"
  | "Waiting and mounting"
  | "The process"
  | "Watching"
  | "Reporting"
  | "Exports"
  | "The server"
  | "Docker volumes";

export interface Variable<T = unknown> {
  /** Name of the environment variable; the flag is derived from it. */
  readonly name: string;
  readonly group: VariableGroup;
  /** What it means, one clause; the reference and --help print it. */
  readonly meaning: string;
  readonly format: Format<T>;
  /** The default as it would be written, "" where there is none. */
  readonly default: string;
  /** What the reference says of the default where it cannot be written as a value. */
  readonly defaultMeaning?: string;
  /** Further names of the same variable. */
  readonly aliases?: readonly string[];
  /** Whether `NFS_<n>_...` of it describes a further share, or a further export. */
  readonly numbered?: boolean;
  /** Whether it means that there is a share, where it stands alone. */
  readonly meansShares?: boolean;
}
